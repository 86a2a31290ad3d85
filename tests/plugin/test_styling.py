"""Styles of results: colours, names, and where the style is saved."""

from __future__ import annotations

import pytest
from osgeo import gdal
from qgis.core import (
    QgsExpressionContextUtils,
    QgsFeature,
    QgsGeometry,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsRenderContext,
    QgsVectorFileWriter,
    QgsVectorLayer,
)

from spectralgpt_qgis import styling

CLASSES = styling.class_styles(
    [
        {"value": 1, "name": "water", "title": "Open water", "color": "#2a7fb8"},
        {"value": 7, "name": "trees", "title": "", "color": "#2f8f4e"},
    ]
)


@pytest.fixture
def raster(tmp_path):
    path = str(tmp_path / "map.tif")
    dataset = gdal.GetDriverByName("GTiff").Create(path, 4, 3, 1)
    dataset.SetGeoTransform((0, 1, 0, 3, 0, -1))
    dataset.GetRasterBand(1).Fill(7)
    dataset = None
    return path


@pytest.fixture
def polygons(tmp_path):
    def write(*fields):
        columns = "&".join(f"field={name}:integer" for name in fields)
        layer = QgsVectorLayer(f"Polygon?crs=EPSG:4326&{columns}", "p", "memory")
        feature = QgsFeature(layer.fields())
        feature.setGeometry(QgsGeometry.fromRect(QgsRectangle(0, 0, 1, 1)))
        feature.setAttributes([7] * len(fields))
        layer.dataProvider().addFeatures([feature])
        path = str(tmp_path / "map.gpkg")
        options = QgsVectorFileWriter.SaveVectorOptions()
        QgsVectorFileWriter.writeAsVectorFormatV3(
            layer, path, QgsProject.instance().transformContext(), options
        )
        return path

    return write


def test_a_class_without_a_title_is_called_by_its_name():
    assert [(item.value, item.title, item.color) for item in CLASSES] == [
        (1, "Open water", "#2a7fb8"),
        (7, "trees", "#2f8f4e"),
    ]


def test_class_rasters_open_in_the_colours_of_the_model(raster):
    assert styling.save_default_style(raster, styling.ClassRasterStyle(CLASSES)) == ""
    layer = QgsRasterLayer(raster)
    assert layer.renderer().type() == "paletted"
    entries = [(c.value, c.label, c.color.name()) for c in layer.renderer().classes()]
    assert entries == [(1, "Open water", "#2a7fb8"), (7, "trees", "#2f8f4e")]


def test_hidden_classes_let_the_image_show_through(raster):
    styling.save_default_style(raster, styling.ClassRasterStyle(CLASSES, hidden=(1,)))
    layer = QgsRasterLayer(raster)
    assert [item.color.alpha() for item in layer.renderer().classes()] == [0, 255]


def test_the_style_is_all_that_is_written(raster, tmp_path):
    styling.save_default_style(raster, styling.confidence_style())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["map.qml", "map.tif"]


@pytest.mark.parametrize(
    ("style", "low", "high"),
    [(styling.confidence_style(), 0, 100), (styling.probability_style(), 0, 1)],
)
def test_ramps_cover_the_whole_range_whatever_the_image_holds(raster, style, low, high):
    styling.save_default_style(raster, style)
    layer = QgsRasterLayer(raster)
    renderer = layer.renderer()
    assert renderer.type() == "singlebandpseudocolor"
    assert (renderer.classificationMin(), renderer.classificationMax()) == (low, high)
    items = renderer.shader().rasterShaderFunction().colorRampItemList()
    assert (items[0].value, items[-1].value) == (low, high)


def test_polygons_carry_their_style_inside(polygons, tmp_path):
    path = polygons("class_value")
    assert styling.save_default_style(path, styling.PolygonStyle(CLASSES)) == ""
    assert [item.name for item in tmp_path.iterdir()] == ["map.gpkg"]
    layer = QgsVectorLayer(path)
    renderer = layer.renderer()
    assert renderer.classAttribute() == "class_value"
    assert [item.label() for item in renderer.categories()] == ["Open water", "trees"]
    (feature,) = layer.getFeatures()
    assert renderer.categories()[1].symbol().color().name() == "#2f8f4e"
    assert str(feature["class_value"]) == str(renderer.categories()[1].value())


def test_a_field_of_the_same_name_that_the_zones_brought_is_not_ours(polygons):
    path = polygons("class_value", "class_value_2", "class_values")
    styling.save_default_style(path, styling.PolygonStyle(CLASSES))
    layer = QgsVectorLayer(path)
    assert layer.renderer().classAttribute() == "class_value_2"


def test_polygons_that_may_lack_a_class_have_a_category_for_that(polygons):
    path = polygons("class_value")
    styling.save_default_style(path, styling.PolygonStyle(CLASSES, some_without=True))
    layer = QgsVectorLayer(path)
    labels = [item.label() for item in layer.renderer().categories()]
    assert labels == ["Open water", "trees", "No class"]


def test_a_file_that_cannot_be_opened_is_told_and_no_more(tmp_path):
    told = styling.save_default_style(str(tmp_path / "gone.tif"), styling.confidence_style())
    assert "gone.tif" in told


def test_a_sample_is_judged_in_a_form_and_shows_what_is_left_to_do():
    uri = "Point?crs=EPSG:4326&field=stratum:integer&field=reference:string"
    layer = QgsVectorLayer(uri, "sample", "memory")
    for value in (None, "", "7"):
        feature = QgsFeature(layer.fields())
        feature.setAttributes([7, value])
        layer.dataProvider().addFeatures([feature])
    styling.SampleStyle(CLASSES).apply(layer)
    setup = layer.editorWidgetSetup(1)
    assert setup.type() == "ValueMap"
    assert setup.config()["map"] == [{"Open water": "1"}, {"trees": "7"}]
    context = QgsRenderContext()
    context.expressionContext().appendScope(QgsExpressionContextUtils.layerScope(layer))
    renderer = layer.renderer()
    renderer.startRender(context, layer.fields())
    shown = []
    for feature in layer.getFeatures():
        context.expressionContext().setFeature(feature)
        shown.append(renderer.legendKeysForFeature(feature, context).copy().pop())
    renderer.stopRender(context)
    to_judge, judged = (item.ruleKey() for item in renderer.legendSymbolItems())
    assert shown == [to_judge, to_judge, judged]
