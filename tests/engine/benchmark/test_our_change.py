from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rasterio.windows import Window

from engine.benchmark.our_change import TunedPairs, fresh_change, labelled, two_dates
from engine.benchmark.protocols import ChangePair
from engine.model.pixel_change import PixelChange
from engine.train import head_tuning
from engine.train.base_model import Base
from engine.train.linear_scores import LinearScores
from engine.train.metrics import average_precision
from engine.train.quick_head import fit_linear
from tests.engine import small_change
from tests.engine.small_change import SMALL

THRESHOLD = {"method": "scene", "rule": "quantile", "share": 0.9, "rescale": True}
CARD = dataclasses.replace(small_change.CARD, threshold=THRESHOLD)


@pytest.fixture
def base() -> Base:
    torch.manual_seed(0)
    network = PixelChange(SMALL, (4, 6, 8, 10)).eval()
    weights = dict(network.encoder.state_dict())
    return Base(Path("change.safetensors"), "", CARD, SMALL, weights, network)


def toy(seed: int, side: int = 72) -> ChangePair:
    """Everything differs between the dates; what changed is a square that is brighter in band 3."""
    random = np.random.default_rng(seed)
    before = random.normal(0.3, 0.05, (9, side, side)).astype(np.float32)
    after = (before * 1.2 + random.normal(0, 0.02, before.shape)).astype(np.float32)
    truth = np.zeros((side, side), np.uint8)
    top, left = random.integers(4, side - 24, 2)
    truth[top : top + 20, left : left + 20] = 1
    after[2, truth == 1] += 0.25
    return ChangePair(before, after, np.ones((side, side), bool), truth)


@pytest.mark.parametrize("method", ["quick", "full"])
def test_learns_a_change_and_finds_it_elsewhere(base: Base, method: str) -> None:
    model = TunedPairs(base, method).fit([toy(1), toy(2), toy(3)], 0, 4.0)
    test = toy(7)
    score = model.predict(*test[:3])
    assert average_precision(test.truth == 1, score) > 0.9
    found = score >= model.threshold
    assert 2 * (found & (test.truth == 1)).sum() / (found.sum() + test.truth.sum()) > 0.8


@pytest.mark.parametrize(("least", "rule"), [(1, "regression"), (1000, "discriminants")])
def test_one_regression_from_many_places_and_discriminants_from_few(
    base: Base, monkeypatch: pytest.MonkeyPatch, least: int, rule: str
) -> None:
    """Three pairs of 72 px are 12 places, squares of at most 64 px."""
    asked = []

    def spy(*given: Any, rule: Any, **more: Any) -> LinearScores:
        asked.append(rule)
        return fit_linear(*given, rule=rule, **more)

    monkeypatch.setattr(head_tuning, "JOINT_PLACES", least)
    monkeypatch.setattr(head_tuning, "fit_linear", spy)
    TunedPairs(base, "quick").fit([toy(1), toy(2), toy(3)], 0, 4.0)
    assert set(asked) == {rule}


def test_without_labels_the_model_as_it_ships_is_cut_as_its_card_says(base: Base) -> None:
    model = TunedPairs(base).fit([], 0, 0.0)
    score = model.predict(*toy(7)[:3])
    assert 0.08 < (score >= model.threshold).mean() < 0.12


def test_nothing_learned_is_left_in_fresh_weights(base: Base) -> None:
    fresh = fresh_change(base, seed=5)
    key = "blocks.0.attn.q.weight"
    assert not torch.equal(fresh.weights[key], base.weights[key])
    assert isinstance(fresh.network, PixelChange) and isinstance(base.network, PixelChange)
    assert not torch.equal(fresh.network.head.weight, base.network.head.weight)


def test_random_weights_are_others_for_each_seed(base: Base) -> None:
    method, pairs = TunedPairs(base, "quick", fresh=True), [toy(1), toy(2)]
    key = "pixels.encoder.blocks.0.attn.q.weight"
    drawn = [method.fit(pairs, seed, 0.0).predictor.network.state_dict()[key] for seed in (0, 1, 1)]
    assert torch.equal(drawn[0], fresh_change(base, 0).weights[key.removeprefix("pixels.encoder.")])
    assert not torch.equal(drawn[0], drawn[1])
    assert torch.equal(drawn[1], drawn[2])


def test_each_date_is_standardised_by_its_own_scene() -> None:
    pair = toy(1)
    feeds, valid = two_dates(*pair[:3])(Window(60, 60, 32, 32))
    whole, _ = two_dates(*pair[:3])(Window(0, 0, 72, 72))
    assert np.allclose(whole["after"].mean((1, 2)), 0, atol=1e-4)
    assert np.allclose(whole["after"].std((1, 2)), 1, atol=1e-3)
    assert valid.sum() == 12 * 12 and not feeds["before"][:, ~valid].any()
    np.testing.assert_array_equal(feeds["before"][:, :12, :12], whole["before"][:, 60:, 60:])


def test_labels_are_all_valid_pixels_in_order() -> None:
    pair = toy(1)
    pair.valid[:5] = False
    pixels = labelled(pair, 3).pixels
    assert len(pixels) == pair.valid.sum() and pixels.row.min() == 5
    assert np.all(np.diff(pixels.row * 72 + pixels.column) > 0)
    np.testing.assert_array_equal(pixels.label, pair.truth[pixels.row, pixels.column])
