import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.assess.allocation import allocate, sample_size
from engine.errors import InvalidParameter


def test_published_sample_size():
    """Olofsson et al. (2014), section 5.1.1: 641 points for a standard error of 0.01."""
    share = np.array([0.020, 0.015, 0.320, 0.645])
    accuracy = np.array([0.70, 0.60, 0.90, 0.95])
    assert sample_size(share, accuracy, 0.01) == 641


def test_equal_accuracies_need_the_binomial_number():
    assert sample_size(np.array([0.25, 0.75]), np.array([0.8, 0.8]), 0.02) == 400


def test_proportional_with_a_minimum():
    """50 each of the two rare classes; the others share 300 as 1 to 2."""
    pixels = np.array([100, 200, 33_000, 66_000])
    assert allocate(pixels, 400, "proportional", 50).tolist() == [50, 50, 100, 200]


def test_equal_shares_and_a_class_too_small_for_its_share():
    assert allocate(np.array([1000, 1000, 30]), 230, "equal", 10).tolist() == [100, 100, 30]


def test_a_class_rarer_than_the_minimum_gives_all_it_has():
    assert allocate(np.array([7, 10_000]), 100, "proportional", 50).tolist() == [7, 93]


def test_the_minimum_counts_more_than_the_size():
    assert allocate(np.array([500, 500]), 20, "equal", 50).tolist() == [50, 50]


def test_fewer_points_than_classes_are_refused():
    with pytest.raises(InvalidParameter, match="2 points cannot cover 3 classes"):
        allocate(np.array([5, 5, 5]), 2, "equal", 1)


@given(
    st.lists(st.integers(1, 10**9), min_size=1, max_size=8),
    st.integers(8, 10_000),
    st.sampled_from(["equal", "proportional"]),
    st.integers(1, 100),
)
def test_sums_and_limits(pixels, size, allocation, minimum):
    pixels = np.array(pixels)
    points = allocate(pixels, size, allocation, minimum)
    least = np.minimum(pixels, minimum)
    assert (points >= least).all() and (points <= pixels).all()
    assert points.sum() == min(max(size, least.sum()), pixels.sum())
