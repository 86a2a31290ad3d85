"""Heads are judged on what they have not seen, place by place."""

import functools

import numpy as np
import pytest

from engine.train import quick_head
from engine.train.judging import judge
from engine.train.pixel_features import PixelSamples
from engine.train.quick_head import HIDDEN, fit_linear
from tests.engine.train.separable import BLOCKS, every, head, samples


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    """These features are easy to learn."""
    monkeypatch.setattr(quick_head, "STEPS", 150)
    monkeypatch.setattr(quick_head, "BATCH", 128)


def judge_it(found, fresh, seed=0, blocks=BLOCKS):
    return judge(found, functools.partial(fit_linear, found, blocks), fresh, 3, seed)


def test_the_matrix_is_of_every_label_while_it_was_held_back():
    found = samples()
    judged = judge_it(found, head(HIDDEN), seed=0)
    assert judged.matrix.sum(axis=1).tolist() == [16, 16, 16]
    assert np.trace(judged.matrix) > 40
    assert (judged.folds, judged.blocks, judged.warning) == (4, 12, "")
    assert judged.temperature > 0
    assert all(0 <= figure <= 1 for figure in judged.mean_iou.values())


def test_what_can_only_be_known_by_heart_is_judged_as_unknown():
    """Features that tell the place, not the class: a head that saw the place would know it."""
    found = samples(places=6, apart=0, copies=0)
    found.features[:] = np.random.default_rng(0).normal(size=(18, 6))[found.unit]
    known = fit_linear(found, [(6, 1.0)], every(found))(found.features[0]).argmax(1)
    judged = judge_it(found, head(), seed=0, blocks=[(6, 1.0)])
    assert np.trace(judged.matrix) / judged.matrix.sum() < (known == found.label).mean() - 0.1


def test_one_place_a_class_cannot_be_judged():
    judged = judge_it(samples(places=1), head(HIDDEN), seed=0)
    assert judged.matrix is None
    assert (judged.folds, judged.blocks, judged.hidden, judged.mean_iou) == (0, 3, 0, {})
    assert "No labels could be held back" in judged.warning
    assert "Draw every class in at least two places" in judged.warning
    assert judged.temperature > 0


def test_places_that_are_close_are_one():
    """Two polygons of each class, ten pixels apart."""
    found = samples(places=2)
    unit = found.unit
    close = PixelSamples(
        found.features, found.label, 200 * (unit % 3) + 10 * (unit // 3), found.column, unit,
        found.place,
    )  # fmt: skip
    assert judge_it(close, head(HIDDEN), seed=0).matrix is None


def test_judging_is_the_same_every_time():
    one, other = (judge_it(samples(apart=1), head(HIDDEN), seed=2) for _ in range(2))
    assert np.array_equal(one.matrix, other.matrix)
    assert (one.temperature, one.hidden, one.mean_iou) == (
        other.temperature,
        other.hidden,
        other.mean_iou,
    )
