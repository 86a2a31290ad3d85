"""Class fields of every kind."""

import json
import sys

import numpy as np
import pytest
import shapely

from engine.data.label_fields import field_labels, told_names
from engine.data.vectors import POINTS, Features, read_features
from engine.errors import LabelsInvalid


def features(values, dtype=None, name="kind"):
    column = np.array(values, dtype)
    count = len(values)
    return Features(
        np.array([shapely.Point(0, 0)] * count),
        {name: column, "id": np.arange(count)},
        {name: dtype or str(column.dtype), "id": "int64"},
        np.arange(count),
        None,
        None,
        0,
        "a.gpkg",
        "labels",
        POINTS,
    )


def test_text_is_stripped_and_empty_is_none():
    found = field_labels(features([" Water ", "", "  ", None, "a;b"], "object"), "kind", False)
    assert found.labels == [("Water",), (), (), (), ("a;b",)]
    assert not found.whole and not found.warnings


def test_what_looks_the_same_is_one_label():
    """macOS writes an accent after its letter; a line break or several spaces are seen as one."""
    cells = ["Wa\u0308lder", "W\u00e4lder", "old\n trees", "old\u00a0trees"]
    wanted = [("W\u00e4lder",)] * 2 + [("old trees",)] * 2
    assert field_labels(features(cells, "object"), "kind", False).labels == wanted
    assert field_labels(features(cells, "object"), "kind", True).labels == wanted


def test_whole_numbers_with_nulls():
    """They are masked."""
    layer = features([3, 0, -1], "int32")
    layer.fields["kind"] = np.ma.array([3, 0, -1], np.int32, mask=[False, True, False])
    found = field_labels(layer, "kind", False)
    assert found.labels == [("3",), (), ("-1",)] and found.whole and not found.warnings


def test_text_of_whole_numbers_counts_as_such():
    assert field_labels(features(["10", "9"], "object"), "kind", False).whole
    assert not field_labels(features(["010", "9"], "object"), "kind", False).whole


def test_whole_floats_are_taken_with_a_warning():
    found = field_labels(features([1.0, 2.0, np.nan], "float64"), "kind", False)
    assert found.labels == [("1",), ("2",), ()] and found.whole
    assert "contains decimal numbers. As all of them are whole" in found.warnings[0]


def test_floats_are_refused():
    with pytest.raises(LabelsInvalid) as caught:
        field_labels(features([1.0, 2.25], "float64"), "kind", False)
    assert "decimal numbers such as 2.25" in caught.value.message
    assert "classes must be text or whole numbers" in caught.value.message
    assert "field calculator" in caught.value.message


def test_missing_field_names_those_there_are():
    with pytest.raises(LabelsInvalid) as caught:
        field_labels(features(["a"], "object"), "class", False)
    assert caught.value.message == (
        "The labels a.gpkg has no field 'class': its fields are kind, id. Choose one of them."
    )
    with pytest.raises(LabelsInvalid, match="needs the field that holds the class"):
        field_labels(features(["a"], "object"), "", False)


def test_capitals_of_the_field_do_not_matter():
    assert field_labels(features(["a"], "object"), "KIND", False).labels == [("a",)]


def test_all_empty():
    with pytest.raises(LabelsInvalid) as caught:
        field_labels(features([None, " "], "object"), "kind", False)
    assert "is empty in all 2 features" in caught.value.message
    assert "Fill it in, or choose another field." in caught.value.message


def test_dates_are_refused():
    layer = features(["2020-01-01"], "object")
    layer.dtypes["kind"] = "datetime64[D]"
    with pytest.raises(LabelsInvalid, match=r"contains dates, but classes .* kind, id"):
        field_labels(layer, "kind", False)


def test_several_labels():
    texts = ["a; b,a", '["b", "c ", 3.0, null]', "[a", None, " ; "]
    found = field_labels(features(texts, "object"), "kind", True)
    assert found.labels == [("a", "b"), ("b", "c", "3"), ("[a",), (), ()]


@pytest.mark.skipif(sys.version_info < (3, 10), reason="its pyogrio, 0.11, reads no lists")
def test_list_and_truth_fields_of_a_file(tmp_path):
    """As OGR reads them: a list of text, a list of numbers, a boolean, one of each NULL."""
    rows = [
        {"l": ["b", " a"], "n": [2, 1], "t": True},
        {"l": None, "n": [], "t": None},
        {"l": ["c"], "n": None, "t": False},
    ]
    point = {"type": "Point", "coordinates": [1, 2]}
    items = [{"type": "Feature", "properties": row, "geometry": point} for row in rows]
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": items}))
    layer = read_features(str(path), "labels", POINTS)
    assert field_labels(layer, "l", True).labels == [("b", "a"), (), ("c",)]
    numbers = field_labels(layer, "n", True)
    assert numbers.labels == [("2", "1"), (), ()] and numbers.whole
    truth = field_labels(layer, "t", False)
    assert truth.labels == [("true",), (), ("false",)] and not truth.whole
    with pytest.raises(LabelsInvalid, match="contains lists, but one class"):
        field_labels(layer, "l", False)


def test_names_for_a_message():
    assert told_names(["a", "b"]) == "a, b"
    assert told_names([str(k) for k in range(10)]) == "0, 1, 2, 3, 4, 5, 6, 7 and 2 more"
