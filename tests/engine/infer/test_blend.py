import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.infer.blend import blend_weights, ramp


def test_a_ramp_of_two_pixels():
    """Raised cosine at 1/4 and 3/4 of the overlap: (1 - cos 45 deg) / 2 = .1464, and 1 - .1464."""
    np.testing.assert_allclose(ramp(6, 2), [0.1464466, 0.8535534, 1, 1, 0.8535534, 0.1464466], 1e-6)


def test_no_overlap_weighs_all_alike():
    assert (blend_weights(5, 0) == 1).all()


@given(st.integers(1, 64), st.data())
def test_weights_are_symmetric_and_never_zero(window, data):
    weights = blend_weights(window, data.draw(st.integers(0, window - 1)))
    assert weights.shape == (window, window)
    assert weights.dtype == np.float32
    assert (weights > 0).all() and (weights <= 1).all()
    np.testing.assert_array_equal(weights, weights.T)
    np.testing.assert_allclose(weights, weights[::-1], rtol=1e-6)


@pytest.mark.parametrize("overlap", [2, 16, 32])
def test_neighbouring_ramps_add_up_to_one(overlap):
    weights = ramp(64, overlap)
    np.testing.assert_allclose(weights[-overlap:] + weights[:overlap], 1, rtol=1e-6)
