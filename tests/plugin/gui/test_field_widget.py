"""The class field in Processing dialogs: it follows the label layer, which may also be a raster."""

from __future__ import annotations

import pytest
from processing.gui.wrappers import WidgetWrapperFactory
from qgis.core import QgsProcessingContext, QgsProject, QgsRasterLayer, QgsVectorLayer
from qgis.gui import QgsGui, QgsProcessingGui
from qgis.PyQt.QtWidgets import QWidget

from spectralgpt_qgis.gui.field_widget import FieldWidgetWrapper
from tests.plugin.conftest import SAMPLE

FIELDS = "Polygon?crs=EPSG:4326&field=crop:string&field=code:integer&field=share:double"
FIELD_NAMES = ["", "crop", "code"]


@pytest.fixture
def desk(provider):
    """The widgets for labels and field of a tool, connected as in a dialog."""
    kept = []

    def make(algorithm="finetune", labels="LABELS"):
        definition = provider.algorithm(algorithm).parameterDefinition
        parent, context = QWidget(), QgsProcessingContext()
        context.setProject(QgsProject.instance())
        layers = QgsGui.processingGuiRegistry().createParameterWidgetWrapper(
            definition(labels), QgsProcessingGui.Standard
        )
        kept.extend((parent, context, layers, layers.createWrappedWidget(context)))
        field = WidgetWrapperFactory.create_wrapper(definition("FIELD"), parent)
        field.postInitialize([layers, field])
        return layers, field, context

    return make


@pytest.fixture
def labels():
    return QgsProject.instance().addMapLayer(QgsVectorLayer(FIELDS, "labels", "memory"))


@pytest.fixture
def image():
    path = str(SAMPLE / "boadella_2020-06-21.tif")
    return QgsProject.instance().addMapLayer(QgsRasterLayer(path, "image"))


def names(field):
    return [field.widget.itemText(number) for number in range(field.widget.count())]


@pytest.mark.parametrize(
    ("algorithm", "parent"), [("finetune", "LABELS"), ("evaluate", "REFERENCE")]
)
def test_a_project_of_rasters_alone_does_no_harm(desk, image, algorithm, parent):
    layers, field, context = desk(algorithm, parent)
    layers.setParameterValue(image.id(), context)
    assert isinstance(field, FieldWidgetWrapper)
    assert field.value() is None


def test_text_and_whole_numbers_are_offered(desk, labels):
    layers, field, context = desk()
    layers.setParameterValue(labels.id(), context)
    assert names(field) == ["", "crop", "code"]


def test_it_begins_with_the_obvious_field_and_keeps_what_the_user_chose(desk, labels):
    layers, field, context = desk()
    layers.setParameterValue(labels.id(), context)
    assert field.value() == "crop"
    for chosen in (2, 0):  # another one, then none
        field.widget.setCurrentIndex(chosen)
        field.widget.activated.emit(chosen)
        layers.setParameterValue(labels.id(), context)
        assert field.value() == (FIELD_NAMES[chosen] or None)


def test_a_doubtful_layer_begins_empty(desk):
    doubtful = QgsVectorLayer(
        "Point?crs=EPSG:4326&field=a:string&field=b:string", "doubtful", "memory"
    )
    QgsProject.instance().addMapLayer(doubtful)
    layers, field, context = desk()
    layers.setParameterValue(doubtful.id(), context)
    assert field.value() is None


def test_the_field_stays_where_the_layer_has_it(desk, labels, image):
    layers, field, context = desk()
    field.setWidgetValue("code", context)  # before its layer is known
    layers.setParameterValue(labels.id(), context)
    assert field.value() == "code"
    layers.setParameterValue(image.id(), context)
    assert field.value() is None
    layers.setParameterValue(labels.id(), context)
    assert field.value() == "code"


def test_a_file_is_looked_into(desk, tmp_path):
    path = tmp_path / "labels.geojson"
    path.write_text(
        '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"kind": "a"}, "geometry": '
        '{"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}}]}'
    )
    layers, field, context = desk()
    layers.setParameterValue(str(path), context)
    field.setWidgetValue("kind", context)
    assert field.value() == "kind"


def test_of_labels_that_are_polygons_the_field_is_not_called_optional(desk):
    _, field, _ = desk()
    assert field.label.text() == "Field with the class (not for rasters)"
