"""Results are styled and grouped by run, with the map on top."""

from __future__ import annotations

import re

import pytest
from osgeo import gdal, ogr
from qgis.core import (
    QgsLayerTreeRegistryBridge,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProject,
    QgsRasterLayer,
    QgsVectorLayer,
)

from spectralgpt_qgis import result_layers, styling
from spectralgpt_qgis.result_layers import ResultLayer, hand_over

pytestmark = pytest.mark.usefixtures("tree_view")
CLASSES = (styling.ClassStyle(1, "Water", "#0000ff"),)
MAP = styling.ClassRasterStyle(CLASSES)


@pytest.fixture
def raster(tmp_path):
    def make(name):
        path = str(tmp_path / name)
        dataset = gdal.GetDriverByName("GTiff").Create(path, 2, 2)
        dataset.GetRasterBand(1).Fill(1)
        return path

    return make


@pytest.fixture
def polygons(tmp_path):
    path = str(tmp_path / "polygons.gpkg")
    source = ogr.GetDriverByName("GPKG").CreateDataSource(path)
    source.CreateLayer("polygons", geom_type=ogr.wkbPolygon).CreateField(
        ogr.FieldDefn("class_value", ogr.OFTInteger)
    )
    return path


def context_for(*paths):
    """The context of a run that will load these outputs."""
    context = QgsProcessingContext()
    context.setProject(QgsProject.instance())
    for path in paths:
        details = QgsProcessingContext.LayerDetails(path[-8:], QgsProject.instance(), "OUTPUT")
        context.addLayerToLoadOnCompletion(path, details)
    return context


def test_a_tool_that_ran_for_a_hundred_features_styles_every_result(raster, qgis_app):
    """Processing adds them at the very end, and keeps no references to Python objects until then."""
    paths = [raster(f"{number}.tif") for number in range(100)]
    context = context_for(*paths)
    for path in paths:
        hand_over([ResultLayer(path, MAP)], "Tool", "", context)
    details = context.layersToLoadOnCompletion().values()
    assert all(
        isinstance(item.postProcessor(), result_layers.ResultPostProcessor) for item in details
    )


def load(context):
    """Loads the outputs as Processing does at the end of a run."""
    from processing.gui.Postprocessing import handleAlgorithmResults
    from qgis.core import QgsApplication

    algorithm = QgsApplication.processingRegistry().algorithmById("native:buffer")
    assert handleAlgorithmResults(algorithm, context, QgsProcessingFeedback())


def tree(group=None):
    """The layer tree as nested lists: [name, children]."""
    group = group or QgsProject.instance().layerTreeRoot()
    return [
        [child.name(), tree(child)] if hasattr(child, "addGroup") else child.layer().source()
        for child in group.children()
    ]


def test_only_what_is_loaded_is_handed_over(raster):
    context = context_for()
    assert hand_over([ResultLayer(raster("a.tif"), MAP)], "Map", "", context) == []
    assert context.layersToLoadOnCompletion() == {}


def test_a_loaded_layer_is_styled_even_when_processing_has_a_default_style(raster):
    path = raster("a.tif")
    context = context_for(path)
    hand_over([ResultLayer(path, MAP)], "Map", "", context)
    layer = QgsRasterLayer(path)
    processor = context.layerToLoadOnCompletionDetails(path).postProcessor()
    processor.postProcessLayer(layer, context, QgsProcessingFeedback())
    assert layer.renderer().type() == "paletted"


def test_results_of_one_run_lie_in_a_group_vectors_on_top(qgis_processing, raster, polygons):
    # With these names, Processing adds the layers in another order.
    second, first = raster("z.tif"), raster("a.tif")
    other = QgsProject.instance().addMapLayer(QgsVectorLayer("Point", "other", "memory"))
    context = context_for(second, first, polygons)
    layers = [
        ResultLayer(second, MAP),
        ResultLayer(first, styling.confidence_style()),
        ResultLayer(polygons, styling.PolygonStyle(CLASSES)),
    ]
    names = hand_over(layers, "Land-cover map", "Boadella", context)
    assert names == ["ons.gpkg", second[-8:], first[-8:]]
    load(context)
    group, rest = tree()
    assert re.fullmatch(r"Land-cover map: Boadella \(\d\d:\d\d:\d\d\)", group[0])
    assert [source.partition("|")[0] for source in group[1]] == [polygons, second, first]
    assert rest == other.source()
    assert len(QgsProject.instance().mapLayers()) == 4, "moving must not lose a layer"


def test_where_qgis_adds_layers_does_not_matter(qgis_processing, raster):
    """The QGIS application adds a layer next to the last one, which is inside the new group."""
    project = QgsProject.instance()
    point = QgsLayerTreeRegistryBridge.InsertionPoint

    def follow(node, *_):
        for group in project.layerTreeRoot().findGroups():
            project.layerTreeRegistryBridge().setLayerInsertionPoint(point(group, 0))

    paths = [raster(f"{name}.tif") for name in "cab"]
    context = context_for(*paths)
    hand_over([ResultLayer(path, MAP) for path in paths], "Map", "", context)
    project.layerTreeRoot().addedChildren.connect(follow)
    try:
        load(context)
    finally:
        project.layerTreeRoot().addedChildren.disconnect(follow)
        project.layerTreeRegistryBridge().setLayerInsertionPoint(point(project.layerTreeRoot(), 0))
    ((name, inside),) = tree()
    assert name.startswith("Map (")
    assert inside == paths


def test_a_single_result_needs_no_group(qgis_processing, raster):
    path = raster("a.tif")
    context = context_for(path)
    hand_over([ResultLayer(path, MAP)], "Label scenes", "Boadella", context)
    load(context)
    assert tree() == [path]


def test_two_runs_have_a_group_each(qgis_processing, raster, monkeypatch):
    for time in ("10:00", "10:01"):
        monkeypatch.setattr(
            result_layers, "_group_name", lambda title, subject, time=time: f"{title} ({time})"
        )
        pair = [raster(f"{time[-1]}{name}.tif") for name in "ab"]
        context = context_for(*pair)
        hand_over([ResultLayer(path, MAP) for path in pair], "Map", "", context)
        load(context)
    assert [item[0] for item in tree()] == ["Map (10:01)", "Map (10:00)"]
    assert [len(item[1]) for item in tree()] == [2, 2]


def test_a_run_after_another_does_not_end_up_inside_its_group(qgis_processing, raster, monkeypatch):
    """QGIS adds layers next to the current layer, which after a run is one of its results."""
    project = QgsProject.instance()
    for number, names in enumerate(("ab", "cd", "e")):
        monkeypatch.setattr(
            result_layers, "_group_name", lambda title, subject, number=number: f"Run {number}"
        )
        paths = [raster(f"{name}.tif") for name in names]
        context = context_for(*paths)
        hand_over([ResultLayer(path, MAP) for path in paths], "Map", "", context)
        load(context)
        chosen = project.layerTreeRoot().findGroup("Run 0")
        point = QgsLayerTreeRegistryBridge.InsertionPoint(chosen, 0)
        project.layerTreeRegistryBridge().setLayerInsertionPoint(point)
    root = QgsLayerTreeRegistryBridge.InsertionPoint(project.layerTreeRoot(), 0)
    project.layerTreeRegistryBridge().setLayerInsertionPoint(root)
    # QGIS 3.40 adds the last layer above both groups, QGIS 3.22 between them.
    groups = dict(item for item in tree() if isinstance(item, list))
    assert [item for item in tree() if not isinstance(item, list)] == paths
    assert {name: len(inside) for name, inside in groups.items()} == {"Run 0": 2, "Run 1": 2}


def test_a_user_s_group_for_results_is_respected(qgis_processing, raster):
    from processing.core.ProcessingConfig import ProcessingConfig

    ProcessingConfig.setSettingValue(ProcessingConfig.RESULTS_GROUP_NAME, "Mine")
    try:
        pair = [raster("a.tif"), raster("b.tif")]
        context = context_for(*pair)
        hand_over([ResultLayer(path, MAP) for path in pair], "Map", "", context)
        load(context)
    finally:
        ProcessingConfig.setSettingValue(ProcessingConfig.RESULTS_GROUP_NAME, "")
    ((mine, (group,)),) = tree()
    assert mine == "Mine"
    assert group[0].startswith("Map (")
    assert group[1] == pair
