"""The card of a fine-tuned model."""

import dataclasses
import warnings
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS

from engine.cards import Card, Normalisation
from engine.data.grid import Grid
from engine.train.base_model import Base
from engine.train.head_tuning import Tuned
from engine.train.judging import Judged
from engine.train.tuned_card import (
    LearnedFrom,
    card_to_be,
    change_threshold,
    figures_of,
    finished_card,
    joined_area,
    labelled_area,
)
from engine.training_jobs import FinetuneJob
from tests.engine.data.rasters import TRANSFORM
from tests.engine.train import land

UTM = Grid(CRS.from_epsg(32631), TRANSFORM, 96, 96)
BASE = Base(Path("small.safetensors"), "ab" * 32, land.CARD, land.CONFIG, {}, None)


def job(**more):
    given = {"inputs": ("a/one.tif", "b.gpkg|layer=x"), "labels": "l.gpkg|layername=y"}
    return FinetuneJob(**{**given, "output_model": "out/mine.onnx", "field": "class", **more})


def test_what_the_base_sees_the_model_sees():
    card = card_to_be(BASE, job(), land.CLASSES, [UTM])
    assert (card.name, card.title, card.task) == ("mine", "mine", "segmentation")
    assert card.classes == land.CLASSES
    for name in ("bands", "unit", "window", "normalisation", "optional_groups", "licence"):
        assert getattr(card, name) == getattr(land.CARD, name)
    assert "3 classes (Bare, Trees, Water), starting from Small backbone" in card.description
    assert card.gsd == pytest.approx(10, abs=0.01)
    assert card_to_be(BASE, job(name="Land"), land.CLASSES, [UTM]).name == "Land"


def test_without_grids_the_base_says_how_large_pixels_are():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert card_to_be(BASE, job(), land.CLASSES, ()).gsd == land.CARD.gsd


def test_the_scale_is_in_metres_and_of_the_middle_raster():
    degrees = Grid(CRS.from_epsg(4326), Affine(0.001, 0, 3, 0, -0.001, 0.01), 20, 20)
    coarse = dataclasses.replace(UTM, transform=Affine(60, 0, 500_000, 0, -60, 4_700_000))
    # One thousandth of a degree at the equator is 111 m.
    assert card_to_be(BASE, job(), land.CLASSES, [degrees]).gsd == pytest.approx(111, abs=0.5)
    card = card_to_be(BASE, job(), land.CLASSES, [degrees, UTM, coarse])
    assert card.gsd == pytest.approx(60, abs=0.1)


def test_change_standardises_each_date():
    card = card_to_be(BASE, job(task="change-detection"), land.CLASSES[:2], [UTM])
    assert card.normalisation == Normalisation("scene-statistics")
    assert card.threshold == {"method": "fixed", "value": 0.5}


@pytest.mark.parametrize("places, cut", [(10, 0.5), (199, 0.5), (200, 0.9), (5000, 0.9)])
def test_a_model_of_many_places_marks_less_change(places, cut):
    assert change_threshold(places) == {"method": "fixed", "value": cut}


def test_bands_made_of_means_stay():
    """SegMunich's ten bands become twelve."""
    base = dataclasses.replace(
        BASE, card=dataclasses.replace(land.CARD, architecture={"appended_means": 2, "dim": 5})
    )
    assert card_to_be(base, job(), land.CLASSES, [UTM]).architecture == {"appended_means": 2}


def test_figures_of_a_matrix_by_hand():
    """8 of 10 are right. Kappa: chance .5 x .6 + .5 x .4 = .5, so (.8 - .5) / (1 - .5) = .6."""
    found = figures_of(np.array([[5, 0], [2, 3]]), land.CLASSES[:2])
    assert (found["overall_accuracy"], found["samples"]) == (0.8, 10)
    chance = 0.5 * 0.7 + 0.5 * 0.3
    assert found["kappa"] == pytest.approx((0.8 - chance) / (1 - chance))
    assert found["classes"]["Bare"] == {
        "precision": round(5 / 7, 4),
        "recall": 1.0,
        "f1": round(10 / 12, 4),
        "iou": round(5 / 7, 4),
    }
    assert found["miou"] == pytest.approx((5 / 7 + 3 / 5) / 2, abs=1e-4)


def test_a_class_that_was_not_judged_has_no_figures():
    found = figures_of(np.array([[5, 0, 0], [0, 3, 0], [0, 0, 0]]), land.CLASSES)
    assert set(found["classes"]["Water"].values()) == {None}
    assert found["macro_f1"] == 1.0


def finish(matrix):
    card = card_to_be(BASE, job(), land.CLASSES, [UTM])
    judged = Judged(matrix, 1.0, 0, 0, 9, {"linear": 0.9})
    tuned = Tuned(None, judged, matrix, "by hand")
    labels = LearnedFrom({"Bare": 7}, "places", 9, (1, 2, 3, 4), ["b0", "a1"])
    return finished_card(card, BASE, job(seed=4), "quick", tuned, labels)


def test_the_finished_card_tells_how_it_came_about_and_survives_a_file():
    card = finish(np.eye(3, dtype=np.int64))
    assert card.training == {
        "method": "quick",
        "base": {"name": "small", "sha256": "ab" * 32},
        "rasters": ["one.tif", "b.gpkg"],
        "labels": "l.gpkg",
        "field": "class",
        "labelled": {"Bare": 7},
        "area": (1, 2, 3, 4),
        "seed": 4,
        "places": 9,
        "heads": {"linear": 0.9},
        "epochs": 0,
        "label_fingerprints": ["a1", "b0"],
    }
    assert card.accuracy["overall_accuracy"] == 1.0
    assert card.accuracy["measure"] == "by hand"
    assert Card.from_stac(card.to_stac()).accuracy == card.accuracy


def test_what_was_not_judged_is_not_said_to_be_good():
    assert finish(None).accuracy == {"measure": "not assessed: no labels could be held back"}


def test_the_area_of_labels_in_degrees():
    """Pixels of a raster in degrees: the box around rows 2..4 and columns 5..6."""
    grid = Grid(CRS.from_epsg(4326), Affine(0.1, 0, 3, 0, -0.1, 42), 20, 20)
    found = labelled_area(grid, np.array([4, 2]), np.array([5, 6]))
    assert found == pytest.approx((3.5, 41.5, 3.7, 41.8))
    assert labelled_area(grid, np.array([], int), np.array([], int)) is None
    west, south, east, north = labelled_area(UTM, np.array([0]), np.array([0]))
    assert west == pytest.approx(3, abs=1e-4) and east > west and north > south


def test_areas_are_joined():
    assert joined_area([(1, 5, 2, 6), None, (0, 5.5, 1, 7)]) == (0, 5, 2, 7)
    assert joined_area([None]) is None
