"""Drawing a class: attributes of new polygons, and restored settings of the layer."""

from __future__ import annotations

import pytest
from qgis.core import (
    QgsDefaultValue,
    QgsEditFormConfig,
    QgsGeometry,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
    QgsVectorLayerUtils,
)

from spectralgpt_qgis.gui.training.drawing import Drawing
from tests.plugin.waiting import wait

ON = QgsEditFormConfig.FeatureFormSuppress.SuppressOn
DEFAULT = QgsEditFormConfig.FeatureFormSuppress.SuppressDefault


@pytest.fixture
def labels(qgis_app):
    layer = QgsVectorLayer("Polygon?crs=EPSG:4326&field=class:string", "l", "memory")
    layer.setDefaultValueDefinition(0, QgsDefaultValue("'before'"))
    QgsProject.instance().addMapLayer(layer)
    return layer


@pytest.fixture
def drawing(iface):
    return Drawing(iface)


def new_class(layer):
    """The class of a new feature from QGIS's own tool."""
    square = QgsGeometry.fromRect(QgsRectangle(0, 0, 1, 1))
    return QgsVectorLayerUtils.createFeature(layer, square)["class"]


def test_new_features_get_the_class_without_a_form(drawing, iface, labels):
    drawing.start(labels, 0, "it's water")
    assert labels.isEditable()
    assert iface.drawn == [labels]
    assert new_class(labels) == "it's water"
    assert labels.editFormConfig().suppress() == ON
    assert drawing.label == "it's water"


def test_another_class_takes_over_and_the_end_puts_everything_back(drawing, labels):
    told = []
    drawing.changed.connect(lambda: told.append(drawing.label))
    drawing.start(labels, 0, "a")
    drawing.start(labels, 0, "b")
    assert new_class(labels) == "b"
    drawing.stop()
    assert new_class(labels) == "before"
    assert labels.editFormConfig().suppress() == DEFAULT
    assert told == ["a", "b", ""]


def test_who_ends_editing_ends_drawing(drawing, labels):
    drawing.start(labels, 0, "a")
    labels.rollBack()
    assert drawing.label == ""
    assert labels.defaultValueDefinition(0).expression() == "'before'"


def test_a_layer_that_goes_takes_drawing_with_it(drawing, labels):
    drawing.start(labels, 0, "a")
    QgsProject.instance().removeMapLayer(labels)
    assert drawing.label == ""
    drawing.stop()


def test_a_project_that_is_saved_meanwhile_keeps_the_layer_as_it_was(drawing, labels, tmp_path):
    project = QgsProject.instance()
    drawing.start(labels, 0, "a")
    assert project.write(str(tmp_path / "field.qgs"))
    assert not project.isDirty()
    assert new_class(labels) == "a", "drawing goes on"
    assert labels.editFormConfig().suppress() == ON
    saved = QgsProject()
    assert saved.read(str(tmp_path / "field.qgs"))
    (layer,) = saved.mapLayers().values()
    assert layer.defaultValueDefinition(0).expression() == "'before'"
    assert layer.editFormConfig().suppress() == DEFAULT
    drawing.stop()
    assert new_class(labels) == "before"


def test_a_project_that_cannot_be_saved_ends_no_drawing(drawing, labels, tmp_path):
    drawing.start(labels, 0, "a")
    assert not QgsProject.instance().write(str(tmp_path / "nowhere" / "field.qgs"))
    wait(lambda: new_class(labels) == "a")
