"""Kinds of labels, and labels that do not all count."""

import dataclasses

import numpy as np

from engine.train import encoder_tuning, map_finetuning
from tests.engine.data import rasters
from tests.engine.train import land
from tests.engine.train.finetuning.outcome import EAST, KNOWN, accuracy


class TestKindsOfLabels:
    def test_points(self, run, drawn, tmp_path):
        """Four a field: one pixel says little."""
        places = [(r + dr, c + dc) for r, c in land.middles() for dr in (-2, 2) for dc in (-2, 2)]
        points = land.field_labels(
            tmp_path / "p.gpkg", shape=land.point, places=places, crs="EPSG:3035", kind="Point"
        )
        result = run(labels=points)
        assert result["accuracy"]["samples"] == 64
        assert accuracy(drawn) > 0.9

    def test_a_class_raster(self, run, drawn, tmp_path):
        """Values 10, 20, 30 in squares, 0 where unknown."""
        ground = land.ground()
        values = np.zeros((1, land.SIDE, land.SIDE), np.uint8)
        values[0, ground.pixels.row, ground.pixels.column] = 10 * (ground.pixels.label + 1)
        path = rasters.write(tmp_path / "classes.tif", values, names=(), nodata=0)
        result = run(labels=path, field="")
        assert [item["title"] for item in result["classes"]] == ["Class 10", "Class 20", "Class 30"]
        assert [item["value"] for item in result["classes"]] == [10, 20, 30], "as in the raster"
        assert accuracy(drawn) > 0.9

    def test_two_rasters_share_a_label_layer(self, run, drawn, scene, tmp_path):
        """Bare ground and trees are labelled on one, water on the other only."""
        places = land.middles()
        here = [place for place in places if KNOWN[place] != 2]
        there = [place for place in places if KNOWN[place] == 2]
        shapes = [land.box(*place) for place in here]
        shapes += [land.box(row, column + land.SIDE) for row, column in there]
        layer = land.polygons(
            tmp_path / "both.gpkg", shapes, [land.TITLES[KNOWN[place]] for place in here + there]
        )
        beside = rasters.write(tmp_path / "east.tif", land.image(KNOWN, seed=1), transform=EAST)
        result = run(inputs=(scene, beside), labels=layer)
        assert accuracy(drawn) > 0.9
        assert result["warnings"] == []
        assert drawn[-1][1].training["rasters"] == ["scene.tif", "east.tif"]

    def test_what_is_not_labelled_is_never_background(self, run, drawn, tmp_path):
        """Only bare ground and trees are labelled: water becomes one of them, not a third."""
        places = [place for place in land.middles() if KNOWN[place] != 2]
        result = run(labels=land.field_labels(tmp_path / "two.gpkg", places=places))
        assert [item["title"] for item in result["classes"]] == ["Bare", "Trees"]
        assert drawn[-1][0].network.head.classes == 2

    def test_one_place_a_class_is_learned_but_not_judged(self, run, drawn, tmp_path):
        places = [(12, 12), (12, 36), (12, 60)]
        result = run(labels=land.field_labels(tmp_path / "three.gpkg", places=places))
        assert result["accuracy"] == {"measure": "not assessed: no labels could be held back"}
        assert any("at least two places" in text for text in result["warnings"])
        assert accuracy(drawn) > 0.8


def test_other_band_sets_are_warned_of_and_learned_from(run, drawn, scene, tmp_path):
    six = np.delete(land.image(KNOWN, seed=1), [3, 4, 5], 0)
    names = (*rasters.NAMES[:3], *rasters.NAMES[6:])
    landsat = rasters.write(tmp_path / "landsat.tif", six, names=names)
    result = run(inputs=(scene, landsat))
    assert any("landsat.tif: some bands are missing" in text for text in result["warnings"])


def test_a_few_contradicting_pixels_are_left_out(run, drawn, tmp_path):
    """Water of 2 x 2 pixels, one of them in the corner of bare ground: 257 + 3 - 2 x 1 count."""
    places = land.middles()
    shapes = [land.box(*place) for place in places] + [land.box(10, 10, 2)]
    values = [land.TITLES[KNOWN[place]] for place in places] + ["Water"]
    result = run(labels=land.polygons(tmp_path / "near.gpkg", shapes, values))
    assert any(
        "1 of 259 labelled pixels" in text and text.endswith("These pixels are ignored.")
        for text in result["warnings"]
    )
    assert result["accuracy"]["samples"] == 258


def test_held_back_labels_on_no_data_do_not_judge(run, drawn, labels, tmp_path, monkeypatch):
    """Whatever is held back, the raster shows nothing there."""
    split = map_finetuning.split_grounds

    def darkened(grounds, share, seed, card):
        learn, held, warning = split(grounds, share, seed, card)
        dark = [
            dataclasses.replace(g, read=lambda w: ({}, np.zeros((w.height, w.width), bool)))
            for g in held
        ]
        return learn, dark, warning

    monkeypatch.setattr(map_finetuning, "split_grounds", darkened)
    result = run(method="full", epochs=1)
    assert result["accuracy"] == {"measure": "not assessed: no labels could be held back"}
    assert any("All held-back labels lie on" in text for text in result["warnings"])


def test_two_places_a_class_are_enough_to_judge_all_weights(run, drawn, tmp_path, monkeypatch):
    """One to learn from, one held back: nobody says that it cannot be judged.

    Its encoder is said to have learned something, else the head of all labels takes its place.
    """
    told = iter((0.1, 0.2))
    monkeypatch.setattr(
        encoder_tuning, "figure", lambda model, windows: {"miou": next(told), "accuracy": 0.5}
    )
    places = [(12, 12), (12, 36), (12, 60), (84, 12), (84, 36), (84, 60)]
    assert sorted(KNOWN[place] for place in places) == [0, 0, 1, 1, 2, 2]
    layer = land.field_labels(tmp_path / "six.gpkg", places=places)
    result = run(labels=layer, method="full", epochs=1)
    assert result["accuracy"]["samples"] == 3 * 16
    assert not any("held back" in t and "Nothing" in t for t in result["warnings"])
