import numpy as np
import pytest

from engine.benchmark.change_vectors import (
    ChangeVectors,
    best_f1_threshold,
    otsu_threshold,
    vector_length,
)
from engine.benchmark.protocols import ChangePair


def pair(seed=0, size=40):
    """A square of 8 x 8 pixels becomes much brighter; the whole second date is brighter and hazier."""
    random = np.random.default_rng(seed)
    before = random.normal(0.2, 0.02, (9, size, size))
    after = 0.5 * before + 0.1 + random.normal(0, 0.001, before.shape)
    truth = np.zeros((size, size), np.uint8)
    truth[5:13, 20:28] = 1
    after[:, truth == 1] += 0.1
    return ChangePair(
        before.astype(np.float32), after.astype(np.float32), np.ones((size, size), bool), truth
    )


@pytest.mark.parametrize("otsu", [True, False])
def test_the_bright_square_is_found(otsu):
    given = pair(1)
    model = ChangeVectors(otsu).fit([pair(0)], 0, 1.0)
    found = model.predict(*given[:3]) >= model.threshold
    assert np.array_equal(found, given.truth == 1)


def test_without_pairs_otsu_is_taken():
    model = ChangeVectors(otsu=False).fit([], 0, 0.0)
    assert model.relative
    assert model.threshold == 1


def test_length_is_euclidean_over_six_standardised_bands():
    """Bands of two pixels standardise to -1 and 1: all six turn round, each by 2: sqrt(6 * 4)."""
    before = np.tile(np.array([[0.0, 1.0]], np.float32), (9, 1, 1))
    length = vector_length(before, before[..., ::-1], np.ones((1, 2), bool))
    assert length[0] == pytest.approx([24**0.5] * 2, rel=1e-4)


def test_a_gain_and_an_offset_are_no_change():
    before = pair().before
    length = vector_length(before, 2 * before + 0.3, np.ones(before.shape[1:], bool))
    assert length.max() < 1e-3


def test_invalid_pixels_have_no_part():
    given = pair()
    valid = np.ones_like(given.valid)
    valid[0] = False
    spoiled = given.after.copy()
    spoiled[:, 0] = 1e6
    length = vector_length(given.before, spoiled, valid)
    assert not length[0].any()
    assert np.array_equal(length, vector_length(given.before, given.after, valid))


def test_otsu_divides_two_heaps():
    values = np.concatenate([np.full(90, 1.0), np.full(10, 3.0)])
    assert 1 < otsu_threshold(values) < 3


def test_best_f1_by_hand():
    """Two of the first three are true: taking 2 finds 1 of 2 (F1 .5), 3 both (F1 .8)."""
    truth = np.array([True, False, True, False])
    score = np.array([0.9, 0.8, 0.7, 0.1])
    assert best_f1_threshold(truth, score) == pytest.approx(0.4)


def test_tied_scores_are_one_threshold():
    truth = np.array([True, True, False, False, False])
    score = np.array([0.9, 0.5, 0.5, 0.5, 0.5])
    assert best_f1_threshold(truth, score) == pytest.approx(0.7)
