from __future__ import annotations

import numpy as np

from engine.train.linear_scores import ABSENT, LinearScores, mean_of_both, standardised


def scores(weight, bias, limit=4.0):
    weight = np.array(weight, float)
    return LinearScores(
        np.zeros(weight.shape[1]), np.ones(weight.shape[1]), weight, np.array(bias, float), limit
    )


def test_features_get_mean_0_and_deviation_1():
    found = standardised(np.array([[1.0, 5], [3, 5]], np.float32))
    np.testing.assert_allclose(found.mean, [2, 5])
    np.testing.assert_allclose(found.scale, [1, 0], atol=2e-6)
    np.testing.assert_allclose(found.points, [[-1, 0], [1, 0]], atol=2e-6)


def test_what_lies_far_out_is_cut_off():
    """Of 100 zeros and a 101, the mean is 1 and the deviation 10: the last lies 10 deviations out."""
    column = np.append(np.zeros(100), 101.0)[:, None]
    assert standardised(column).points.max() == 4


def test_standardising_leaves_the_features_alone():
    given = np.arange(6.0).reshape(3, 2)
    standardised(given)
    assert given[2, 1] == 5


def test_scores_are_linear_up_to_the_limit():
    model = scores([[1, 0], [0, 2]], [0, 1])
    np.testing.assert_allclose(model(np.array([[3.0, 1], [9, -9]])), [[3, 3], [4, -7]])


def test_a_class_that_was_not_there_is_never_found():
    found = scores([[1], [2]], [0, 0]).among(np.array([0, 2]), 3)(np.array([[1.0]]))
    np.testing.assert_allclose(found, [[1, ABSENT, 2]])


def test_the_mean_of_two_rules_brings_the_second_to_the_spread_of_the_first():
    """Scores of +-1 and +-10 at the two points: both count the same, one against the other."""
    first, second = scores([[1], [-1]], [0, 0]), scores([[-10], [10]], [0, 0])
    points = np.array([[-1.0], [1.0]])
    np.testing.assert_allclose(mean_of_both(first, second, points).of(points), 0, atol=1e-12)


def test_a_rule_that_tells_nothing_is_silent():
    first, silent = scores([[1], [-1]], [0, 0]), scores([[0], [0]], [0, 0])
    points = np.array([[-1.0], [1.0]])
    np.testing.assert_allclose(
        mean_of_both(first, silent, points).of(points), [[-0.5, 0.5], [0.5, -0.5]]
    )
