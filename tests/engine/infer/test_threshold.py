import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ModelInvalid
from engine.infer.threshold import BINS, expit, logit, rescale, scene_threshold, score_edges


def histogram(*lumps):
    """(score, pixels) pairs as a histogram."""
    counts = np.zeros(BINS)
    for score, pixels in lumps:
        counts[min(BINS - 1, int(score * BINS))] += pixels
    return counts


def spread(rng, centre, width, pixels):
    """Scores whose logits are normal."""
    scores = expit(rng.normal(logit(centre), width, pixels))
    return np.histogram(scores, score_edges())[0]


def test_fixed_is_the_default():
    assert scene_threshold(histogram((0.1, 5)), score_edges(), {}) == 0.5
    spec = {"method": "fixed", "value": 0.37}
    assert scene_threshold(histogram((0.1, 5)), score_edges(), spec) == 0.37


def test_otsu_cuts_between_two_lumps_in_the_middle_on_the_logit_scale():
    """logit(.2) = -1.386 and logit(.8) = 1.386: the middle is 0, a score of .5."""
    value = scene_threshold(histogram((0.2, 900), (0.8, 100)), score_edges(), {"method": "scene"})
    assert value == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(("low", "high"), [(0.01, 0.2), (0.1, 0.7), (0.4, 0.95)])
def test_otsu_follows_the_scene(low, high):
    rng = np.random.default_rng(0)
    counts = spread(rng, low, 0.3, 9000) + spread(rng, high, 0.3, 1000)
    value = scene_threshold(counts, score_edges(), {"method": "scene", "rule": "otsu"})
    assert low < value < high


def test_robust_is_the_median_and_a_number_of_deviations():
    """Logits normal around logit(.1) with deviation .5: three deviations up is expit(-2.197 + 1.5) = .332."""
    counts = spread(np.random.default_rng(0), 0.1, 0.5, 200_000)
    value = scene_threshold(counts, score_edges(), {"method": "scene", "rule": "robust"})
    assert value == pytest.approx(float(expit(logit(0.1) + 1.5)), abs=0.01)


def test_robust_hardly_moves_for_a_tenth_of_change():
    rng = np.random.default_rng(0)
    quiet = spread(rng, 0.1, 0.5, 90_000)
    spec = {"method": "scene", "rule": "robust"}
    calm = scene_threshold(quiet, score_edges(), spec)
    lively = scene_threshold(quiet + spread(rng, 0.9, 0.5, 10_000), score_edges(), spec)
    assert calm < lively < calm + 0.1


def test_quantile():
    counts = histogram((0.1, 80), (0.6, 20))
    spec = {"method": "scene", "rule": "quantile", "share": 0.9}
    assert scene_threshold(counts, score_edges(), spec) == pytest.approx(0.6, abs=1 / BINS)


def test_limits_hold_the_cut():
    counts = histogram((0.2, 900), (0.8, 100))
    assert scene_threshold(counts, score_edges(), {"method": "scene", "minimum": 0.7}) == 0.7
    assert scene_threshold(counts, score_edges(), {"method": "scene", "maximum": 0.3}) == 0.3


@pytest.mark.parametrize("spec", [{"method": "magic"}, {"method": "scene", "rule": "magic"}])
def test_unknown_methods_are_refused(spec):
    with pytest.raises(ModelInvalid, match="magic"):
        scene_threshold(histogram((0.1, 1)), score_edges(), spec)


@pytest.mark.parametrize("rule", ["otsu", "robust", "quantile"])
@pytest.mark.parametrize("lumps", [(), ((0.0, 10),), ((1.0, 10),), ((0.3, 1),)])
def test_odd_scenes_give_a_score(rule, lumps):
    value = scene_threshold(histogram(*lumps), score_edges(), {"method": "scene", "rule": rule})
    assert 0 < value <= 1


@given(st.lists(st.floats(0, 1, width=32), min_size=2, max_size=20), st.floats(0.01, 0.99))
def test_rescaling_keeps_the_order_and_brings_the_cut_to_a_half(scores, cut):
    scores = np.sort(np.array(scores, np.float32))
    moved = rescale(scores, cut)
    assert (np.diff(moved) >= -1e-6).all()
    assert ((moved >= 0) & (moved <= 1)).all()
    assert rescale(np.array([cut], np.float32), float(np.float32(cut)))[0] == 0.5
