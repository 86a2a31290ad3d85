"""Classes of a label layer, read from its style and value map, and written to them."""

from __future__ import annotations

import json

import pytest
from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsEditorWidgetSetup,
    QgsFeature,
    QgsFillSymbol,
    QgsProject,
    QgsRasterLayer,
    QgsRendererCategory,
    QgsVectorLayer,
)
from qgis.PyQt.QtGui import QColor

from spectralgpt_qgis.class_field import likely_field
from spectralgpt_qgis.gui.training.label_classes import (
    COLOURS,
    LabelClass,
    first_classes,
    next_class,
    read_classes,
    renamed,
    write_classes,
)
from spectralgpt_qgis.label_look import hold_looks, look_in_training, look_of_classes

WATER, FOREST = LabelClass("1", "Water", "#0000ff"), LabelClass("2", "Forest", "#00aa00")


@pytest.fixture
def numbers(qgis_app):
    return QgsVectorLayer("Polygon?crs=EPSG:4326&field=class:integer", "numbers", "memory")


@pytest.fixture
def words(qgis_app):
    return QgsVectorLayer("Polygon?crs=EPSG:4326&field=class:string", "words", "memory")


def test_what_is_written_is_read_back(numbers):
    write_classes(numbers, "class", [WATER, FOREST])
    assert read_classes(numbers, "class") == [WATER, FOREST]


def test_the_field_offers_the_names_and_keeps_the_numbers(numbers):
    write_classes(numbers, "class", [WATER, FOREST])
    setup = numbers.editorWidgetSetup(0)
    assert setup.type() == "ValueMap"
    assert setup.config()["map"] == [{"Water": "1"}, {"Forest": "2"}]
    assert [c.value() for c in numbers.renderer().categories()] == [1, 2]


@pytest.fixture
def related(numbers):
    """A layer with a value relation: the names of the classes are in another table."""
    table = QgsVectorLayer("NoGeometry?field=code:integer&field=title:string", "codes", "memory")
    for values in ([1, "Water"], [2, "Forest"], [None, "Unknown"]):
        feature = QgsFeature(table.fields())
        feature.setAttributes(values)
        table.dataProvider().addFeature(feature)
    QgsProject.instance().addMapLayers([table, numbers])
    config = {"Layer": table.id(), "Key": "code", "Value": "title"}
    numbers.setEditorWidgetSetup(0, QgsEditorWidgetSetup("ValueRelation", config))
    return numbers


def test_names_of_a_related_table_are_those_of_the_classes(related):
    assert [(item.label, item.name) for item in read_classes(related, "class")] == [
        ("1", "Water"),
        ("2", "Forest"),
    ]
    assert '"title": "Forest"' in look_of_classes(related, "class")
    assert likely_field(related) == "class"


def test_a_related_table_stays_the_fields_form(related):
    write_classes(related, "class", [WATER, FOREST])
    assert related.editorWidgetSetup(0).type() == "ValueRelation"
    assert read_classes(related, "class") == [WATER, FOREST]


def test_a_related_table_that_is_gone_says_nothing(related):
    QgsProject.instance().removeMapLayer(related.editorWidgetSetup(0).config()["Layer"])
    assert read_classes(related, "class") == []


def test_a_field_of_words_stays_free_text(words):
    write_classes(words, "class", [LabelClass("lake", "Water", "#0000ff")])
    assert words.editorWidgetSetup(0).type() != "ValueMap"
    assert words.renderer().categories()[0].value() == "lake"


def test_the_algorithm_sees_the_same_names_and_colours(numbers):
    write_classes(numbers, "class", [WATER])
    assert look_of_classes(numbers, "class") == (
        '[{"label": "1", "title": "Water", "color": "#0000ff"}]'
    )


def test_what_was_noted_counts_where_the_style_says_nothing(numbers):
    write_classes(numbers, "class", [WATER])
    hold_looks(numbers, "class", {"1": ("Sea", "#111111"), "2": ("Class 2", "#222222")})
    assert json.loads(look_in_training(numbers, "class")) == [
        {"label": "1", "title": "Water", "color": "#0000ff"},
        {"label": "2", "title": "Class 2", "color": "#222222"},
    ]
    assert len(json.loads(look_in_training(numbers, "other") or "[]")) == 0, "of another field"
    assert [item.label for item in read_classes(numbers, "class")] == ["1"]


def test_values_without_a_style_come_last_in_their_order_each_in_a_colour_of_its_own(numbers):
    write_classes(numbers, "class", [WATER])
    found = read_classes(numbers, "class", ["10", "9", "1"])
    assert [item.label for item in found] == ["1", "9", "10"]
    assert [item.name for item in found] == ["Water", "Class 9", "Class 10"], "as in a model"
    assert len({item.colour for item in found}) == 3


def test_a_symbol_that_the_user_made_keeps_all_but_its_colour(numbers):
    symbol = QgsFillSymbol.createSimple({"outline_width": "3", "color": "red"})
    numbers.setRenderer(
        QgsCategorizedSymbolRenderer("class", [QgsRendererCategory(1, symbol, "Sea")])
    )
    write_classes(numbers, "class", [WATER, FOREST])
    categories = numbers.renderer().categories()  # a reference, as they own the symbols
    first, second = categories[0].symbol(), categories[1].symbol()
    assert first.symbolLayer(0).strokeWidth() == 3
    assert first.color() == QColor("#0000ff")
    assert second.symbolLayer(0).strokeWidth() != 3


def test_symbols_and_their_transparency_survive_a_new_name(numbers):
    """Also for a quoted field and a category with several values; "all other values" stay visible."""
    veil = QgsFillSymbol.createSimple({"outline_width": "3", "color": "255,0,0,100"})
    several = QgsFillSymbol.createSimple({"outline_width": "4"})
    rest = QgsFillSymbol.createSimple({"outline_width": "5"})
    categories = [
        QgsRendererCategory(1, veil, "Sea"),
        QgsRendererCategory([2, 3], several, "Land"),
        QgsRendererCategory(None, rest, "others"),
    ]
    numbers.setRenderer(QgsCategorizedSymbolRenderer('"class"', categories))
    write_classes(numbers, "class", [WATER, FOREST])
    categories = numbers.renderer().categories()
    widths = [item.symbol().symbolLayer(0).strokeWidth() for item in categories]
    assert widths == [3, 4, 5]
    assert categories[0].symbol().color().alpha() == 100
    assert [item.label() for item in categories] == ["Water", "Forest", "others"]


def test_a_class_raster_gets_a_palette(qgis_app, scene):
    layer = QgsRasterLayer(scene.replace("02-02", "06-21").replace(".tif", "_water.tif"), "water")
    classes = [LabelClass("0", "Land", "#aabbcc"), LabelClass("1", "Water", "#0000ff")]
    write_classes(layer, "", classes)
    assert read_classes(layer, "") == classes


def test_change_starts_with_the_two_numbers_whose_order_the_engine_knows():
    unchanged, changed = first_classes("change")
    assert (unchanged.label, changed.label) == ("0", "1")
    assert [item.label for item in first_classes("segmentation")] == ["1", "2"]


def test_a_further_class_differs_in_everything():
    classes = [WATER, FOREST, LabelClass("4", "Class 3", COLOURS[0])]
    new = next_class(classes, True)
    assert (new.label, new.name) == ("5", "Class 5")
    assert new.colour not in {item.colour for item in classes}
    assert next_class(classes, False).label == "Class 5"


def test_values_that_are_words_get_the_colours_that_people_expect(words):
    found = read_classes(words, "class", ["bosque", "floresta", "water"])
    assert [item.name for item in found] == ["bosque", "floresta", "water"]
    assert found[0].colour == "#397d49"
    assert found[1].colour not in ("#397d49", "#419bdf"), "forest is there already"
    assert found[2].colour == "#419bdf"


def test_a_class_gets_the_colour_of_its_name_unless_somebody_chose_one():
    new = LabelClass("3", "Class 3", COLOURS[2])
    assert renamed(new, "Laubwald", [WATER]) == LabelClass("3", "Laubwald", "#397d49")
    assert renamed(new, "Mine", [WATER]) == LabelClass("3", "Mine", COLOURS[2])
    chosen = LabelClass("3", "Class 3", "#123456")
    assert renamed(chosen, "Laubwald", [WATER]).colour == "#123456"
    wood = LabelClass("2", "Wood", "#397d49")
    assert renamed(new, "Laubwald", [wood]).colour == COLOURS[2], "two classes in one colour"
    assert renamed(wood, "Lake", []).colour == "#419bdf"


@pytest.mark.parametrize("label", ["²", "--5", "1-2", "-", "٣"])
def test_words_that_look_like_numbers_are_words(words, label):
    found = [item.label for item in read_classes(words, "class", [label, "3"])]
    assert found == ["3", label]


def test_truth_values_are_called_as_the_engine_calls_them(qgis_app):
    """The engine reads "true" and "false" from a file; "True" would be another class, without its colour."""
    layer = QgsVectorLayer("Polygon?crs=EPSG:4326&field=water:boolean", "labels", "memory")
    layer.setRenderer(
        QgsCategorizedSymbolRenderer(
            "water",
            [
                QgsRendererCategory(value, QgsFillSymbol.createSimple({"color": color}), name)
                for value, color, name in ((True, "#0000ff", "Water"), (False, "#808080", "Land"))
            ],
        )
    )
    looks = json.loads(look_of_classes(layer, "water"))
    assert [(look["label"], look["title"]) for look in looks] == [
        ("true", "Water"),
        ("false", "Land"),
    ]
