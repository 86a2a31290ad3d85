"""The list of classes."""

import json

import pytest

from engine.cards import ModelClass
from engine.data.label_classes import Look, alike, make_classes, ordered, parse_looks
from engine.data.palette import SEPARABLE
from engine.errors import InvalidParameter, LabelsInvalid


def test_order():
    assert ordered({"b", "A", "C"}, False) == ["A", "b", "C"]
    assert ordered({"10", "9", "-1"}, True) == ["-1", "9", "10"]


def test_automatic_classes():
    """A forest is green; what has no colour of its own gets the palette's."""
    assert make_classes(["Other area", "Wald"], False, {}, 2, "labels a") == (
        ModelClass(1, "other-area", "Other area", SEPARABLE[0]),
        ModelClass(2, "wald", "Wald", "#397d49"),
    )
    titles = [(c.name, c.title) for c in make_classes(["3", "5"], True, {}, 2, "labels a")]
    assert titles == [("class-3", "Class 3"), ("class-5", "Class 5")]


def test_names_are_unique_and_never_empty():
    found = make_classes(["a b", "a-b", "水", "森"], False, {}, 2, "labels a")
    assert [c.name for c in found] == ["a-b", "a-b-2", "class-3", "class-4"]
    assert found[2].title == "水"


def test_signs_that_are_not_seen_are_spaces_in_titles():
    """A vertical tab, as spreadsheets leave it, would make the map's names unreadable."""
    found = make_classes(["Wald\x0bNord", "See\n(tief)\x02"], False, {}, 2, "labels a")
    assert [c.title for c in found] == ["Wald Nord", "See (tief)"]


def test_given_titles_and_colours():
    """Of two given colours one is the palette's first, which no other class gets then."""
    text = json.dumps(
        [
            {"label": 3.0, "title": "Water", "color": SEPARABLE[0].upper()},
            {"label": "4", "color": "#11223344"},
            {"label": "77", "title": "Not there"},
        ]
    )
    found = make_classes(["3", "4", "5"], True, parse_looks(text), 2, "labels a")
    assert found == (
        ModelClass(3, "water", "Water", SEPARABLE[0]),
        ModelClass(4, "class-4", "Class 4", "#112233"),
        ModelClass(5, "class-5", "Class 5", SEPARABLE[1]),
    )


def test_whole_numbers_keep_their_value():
    """So a map has the numbers of its labels, and evaluation by value compares the same."""

    def values(*labels):
        return [item.value for item in make_classes(labels, True, {}, 2, "labels a")]

    assert values("0", "1") == [0, 1]
    assert values("10", "254") == [10, 254]
    # What does not fit into a byte beside no-data cannot.
    assert values("10", "255") == values("-1", "7") == values("3", "2018") == [1, 2]


def test_text_gives_the_name_whatever_the_title():
    looks = parse_looks('[{"label": "w", "title": "Open water"}, {"label": "森", "title": "Wood"}]')
    found = make_classes(["w", "森"], False, looks, 2, "labels a")
    assert [(item.name, item.title) for item in found] == [("w", "Open water"), ("wood", "Wood")]


def test_one_class_only():
    with pytest.raises(LabelsInvalid) as caught:
        make_classes(["Water"], False, {}, 2, "field 'kind' of the labels a.gpkg")
    assert caught.value.message == (
        "The field 'kind' of the labels a.gpkg has only one class (Water), but at least 2 are needed. "
        "Also label areas that do not belong to this class, for instance as 'other'."
    )
    assert len(make_classes(["Water"], False, {}, 1, "labels a")) == 1


def test_too_many_classes():
    labels = [str(k) for k in range(255)]
    with pytest.raises(
        LabelsInvalid, match=r"has 255 classes .* at most 254 are possible. Choose the field"
    ):
        make_classes(labels, True, {}, 2, "labels a")
    classes = make_classes(labels[:254], True, {}, 2, "labels a")
    assert classes[-1].value == 253 and len({c.color for c in classes}) == 254


@pytest.mark.parametrize("text", ["{", '{"label": "a"}', '[{"title": "a"}]', "[3]"])
def test_unreadable_looks(text):
    with pytest.raises(InvalidParameter, match="The class names and colours"):
        parse_looks(text)


def test_a_colour_that_is_none():
    with pytest.raises(InvalidParameter, match=r"has the colour 'blue', .* #1f78b4"):
        parse_looks('[{"label": "a", "color": "blue"}]')


def test_no_looks():
    assert parse_looks(" ") == {}
    assert parse_looks('[{"label": " a ", "title": null}]') == {"a": Look()}


def test_capitals():
    assert alike(["a", "b"]) == []
    assert alike(["Water", "water"])[0].startswith(
        "The classes Water and water differ only in upper and lower case"
    )
