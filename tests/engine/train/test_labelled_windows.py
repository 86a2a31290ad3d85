"""Batches around sparse labels: what they hold depends on seed and epoch alone."""

import numpy as np
import pytest
import torch
from rasterio.windows import Window

from engine.train.labelled_ground import LabelledGround
from engine.train.labelled_windows import (
    LabelledWindows,
    WholeWindows,
    collate,
    prepare,
    read_labelled,
)
from engine.train.light import Light
from engine.train.supervised import IGNORE
from tests.engine.train import land

STILL = Light(0, 0, 0)


def loader(grounds, steps=3, batch=4, seed=0, light=STILL, **more):
    return LabelledWindows(grounds, 32, batch, steps, light, seed=seed, **more)


def test_labels_of_a_window_that_overhangs():
    ground = land.ground(places=[(12, 12), (84, 84)], invalid=np.s_[10:11])
    feeds, label = read_labelled(ground, Window(4, 4, 32, 32))
    assert feeds["image"].shape == (9, 32, 32)
    expected = np.full((32, 32), IGNORE)
    expected[6:10, 6:10] = land.class_map()[12, 12]
    expected[6] = IGNORE  # row 10 is no-data
    np.testing.assert_array_equal(label, expected)
    _, label = read_labelled(ground, Window(80, 80, 32, 32))
    assert (label != IGNORE).sum() == 16
    assert (label[2:6, 2:6] == land.class_map()[84, 84]).all()


def test_image_and_labels_are_turned_alike():
    ground = land.ground()
    window = Window(0, 0, 32, 32)
    for element in range(8):
        made = prepare(*read_labelled(ground, window), 32, element)
        spectra = torch.from_numpy(land.SPECTRA / 10000).float()
        distance = (made["image"][None] - spectra[:, :, None, None]).abs().sum(1)
        known = made["label"] != IGNORE
        assert known.sum() == 16
        assert torch.equal(distance.argmin(0)[known], made["label"][known])


def test_batches_go_by_seed_and_epoch():
    def drawn(seed, epoch):
        windows = loader([land.ground()], seed=seed)
        windows.set_epoch(epoch)
        return torch.cat([batch["image"] for batch in windows])

    assert torch.equal(drawn(1, 2), drawn(1, 2))
    assert not torch.equal(drawn(1, 2), drawn(1, 3))
    assert not torch.equal(drawn(1, 2), drawn(2, 2))


def test_every_window_holds_labels_and_is_complete():
    windows = loader([land.ground()])
    batches = list(windows)
    assert len(windows) == len(batches) == 3
    for batch in batches:
        assert batch["image"].shape == (4, 9, 32, 32)
        assert batch["valid"].shape == (4, 1, 32, 32)
        assert batch["label"].shape == (4, 32, 32) and batch["label"].dtype == torch.int64
        assert batch["groups"].tolist() == [0, 1, 2]
        assert ((batch["label"] != IGNORE).flatten(1).any(1)).all()
        assert (batch["valid"] == 1).all()  # never beyond the raster, where it is large enough


def test_rare_classes_and_small_polygons_are_drawn_like_any():
    """One place of trees against many of the others; windows that hold one place only."""
    known = land.class_map()
    trees = next(place for place in land.middles() if known[place] == 1)
    others = [place for place in land.middles() if known[place] != 1]
    windows = loader([land.ground(places=[trees, *others])], steps=60, scale=(0.05, 0.05))
    labels = torch.cat([batch["label"].flatten(1) for batch in windows])
    holds = torch.stack([(labels == k).any(1).float().mean() for k in range(3)])
    assert ((holds > 0.25) & (holds < 0.45)).all()


def test_every_raster_is_drawn_from():
    """The second raster is brighter by far."""
    first, second = land.ground(), land.ground(seed=1)

    def bright(window):
        feeds, valid = second.read(window)
        return {**feeds, "image": feeds["image"] + 5}, valid

    grounds = [first, LabelledGround(bright, second.shape, second.pixels, 1)]
    seen = torch.cat([b["image"].mean((1, 2, 3)) for b in loader(grounds, steps=20)])
    assert 0.3 < (seen > 2).float().mean() < 0.7


def test_the_light_changes_in_half_of_the_windows():
    strong = Light(0, 0, 1.0)
    means = torch.cat(
        [b["image"].mean((1, 2, 3)) for b in loader([land.ground()], 20, light=strong)]
    )
    plain = torch.cat([b["image"].mean((1, 2, 3)) for b in loader([land.ground()], 20)])
    low, high = plain.min() - 0.01, plain.max() + 0.01
    outside = ((means < low) | (means > high)).float().mean()
    assert 0.3 < outside <= 0.6


def test_whole_windows_judge_every_pixel_once():
    grounds = [land.ground(), land.ground(places=[(12, 12)], place=1)]
    windows = WholeWindows(grounds, 32, batch=4)
    batches = list(windows)
    assert len(windows) == len(batches)
    known = land.class_map()
    expected = 16 * np.bincount([known[p] for p in land.middles()], minlength=3)
    expected[known[12, 12]] += 16
    labels = torch.cat([batch["label"].flatten() for batch in batches])
    assert torch.bincount(labels[labels != IGNORE], minlength=3).tolist() == expected.tolist()


@pytest.mark.parametrize("side", [8, 20])
def test_rasters_smaller_than_the_window(side):
    ground = land.ground(places=[(4, 4)], side=side)
    batch = next(iter(loader([ground])))
    assert ((batch["label"] != IGNORE).flatten(1).any(1)).all()
    (judged,) = WholeWindows([ground], 32, 4)
    assert (judged["label"] != IGNORE).sum() == 16
    assert judged["valid"].sum() == side * side


def test_two_dates_are_turned_together():
    image = np.random.default_rng(0).random((9, 32, 32), np.float32)
    feeds = {"before": image, "after": image + 1, "valid": np.ones((1, 32, 32), np.float32)}
    made = collate([prepare(feeds, np.zeros((32, 32), np.int64), 32, 5)])
    torch.testing.assert_close(made["after"], made["before"] + 1)
    assert "groups" not in made and "image" not in made
