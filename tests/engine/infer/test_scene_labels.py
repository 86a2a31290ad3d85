import numpy as np
from affine import Affine
from rasterio.crs import CRS

from engine.cards import Card, ModelClass
from engine.data.grid import Grid
from engine.infer.scene_labels import Labels, class_records

CLASSES = (ModelClass(3, "Annual crop"), ModelClass(7, "River / lake"))
CARD = Card("scenes", "scene-classification", (), classes=CLASSES)
SCORES = np.array([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]])
KNOWN = np.array([True, True, False])


def test_single_labels():
    labels = Labels(CARD, SCORES, KNOWN)
    assert list(labels.fields) == [
        "class_value", "class_name", "confidence", "prob_annual_crop", "prob_river_lake",
    ]  # fmt: skip
    assert labels.fields["class_value"].tolist() == [3, 7, None]
    assert list(labels.fields["class_name"]) == ["Annual crop", "River / lake", None]
    assert labels.fields["confidence"].tolist() == [90, 80, None]
    assert list(labels.fields["prob_annual_crop"].mask) == [False, False, True]


def test_many_labels_by_the_cards_threshold():
    card = Card("s", "scene-classification", (), classes=CLASSES, multilabel=True,
                threshold={"method": "fixed", "value": 0.15})  # fmt: skip
    labels = Labels(card, SCORES, np.ones(3, bool))
    assert list(labels.fields["class_name"]) == [
        "Annual crop", "Annual crop, River / lake", "Annual crop, River / lake",
    ]  # fmt: skip


def test_classes_whose_columns_would_be_called_alike_have_one_each():
    classes = (ModelClass(1, "Road + rail"), ModelClass(2, "Road / rail"))
    labels = Labels(Card("s", "scene-classification", (), classes=classes), SCORES, KNOWN)
    assert labels.fields["prob_road_rail"].tolist() == [0.9, 0.2, None]
    assert labels.fields["prob_road_rail_2"].tolist() == [0.1, 0.8, None]


def test_columns_of_the_zones_keep_their_names():
    labels = Labels(CARD, SCORES, KNOWN)
    given = {"Class_Name": np.array(["a", "b", "c"], object), "confidence": np.arange(3)}
    columns = labels.beside(given)
    assert list(columns)[:2] == ["Class_Name", "confidence"]
    assert list(columns["class_name_2"]) == list(labels.fields["class_name"])
    assert columns["confidence_2"].tolist() == [90, 80, None]


def test_columns_of_the_zones_that_differ_in_capitals_only():
    labels = Labels(CARD, SCORES, KNOWN)
    given = {"Name": np.arange(3), "name": np.arange(3), "NAME_2": np.arange(3)}
    columns = labels.beside(given)
    assert list(columns)[:3] == ["Name", "name_2", "NAME_2_2"]
    assert columns["class_value"].tolist() == [3, 7, None]


def test_records_count_features_and_ground():
    grid = Grid(CRS.from_epsg(32631), Affine(10, 0, 500_000, 0, -10, 4_600_000), 10, 10)
    labels = Labels(CARD, SCORES, KNOWN)
    crop, river = class_records(CARD, labels, np.array([1000.0, 2000.0, 4000.0]), grid)
    assert (crop["features"], crop["area_m2"], crop["pixels"]) == (1, 1000, 10)
    assert (river["features"], river["area_m2"], river["pixels"]) == (1, 2000, 20)
