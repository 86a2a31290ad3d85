import numpy as np
import pytest

from engine.benchmark.indices import PAIRS, all_indices, normalised_difference


def image(**bands):
    """One pixel, reflectance 0.1 but for the bands given by number."""
    values = np.full((9, 1, 1), 0.1, np.float32)
    for band, value in bands.items():
        values[int(band[1:])] = value
    return values


def test_ndvi_is_near_infrared_against_red():
    """(0.3 - 0.1) / (0.3 + 0.1) = 0.5; band 6 is B08, band 2 is B04."""
    assert normalised_difference(image(b6=0.3), "NDVI")[0, 0] == pytest.approx(0.5)


def test_ndwi_is_positive_over_water():
    assert normalised_difference(image(b6=0.05), "NDWI")[0, 0] == pytest.approx(1 / 3, abs=1e-6)


def test_negative_reflectance_does_not_turn_the_sign_or_leave_the_range():
    assert normalised_difference(image(b1=-0.01, b6=-0.02), "NDWI")[0, 0] == 1
    assert normalised_difference(image(b1=0, b6=0), "NDWI")[0, 0] == 0


def test_all_indices_keep_leading_axes():
    assert all_indices(np.zeros((4, 9, 2, 3), np.float32)).shape == (4, len(PAIRS), 2, 3)
