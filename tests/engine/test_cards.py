"""Cards that no map can be made by are refused with what is wrong."""

import dataclasses

import pytest

from engine.cards import Band, Card, ModelClass
from engine.errors import ModelInvalid

CLASSES = (ModelClass(0, "water", "Water", "#0000FF"), ModelClass(7, "land", "Land", "#a0522d"))
CARD = Card("test", "segmentation", (Band("B02", "blue", 0.492, 0.066),), classes=CLASSES)


def class_with(**fields):
    return (CLASSES[0], dataclasses.replace(CLASSES[1], **fields))


def test_a_card_comes_back():
    card = Card.from_stac(CARD.to_stac())
    assert [item.value for item in card.classes] == [0, 7]
    assert card.classes[0].rgb == (0, 0, 255)


@pytest.mark.parametrize(
    ("name", "title", "word"),
    [
        ("class-3", "水体", "水体"),
        ("class-3", "Class 3", "class-3"),
        ("class-3", "", "class-3"),
        ("foret", "Forêt", "foret"),
    ],
)
def test_tables_call_a_class_by_its_title_where_its_name_says_nothing(name, title, word):
    assert ModelClass(3, name, title).word == word


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"classes": class_with(value=0)}, "classes have the values 0, 0, but different values"),
        ({"classes": class_with(value=-1)}, "classes have the values 0, -1"),
        ({"classes": class_with(value=10**10)}, "from 0 to 65535"),
        ({"classes": class_with(value=255)}, "has the no-data value 255"),
        ({"classes": class_with(color="red")}, "has the colour '#red', but a colour such as"),
        ({"bands": ()}, "it has no bands"),
        ({"bands": (Band("B02", "blue", float("nan")),)}, "one whose wavelength is not"),
        ({"spectral_patch": 0}, "is not positive"),
        ({"gsd": 0}, "is not positive"),
        ({"bands": (Band("B02", "blue", "490 nm"),)}, "cannot be read"),
        ({"window": "128"}, "cannot be read"),
        ({"name": 7}, "model '7' is invalid: one of its names or descriptions is not text"),
        ({"title": ["a"]}, "names or descriptions is not"),
        ({"bands": (Band(None),)}, "names or descriptions is not"),
        ({"threshold": [0.5]}, "its threshold, architecture, training or accuracy is not a table"),
    ],
)
def test_a_card_that_cannot_be_right_is_refused(fields, told):
    with pytest.raises(ModelInvalid, match=told):
        Card.from_stac(dataclasses.replace(CARD, **fields).to_stac())


def test_a_colour_that_is_no_text_is_refused():
    item = CARD.to_stac()
    item["properties"]["mlm:output"][0]["classification:classes"][0]["color_hint"] = 255
    with pytest.raises(ModelInvalid, match="cannot be read"):
        Card.from_stac(item)


def test_a_value_that_is_not_finite_is_refused():
    item = CARD.to_stac()
    item["properties"]["mlm:output"][0]["classification:classes"][0]["value"] = float("inf")
    with pytest.raises(ModelInvalid, match="cannot be read"):
        Card.from_stac(item)
