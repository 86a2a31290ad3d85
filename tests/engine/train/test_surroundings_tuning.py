"""Convolutions beside the head of a change model, on pairs in memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from rasterio.windows import Window

from engine.benchmark.our_change import labelled
from engine.benchmark.protocols import ChangePair
from engine.errors import Cancelled
from engine.model.pixel_change import PixelChange
from engine.model.predictor import Predictor
from engine.model.tuned_change import TunedChange
from engine.progress import Progress
from engine.train import head_tuning, surroundings_tuning
from engine.train.base_model import Base
from engine.train.head_tuning import HeadTuner, Tuned
from engine.train.kept_maps import KeptMaps, WindowMaps
from engine.train.labelled_ground import LabelledGround, only
from engine.train.supervised import IGNORE
from engine.train.surroundings_tuning import add_surroundings, with_surroundings
from tests.engine import small_change
from tests.engine.small_change import SMALL

CARD = dataclasses.replace(small_change.CARD, threshold={"method": "fixed", "value": 0.5})


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surroundings_tuning, "STEPS", 30)
    monkeypatch.setattr(head_tuning, "JOINT_PLACES", 1)


@dataclasses.dataclass(frozen=True)
class Fitted:
    """A head, what it was fitted to, and what was measured there."""

    tuned: Tuned
    grounds: list[LabelledGround]
    maps: KeptMaps


@pytest.fixture(scope="module")
def first() -> Fitted:
    torch.manual_seed(0)
    network = PixelChange(SMALL, (4, 6, 8, 10)).eval()
    base = Base(Path(), "", CARD, SMALL, dict(network.encoder.state_dict()), network)
    grounds, maps = [place(1), place(2)], KeptMaps()
    return Fitted(HeadTuner(base, CARD, copies=0).tune(grounds, maps=maps), grounds, maps)


def place(seed: int, side: int = 72) -> LabelledGround:
    """A square that is brighter in band 3 on the second date has changed."""
    random = np.random.default_rng(seed)
    before = random.normal(0.3, 0.05, (9, side, side)).astype(np.float32)
    after = (before + random.normal(0, 0.02, before.shape)).astype(np.float32)
    truth = np.zeros((side, side), np.uint8)
    top, left = random.integers(4, side - 24, 2)
    truth[top : top + 20, left : left + 20] = 1
    after[2, truth == 1] += 0.1
    return labelled(ChangePair(before, after, np.ones((side, side), bool), truth), seed)


def learned(predictor: Predictor) -> dict[str, torch.Tensor]:
    assert isinstance(predictor.network, TunedChange) and predictor.network.surroundings
    return predictor.network.surroundings.state_dict()


def judged(first: Fitted, held: list[LabelledGround]) -> Tuned:
    return with_surroundings(first.tuned, first.grounds, first.maps, held, 0, None, Progress())


def test_learns_the_same_for_a_seed_and_leaves_the_rest_as_it_was(first: Fitted) -> None:
    before = first.tuned.predictor
    one, same, other = (
        add_surroundings(before, first.grounds, first.maps, seed=seed) for seed in (0, 0, 1)
    )
    assert all(torch.equal(value, learned(same)[key]) for key, value in learned(one).items())
    assert not torch.equal(learned(one)["mix.weight"], learned(other)["mix.weight"])
    assert isinstance(before.network, TunedChange)
    assert before.network.surroundings is None
    for key, value in before.network.state_dict().items():
        assert torch.equal(value, one.network.state_dict()[key])


def test_labels_in_the_last_windows_alone(first: Fitted) -> None:
    """Nothing to compare in the first ones; the share that is measured there stays a number."""
    ground = first.grounds[0]
    last = (ground.pixels.row > 60) & (ground.pixels.column > 60)
    corner = dataclasses.replace(ground, pixels=only(ground.pixels, last))
    found = add_surroundings(first.tuned.predictor, [corner], first.maps, seed=0)
    assert torch.isfinite(learned(found)["share"]).all()


def test_is_judged_on_what_was_held_back(first: Fitted, monkeypatch: pytest.MonkeyPatch) -> None:
    """A third pair, all of whose pixels are labelled, one place: nine windows of 32 x 32 cover its 72 x 72."""
    monkeypatch.setattr(surroundings_tuning, "average_precision", _in_turn(0.4, 0.5))
    tuned = judged(first, [place(3)])
    assert tuned.improved and learned(tuned.predictor)
    assert tuned.matrix is not None and tuned.matrix.sum() == 9 * 32**2
    assert tuned.matrix.diagonal().sum() > 0.9 * 9 * 32**2
    assert tuned.places == 1 and tuned.accuracy is not None


def test_what_does_not_help_is_not_kept(first: Fitted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surroundings_tuning, "average_precision", _in_turn(0.5, 0.5))
    tuned = judged(first, [place(3)])
    assert tuned == dataclasses.replace(first.tuned, improved=False)


def test_with_nothing_held_back_nothing_is_claimed(first: Fitted) -> None:
    tuned = judged(first, [])
    assert learned(tuned.predictor)
    assert (tuned.matrix, tuned.accuracy, tuned.places) == (None, None, 0)


def test_a_cancel_ends_it(first: Fitted) -> None:
    with pytest.raises(Cancelled):
        add_surroundings(
            first.tuned.predictor,
            first.grounds,
            first.maps,
            seed=0,
            progress=Progress(lambda: True),
        )


def test_crops_hold_the_pixel_that_was_drawn_and_are_turned_with_their_labels() -> None:
    """The only feature is the label itself: 1 in one pixel, 0 around it, unknown at the border of 4."""
    label = np.full((2, 64, 64), IGNORE, np.uint8)
    label[:, 4:60, 4:60] = 0
    label[1, 7, 50] = 1
    features = label[:, None].astype(np.float16)
    maps = [WindowMaps(place(1), Window(0, 0, 64, 64), fine, fine) for fine in features]
    known, changed = np.argwhere(label != IGNORE), np.argwhere(label == 1)
    seen = surroundings_tuning._Seen(maps, label, known, changed)
    assert seen.changed.tolist() == [[1, 7, 50]] and len(seen.known) == 2 * 56 * 56
    draw = np.random.default_rng(0)
    held = 0
    for _ in range(60):
        feature, part = surroundings_tuning._crop(seen, draw, 16)
        assert part.shape == (16, 16) and np.array_equal(feature[0], part)
        held += (part == 1).sum()
    assert held >= 0.5 * 60  # seven in ten are drawn around it


def _in_turn(*values: float) -> Callable[..., float]:
    left = iter(values)
    return lambda *_: next(left)
