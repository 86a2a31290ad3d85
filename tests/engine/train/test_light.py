"""Another light: within bounds, date by date, in opposites, haze falling with the wavelength."""

import dataclasses

import numpy as np
import pytest

from engine.train.light import (
    HAZE_AT,
    REFLECTANCE,
    Light,
    LightChange,
    draw_change,
    draw_changes,
    relight,
)


def test_another_light_leaves_no_data_at_0_and_changes_each_date_by_itself():
    random = np.random.default_rng(0)
    image = random.random((9, 8, 8), np.float32) / 4 + 0.1
    valid = np.ones((1, 8, 8), np.float32)
    valid[:, :3] = 0
    feeds = {"before": image * valid, "after": image * valid, "valid": valid}
    found = relight(feeds, draw_changes(feeds, REFLECTANCE, random))
    assert (found["before"][:, :3] == 0).all() and (found["after"][:, :3] == 0).all()
    assert (found["before"][:, 3:] != found["after"][:, 3:]).any()
    assert np.array_equal(feeds["before"], image * valid)
    assert found["valid"] is valid


def test_a_band_is_multiplied_and_shifted():
    feeds = {"image": np.full((2, 1, 1), 0.5, np.float32), "valid": np.ones((1, 1, 1), np.float32)}
    change = LightChange(np.array([2.0, 0.5]), np.array([0.1, -0.1]))
    np.testing.assert_allclose(relight(feeds, {"image": change})["image"].ravel(), [1.1, 0.15])


def test_the_opposite_undoes_a_factor_and_a_shift():
    change = draw_change(REFLECTANCE, 9, np.random.default_rng(0))
    np.testing.assert_allclose(change.factor * change.opposite().factor, 1)
    np.testing.assert_allclose(change.shift + change.opposite().shift, 0)


def test_haze_shifts_all_bands_to_one_side_and_long_wavelengths_less():
    hazy = Light(0, 0, 0, haze=0.04, wavelengths=(HAZE_AT, 2 * HAZE_AT))
    drawn = [draw_change(hazy, 2, np.random.default_rng(seed)) for seed in range(400)]
    shift = np.array([change.shift for change in drawn])
    assert (np.sign(shift[:, 0]) == np.sign(shift[:, 1])).all()
    # Between grey and the exponent 2.5: from 1 to 2 ** -2.5 = .18 of the shift at HAZE_AT.
    share = shift[:, 1] / shift[:, 0]
    assert 0.17 < share.min() < 0.25 and 0.9 < share.max() <= 1
    # 400 draws know a deviation to about 4 %.
    assert shift[:, 0].std() == pytest.approx(0.04, rel=0.2)
    assert all((change.factor == 1).all() for change in drawn)


def test_without_wavelengths_there_is_no_haze():
    unknown = dataclasses.replace(REFLECTANCE, offset=0.0, wavelengths=())
    assert not draw_change(unknown, 9, np.random.default_rng(0)).shift.any()


def test_no_band_is_turned_over():
    wild = Light(brightness=0.9, gain=3.0, offset=0)
    factor = draw_change(wild, 1000, np.random.default_rng(0)).factor
    assert factor.min() == 0.2 and factor.max() <= 5
