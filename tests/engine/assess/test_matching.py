import pytest

from engine.assess.class_raster import MapClass
from engine.assess.matching import NONE, match_classes
from engine.cards import ModelClass
from engine.errors import LabelsInvalid

MAPPED = (MapClass(1, "Open water", "water"), MapClass(2, "Dry land", "land"), MapClass(5))


def match(labels, titles=None, mapped=MAPPED):
    titles = titles or [f"Class {label}" if label.isdigit() else label for label in labels]
    classes = [ModelClass(i, f"c{i}", title) for i, title in enumerate(titles, 1)]
    return match_classes(labels, classes, mapped, "r.gpkg")


@pytest.mark.parametrize(
    ("labels", "places", "how"),
    [
        (["OPEN WATER", "dry-land"], (0, 1), "name"),
        (["land", "water"], (1, 0), "name"),
        (["2", "5"], (1, 2), "value"),
        (["5", "land"], (2, 1), "name and value"),
        (["Open water", "water"], (0, 0), "name"),
        (["snow", "land"], (NONE, 1), "name"),
    ],
)
def test_by_name_whatever_the_capitals_else_by_value(labels, places, how):
    found = match(labels)
    assert (found.places, found.how) == (places, how)


def test_names_of_signs_alone_are_names():
    """A label without a counterpart is not that of a class called "?"."""
    mapped = (MapClass(1, "+"), MapClass(2, "-"), MapClass(3, "?"))
    assert match(["-", "+", "snow"], mapped=mapped).places == (1, 0, NONE)


def test_accents_are_written_in_two_ways():
    assert match(["Wa\u0308lder"], mapped=(MapClass(1, "W\u00e4lder"),)).places == (0,)


def test_a_coded_reference_is_matched_by_its_names_first():
    assert match(["1", "2"], ["Dry land", "Open water"]).places == (1, 0)


def test_a_named_class_is_not_matched_by_its_value_when_others_have_matching_names():
    assert match(["1", "2"], ["Dry land", "Snow"]).places == (1, NONE)


def test_values_with_different_names_are_doubtful():
    found = match(["1", "2"], ["Wasser", "Land, trocken"])
    assert found.places == (0, 1)
    assert "1 (Wasser) with 1 (Open water)" in found.warning


def test_nothing_in_common_names_both_lists():
    with pytest.raises(LabelsInvalid, match=r"roof, snow; the map has 1 \(Open water\), 2 \(Dry"):
        match(["roof", "snow"])
