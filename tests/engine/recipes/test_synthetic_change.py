from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.recipes import synthetic_change
from engine.recipes.synthetic_change import BUILT, FIELD, WATER, ChangeSampler, Place, blob

BARE, GREEN, WET = 0.25, 0.5, 0.03


def place(urban: bool = True) -> Place:
    """Bare ground on the left, fields in the middle, water on the right; two dates."""
    images = np.full((2, 9, 80, 90), BARE, np.float32)
    images[:, :3, :, 30:60] = 0.05
    images[:, 3:, :, 30:60] = GREEN
    images[:, :, :, 60:] = WET
    images[:, 1, :, 60:] = 0.06
    noise = np.random.default_rng(0).normal(0, 0.002, images.shape)
    return Place.of("made up", (images + noise).astype(np.float32), urban=urban)


def test_cover_follows_the_spectra() -> None:
    cover = place().cover
    assert (cover[:, :30] == BUILT).all()
    assert (cover[:, 30:60] == FIELD).all()
    assert (cover[:, 60:] == WATER).all()


def test_the_same_state_draws_the_same_pair() -> None:
    sampler = ChangeSampler([place()], size=32)
    one, other = (sampler.draw(np.random.default_rng(5)) for _ in range(2))
    for left, right in zip(one, other):
        np.testing.assert_array_equal(left, right)
    before, after, target = one
    assert before.shape == after.shape == (9, 32, 32)
    assert before.dtype == target.dtype == np.float32
    assert target.shape == (32, 32) and target.min() >= 0 and target.max() <= 1


def test_one_date_with_itself_and_no_paste_is_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthetic_change, "SAME_DATE", 1.0)
    monkeypatch.setattr(synthetic_change, "PASTES", {})
    sampler, rng = ChangeSampler([place()], size=32), np.random.default_rng(1)
    assert all(sampler.draw(rng)[2].max() == 0 for _ in range(5))


@pytest.mark.parametrize(("kind", "changes"), [("built", True), ("field", False), ("both", False)])
def test_only_built_ground_in_one_date_is_change(
    monkeypatch: pytest.MonkeyPatch, kind: str, changes: bool
) -> None:
    monkeypatch.setattr(synthetic_change, "SAME_DATE", 1.0)
    monkeypatch.setattr(synthetic_change, "PASTES", {kind: 6.0})
    still = place(urban=False)  # two like dates, so "both" brings no change of its own
    sampler, rng = ChangeSampler([still], size=48), np.random.default_rng(2)
    targets = [sampler.draw(rng)[2] for _ in range(6)]
    assert (max(target.max() for target in targets) == 1) == changes


def test_pasted_change_is_visible_where_it_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthetic_change, "SAME_DATE", 1.0)
    monkeypatch.setattr(synthetic_change, "PASTES", {"built": 4.0})
    for name in ("season", "shift"):
        monkeypatch.setattr(synthetic_change, name, lambda rng, image, *rest: image)
    monkeypatch.setattr(synthetic_change, "disturb", lambda rng, image: image)
    sampler, rng = ChangeSampler([place()], size=48), np.random.default_rng(3)
    for _ in range(8):
        before, after, target = sampler.draw(rng)
        moved = np.abs(after - before).max(0) > 0.2
        edge = synthetic_change.soften(target > 0) > 0  # a sensor's blur reaches one pixel out
        assert not moved[~edge].any()


def test_water_that_comes_is_all_the_change_of_a_reservoir() -> None:
    reservoir = place(urban=False)
    reservoir.water[1, :, 50:60] = True
    cut = (slice(0, 4), slice(48, 62))
    expected = np.zeros((4, 14), np.float32)
    expected[:, 2:12] = 1
    np.testing.assert_array_equal(reservoir.expected((0, 1), cut), expected)
    np.testing.assert_array_equal(reservoir.expected((1, 1), cut), 0)


def test_dates_can_be_left_out() -> None:
    fewer = place(urban=False).with_dates(np.array([True, False]))
    assert fewer.images.shape[0] == fewer.mean.shape[0] == fewer.water.shape[0] == 1


@given(st.integers(0, 10_000), st.integers(4, 64))
def test_a_blob_is_never_empty_and_never_leaves_its_square(seed: int, side: int) -> None:
    mask = blob(np.random.default_rng(seed), side)
    assert mask.shape == (side, side) and mask.any()
