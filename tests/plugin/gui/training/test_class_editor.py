"""Adding, removing and drawing classes of a real layer."""

from __future__ import annotations

import pytest
from qgis.core import QgsProject, QgsRectangle, QgsVectorLayer
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QPushButton

from spectralgpt_qgis.gui.training.class_editor import ClassEditor
from spectralgpt_qgis.gui.training.class_table import COLOUR, NAME
from spectralgpt_qgis.gui.training.label_classes import LabelClass, write_classes
from spectralgpt_qgis.tasks.label_count import ClassCount, LabelCounts
from tests.plugin.gui.training.desk import square

WATER, FOREST = LabelClass("1", "Water", "#0000ff"), LabelClass("2", "Forest", "#00aa00")


@pytest.fixture
def labels(qgis_app):
    layer = QgsVectorLayer("Polygon?crs=EPSG:4326&field=class:integer", "l", "memory")
    write_classes(layer, "class", [WATER, FOREST])
    QgsProject.instance().addMapLayer(layer)
    layer.startEditing()
    for place in range(3):
        square(layer, 1, QgsRectangle(place, 0, place + 1, 1))
    square(layer, 2, QgsRectangle(0, 5, 1, 6))
    return layer


@pytest.fixture
def editor(iface, labels):
    made = ClassEditor(iface)
    made.show_layer(labels, "class")
    made.show_counts(LabelCounts({"1": ClassCount(3, 9.0), "2": ClassCount(1, 3.0)}))
    yield made
    made.stop()
    made.deleteLater()


def test_classes_come_from_the_layer(editor):
    assert editor.classes == (WATER, FOREST)
    assert editor.shortage() == ["Forest"]


def test_a_renamed_class_is_renamed_in_the_layer(editor, labels):
    model = editor.table.classes
    model.setData(model.index(0, NAME), "Lake", Qt.ItemDataRole.EditRole)
    assert labels.renderer().categories()[0].label() == "Lake"
    assert {"Lake": "1"} in labels.editorWidgetSetup(0).config()["map"]


def test_a_style_changed_in_the_layers_properties_is_shown(editor, labels):
    write_classes(labels, "class", [WATER, LabelClass("2", "Wood", "#005500")])
    assert editor.classes[1] == LabelClass("2", "Wood", "#005500")


def test_a_table_without_classes_is_no_gap(editor, labels):
    two_rows = editor.table.height()
    editor.table.selectRow(0)
    assert not editor.table.isHidden()
    editor.remove_class()
    assert editor.table.height() < two_rows
    editor.show_layer(labels, "")
    assert editor.table.isHidden()
    editor.show_layer(labels, "class")
    assert not editor.table.isHidden()


def test_the_colour_follows_the_name_of_a_new_class(editor, labels):
    editor.add_class()
    model = editor.table.classes
    model.setData(model.index(2, NAME), "Bebaute Fläche", Qt.ItemDataRole.EditRole)
    assert editor.classes[2] == LabelClass("3", "Bebaute Fläche", "#c4281b")
    assert labels.renderer().categories()[2].symbol().color().name() == "#c4281b"
    model.setData(model.index(2, COLOUR), "#123456", Qt.ItemDataRole.EditRole)
    model.setData(model.index(2, NAME), "Wald", Qt.ItemDataRole.EditRole)
    assert editor.classes[2] == LabelClass("3", "Wald", "#123456"), "somebody chose it"


def test_an_added_class_is_drawn_at_once(editor, iface, labels):
    editor.add_class()
    assert editor.classes[2].label == "3"
    editor.draw(2)
    assert iface.drawn == [labels]
    assert labels.defaultValueDefinition(0).expression() == "3"


def test_a_removed_class_takes_its_polygons_and_undo_brings_both_back(editor, labels):
    editor.table.selectRow(0)
    editor.remove_class()
    assert editor.classes == (FOREST,)
    assert [feature["class"] for feature in labels.getFeatures()] == [2]
    labels.undoStack().undo()
    assert labels.featureCount() == 4
    editor.show_counts(LabelCounts({"1": ClassCount(3, 9.0), "2": ClassCount(1, 3.0)}))
    assert set(editor.classes) == {WATER, FOREST}
    assert {category.value() for category in labels.renderer().categories()} == {1, 2}, "seen again"


def test_a_name_that_is_taken_offers_to_join_the_classes_and_undo_parts_them(editor, iface, labels):
    model = editor.table.classes
    assert not model.setData(model.index(1, NAME), "Water", Qt.ItemDataRole.EditRole)
    assert editor.classes == (WATER, FOREST), "nothing happens unasked"
    (item,) = iface.bar.items()
    assert item.text() == "There is a class 'Water' already."
    button = next(b for b in item.findChildren(QPushButton) if b.text() == "Join 'Forest' with it")
    button.click()
    assert editor.classes == (WATER,)
    assert [feature["class"] for feature in labels.getFeatures()] == [1] * 4
    labels.undoStack().undo()
    assert sorted(feature["class"] for feature in labels.getFeatures()) == [1, 1, 1, 2]
    editor.show_counts(LabelCounts({"1": ClassCount(3, 9.0), "2": ClassCount(1, 3.0)}))
    assert set(editor.classes) == {WATER, FOREST}
    editor.join_classes(FOREST, LabelClass("9", "Gone", "#000000"))
    assert set(editor.classes) == {WATER, FOREST}, "a class that is gone is no target"


def test_drawing_again_ends_drawing(editor, iface, labels):
    panned = []
    iface.pan.triggered.connect(lambda *_: panned.append(True))
    editor.draw(1)
    assert editor.drawing.label == "2"
    editor.draw(1)
    assert editor.drawing.label == ""
    assert panned == [True]
    assert labels.defaultValueDefinition(0).expression() == ""


def test_another_layer_ends_drawing(editor, labels):
    editor.draw(0)
    editor.show_layer(None, "")
    assert editor.drawing.label == ""
    assert editor.classes == ()


def test_a_class_raster_is_only_named_and_coloured(editor, iface, later_scene):
    from tests.plugin.gui.training.desk import sample_layer

    layer = sample_layer(later_scene.replace(".tif", "_water.tif"), "water")
    editor.show_layer(layer, "")
    editor.show_counts(LabelCounts({"0": ClassCount(0, 5.0), "1": ClassCount(0, 5.0)}))
    assert [item.label for item in editor.classes] == ["0", "1"]
    for action in (editor.add_class, editor.remove_class, lambda: editor.draw(0)):
        action()
    assert len(editor.classes) == 2
    assert iface.drawn == []


def test_of_a_layer_that_cannot_be_edited_the_user_is_told(editor, iface, tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text("class;wkt\nwater;POLYGON((0 0, 1 0, 1 1, 0 0))\n")
    layer = QgsVectorLayer(
        f"file://{table}?delimiter=;&wktField=wkt&crs=EPSG:4326", "table", "delimitedtext"
    )
    QgsProject.instance().addMapLayer(layer)
    editor.show_layer(layer, "class")
    editor.show_counts(LabelCounts({"water": ClassCount(1, 9.0)}))
    editor.draw(0)
    assert editor.drawing.label == ""
    assert iface.drawn == []
    (told,) = (item.text() for item in iface.bar.items())
    assert "'table' cannot be edited" in told
    iface.bar.clearWidgets()
    editor.remove_class()
    assert [item.label for item in editor.classes] == ["water"]
    assert len(iface.bar.items()) == 1
