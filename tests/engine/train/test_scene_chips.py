"""Labelled scenes as chips, cut as inference cuts them."""

import dataclasses
from contextlib import ExitStack

import numpy as np
import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st

from engine.cards import ModelClass
from engine.data.labels import read_labels
from engine.errors import EmptyArea, LabelsInvalid
from engine.infer.scaled_source import open_scaled
from engine.train.scene_chips import array_chips, choose_window, joined, read_chips
from tests.engine.data import rasters
from tests.engine.infer.conftest import Recorder
from tests.engine.train import land

CARD = dataclasses.replace(land.CARD, task="scene-classification", classes=land.CLASSES, window=64)


@pytest.fixture
def read(tmp_path):
    """Reads the chips of labels on rasters, and keeps what was told."""
    with ExitStack() as stack:

        def run(paths, labels, card=CARD, multilabel=False):
            run.told = Recorder()
            opened = [open_scaled(path, card, 0.0, stack, run.told)[0] for path in paths]
            layer = read_labels(labels, "class", multilabel=multilabel)
            classes = tuple(ModelClass(k + 1, c.name) for k, c in enumerate(layer.classes))
            return read_chips(opened, layer, dataclasses.replace(card, classes=classes), run.told)

        yield run


@pytest.fixture
def scene(tmp_path):
    return rasters.write(tmp_path / "scene.tif", land.image(land.class_map()))


def big(row, column):
    return land.box(row, column, 40)


def test_a_scene_of_the_windows_size_is_its_window(read, scene, tmp_path):
    labels = land.polygons(
        tmp_path / "l.gpkg", [big(20, 20), big(60, 60), big(20, 60)], ["a", "b", "b"]
    )
    chips = read([scene], labels)
    assert chips.window == 40
    assert chips.label.tolist() == [0, 1, 1]
    expected = land.image(land.class_map())[:, :40, :40] / 10000
    np.testing.assert_allclose(chips.image[0], expected, atol=1e-6)
    assert chips.valid.all()
    assert (chips.row[0], chips.column[0]) == (20, 20)


def test_a_small_scene_gets_the_window_around_it(read, scene, tmp_path):
    labels = land.polygons(
        tmp_path / "l.gpkg", [land.box(48, 48, 4), land.box(20, 70, 4)], ["a", "b"]
    )
    chips = read([scene], labels)
    assert chips.window == 32
    expected = land.image(land.class_map())[:, 32:64, 32:64] / 10000
    np.testing.assert_allclose(chips.image[0], expected, atol=1e-6)
    assert chips.weight.tolist() == [16, 16]  # the pixels of the scene itself


def test_a_large_scene_has_several_windows(read, scene, tmp_path):
    labels = land.polygons(
        tmp_path / "l.gpkg",
        [land.box(48, 48, 96), land.box(16, 16, 32), land.box(80, 80, 32)],
        ["a", "b", "b"],
    )
    chips = read([scene], labels)
    assert chips.window == 32
    assert np.bincount(chips.scene).tolist() == [9, 1, 1]


def test_points_get_a_window_around_them(read, scene, tmp_path):
    labels = land.polygons(
        tmp_path / "l.gpkg", [land.point(40, 50), land.point(2, 2)], ["a", "b"], kind="Point"
    )
    chips = read([scene], labels)
    assert chips.window == 64
    expected = land.image(land.class_map())[:, 8:72, 18:82] / 10000
    np.testing.assert_allclose(chips.image[0], expected, atol=1e-6)
    assert len(chips.scene) == 2


def test_scenes_without_data_are_left_out_and_told(read, tmp_path):
    values = land.image(land.class_map())
    values[:, :30, :60] = 0
    path = rasters.write(tmp_path / "holes.tif", values, nodata=0)
    labels = land.polygons(
        tmp_path / "l.gpkg", [big(20, 20), big(70, 70), big(70, 20)], ["a", "a", "b"]
    )
    chips = read([path], labels)
    assert len(chips) == 2
    assert any("1 labelled scenes are left out" in text for text in read.told.texts("warning"))


def test_nothing_but_no_data_is_refused(read, tmp_path):
    values = np.zeros_like(land.image(land.class_map()))
    values[:, -1, -1] = 5
    path = rasters.write(tmp_path / "empty.tif", values, nodata=0)
    labels = land.polygons(tmp_path / "l.gpkg", [big(20, 20), big(60, 20)], ["a", "b"])
    with pytest.raises(EmptyArea, match="less than half"):
        read([path], labels)


def test_a_raster_that_shows_no_scene_is_left_out(read, scene, tmp_path):
    away = Affine(10, 0, land.LEFT + 1e5, 0, -10, land.TOP)
    other = rasters.write(tmp_path / "o.tif", land.image(land.class_map()), transform=away)
    labels = land.polygons(tmp_path / "l.gpkg", [big(20, 20), big(60, 60)], ["a", "b"])
    assert len(read([scene, other], labels)) == 2
    assert any("o.tif is left out" in text for text in read.told.texts("warning"))


def test_two_rasters_of_one_place_share_its_number(read, scene, tmp_path):
    other = rasters.write(tmp_path / "o.tif", land.image(land.class_map(), seed=1))
    labels = land.polygons(tmp_path / "l.gpkg", [big(20, 20), big(60, 60)], ["a", "b"])
    chips = read([scene, other], labels)
    assert chips.raster.tolist() == [0, 0, 0, 0]
    assert chips.unit.tolist() == [0, 1, 0, 1]


def test_a_class_raster_has_no_scenes(read, scene, tmp_path):
    labels = land.polygons(tmp_path / "l.gpkg", [big(20, 20), big(60, 60)], ["a;b", "b"])
    chips = read([scene], labels, multilabel=True)
    assert chips.label.tolist() == [[1, 1], [0, 1]]
    classes = rasters.write(
        tmp_path / "c.tif", land.class_map()[None].astype("uint8") + 1, names=()
    )
    with ExitStack() as stack:
        source, _ = open_scaled(scene, CARD, 0.0, stack, Recorder())
        with pytest.raises(LabelsInvalid, match="class raster"):
            read_chips([source], read_labels(classes, ""), CARD)


@given(st.lists(st.floats(0, 500), min_size=1, max_size=9), st.sampled_from([64, 96, 128]))
def test_windows_are_multiples_of_the_patch_and_in_bounds(sides, largest):
    window = choose_window(sides, largest, 8)
    assert window % 8 == 0
    assert 32 <= window <= largest


def test_the_window_is_near_the_median_side():
    assert choose_window([10, 70, 300], 128, 8) == 72


def test_some_scenes_keep_their_windows():
    chips = array_chips(np.zeros((3, 9, 32, 32)), np.array([0, 1, 2]), 3, (0, 1, 2))
    many = joined([chips, chips])
    assert many.scene.tolist() == [0, 1, 2, 3, 4, 5]
    some = many.only(np.array([False, True, False, False, True, True]))
    assert some.scene.tolist() == [0, 1, 2]
    assert some.label.tolist() == [1, 1, 2]
