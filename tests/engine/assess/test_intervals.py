import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.assess.intervals import NAN, Estimate, clustered, deviate, student, symmetric, wilson


def test_normal_deviates():
    assert deviate(95) == pytest.approx(1.959964, abs=1e-6)
    assert deviate(90) == pytest.approx(1.644854, abs=1e-6)


@pytest.mark.parametrize(("freedom", "t"), [(4, 2.7764), (9, 2.2622), (30, 2.0423), (1000, 1.9623)])
def test_students_t_of_the_tables(freedom, t):
    assert student(95, freedom) == pytest.approx(t, rel=0.01)


def test_wilson_of_the_literature():
    """Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662; 0 of 20 gives 0 to 0.1611."""
    found = wilson(81, 263, 95)
    assert (round(found.low, 4), round(found.high, 4)) == (0.2553, 0.3662)
    none = wilson(0, 20, 95)
    assert (none.low, round(none.high, 4)) == (0, 0.1611)


def test_nothing_sampled_is_unknown():
    assert wilson(0, 0, 95).to_dict() == {"value": None, "low": None, "high": None}
    assert clustered(np.array([], bool), np.array([], int), 95).to_dict()["value"] is None


def test_symmetric_intervals_stay_possible():
    assert symmetric(0.5, 0.1, 95).low == pytest.approx(0.304, abs=1e-3)
    assert symmetric(0.99, 0.1, 95).high == 1
    assert symmetric(0.01, 0.1, 95).low == 0
    assert np.isnan(symmetric(0.5, NAN, 95).low)


def test_one_pixel_a_cluster_is_nearly_wilson():
    hit = np.arange(400) % 10 != 0
    found, plain = clustered(hit, np.arange(400), 95), wilson(360, 400, 95)
    assert found.value == plain.value
    assert found.low == pytest.approx(plain.low, abs=2e-3)


def test_pixels_that_repeat_their_cluster_tell_nothing_more():
    """Ten clusters, each wholly right or wrong: a hundred pixels of each are as good as two."""
    right = np.array([1, 1, 1, 1, 1, 1, 1, 0, 0, 0], bool)
    few = clustered(right.repeat(2), np.arange(10).repeat(2), 95)
    many = clustered(right.repeat(100), np.arange(10).repeat(100), 95)
    assert (few.low, few.high) == pytest.approx((many.low, many.high))
    assert many.high - many.low > 0.4


def test_all_right_is_not_certain():
    found = clustered(np.ones(5000, bool), np.arange(10).repeat(500), 95)
    assert found.value == found.high == 1
    assert found.low < 0.75  # ten polygons


def test_one_cluster_has_no_interval():
    assert np.isnan(clustered(np.array([True, False]), np.zeros(2, int), 95).low)


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 4)), min_size=1, max_size=60),
    st.sampled_from([50, 90, 99]),
)
def test_the_interval_holds_the_share(samples, confidence):
    hit, unit = (np.array(column) for column in zip(*samples))
    found = clustered(hit.astype(bool), unit, confidence)
    assert found.value == pytest.approx(hit.mean())
    if np.isfinite(found.low):
        assert 0 <= found.low <= found.value + 1e-9
        assert found.value - 1e-9 <= found.high <= 1


def test_estimates_are_json():
    assert Estimate(1 / 3).to_dict() == {"value": 0.333333, "low": None, "high": None}
