import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.train import metrics

# Rows truth, columns prediction; 10 samples, 6 right.
MATRIX = np.array([[3, 1, 0], [1, 2, 1], [0, 1, 1]])


def test_confusion_matrix_counts_pairs_and_leaves_out_the_ignored():
    truth = np.array([[0, 0, 1], [2, 255, 1]])
    prediction = np.array([[0, 1, 1], [0, 2, 1]])
    expected = [[1, 1, 0], [0, 2, 0], [1, 0, 0]]
    assert metrics.confusion_matrix(truth, prediction, 3, ignore=255).tolist() == expected


@pytest.mark.parametrize(
    ("truth", "prediction", "message"),
    [
        ([0, 1], [0], "shape"),
        ([0, 3], [0, 1], "truth contains values 0..3"),
        ([0], [-1], "prediction"),
    ],
)
def test_confusion_matrix_refuses_what_cannot_be_counted(truth, prediction, message):
    with pytest.raises(ValueError, match=message):
        metrics.confusion_matrix(np.array(truth), np.array(prediction), 3)


def test_measures_of_a_small_matrix():
    """Columns sum to 4, 4, 2, rows to 4, 4, 2."""
    assert metrics.overall_accuracy(MATRIX) == pytest.approx(0.6)
    assert metrics.user_accuracy(MATRIX) == pytest.approx([3 / 4, 2 / 4, 1 / 2])
    assert metrics.producer_accuracy(MATRIX) == pytest.approx([3 / 4, 2 / 4, 1 / 2])
    assert metrics.f1_score(MATRIX) == pytest.approx([6 / 8, 4 / 8, 2 / 4])
    assert metrics.iou(MATRIX) == pytest.approx([3 / 5, 2 / 6, 1 / 3])
    assert metrics.mean_iou(MATRIX) == pytest.approx((3 / 5 + 1 / 3 + 1 / 3) / 3)
    chance = (4 * 4 + 4 * 4 + 2 * 2) / 100
    assert metrics.kappa(MATRIX) == pytest.approx((0.6 - chance) / (1 - chance))


def test_a_class_that_occurs_nowhere_is_nan_and_left_out_of_the_mean():
    matrix = np.array([[3, 1, 0], [1, 3, 0], [0, 0, 0]])
    assert np.isnan(metrics.iou(matrix)[2])
    assert metrics.mean_iou(matrix) == pytest.approx(3 / 5)


def test_roc_auc_counts_ordered_pairs():
    """Positives .8 .4 against negatives .6 .4 .1: 3 + (0 + 1/2 + 1) of 6 pairs."""
    truth = np.array([1, 0, 1, 0, 0])
    score = np.array([0.8, 0.6, 0.4, 0.4, 0.1])
    assert metrics.roc_auc(truth, score) == pytest.approx(4.5 / 6)


def test_average_precision_sums_the_steps():
    """Sorted truth 1 0 1 0: precision 1 at the first hit, 2/3 at the second."""
    truth = np.array([0, 1, 0, 1])
    score = np.array([0.1, 0.9, 0.7, 0.5])
    assert metrics.average_precision(truth, score) == pytest.approx((1 + 2 / 3) / 2)


def test_ties_are_one_threshold():
    """All tied: precision is the share of positives, and ranking is chance."""
    truth = np.array([1, 0, 0, 1, 0])
    score = np.zeros(5)
    assert metrics.average_precision(truth, score) == pytest.approx(2 / 5)
    assert metrics.roc_auc(truth, score) == pytest.approx(0.5)


def test_ranking_without_both_kinds_is_nan():
    assert np.isnan(metrics.roc_auc(np.ones(3), np.arange(3)))
    assert np.isnan(metrics.average_precision(np.zeros(3), np.arange(3)))


def test_mean_average_precision_leaves_out_absent_classes():
    truth = np.array([[1, 0, 0], [0, 1, 0]])
    score = np.array([[0.9, 0.8, 0.1], [0.1, 0.2, 0.3]])
    assert metrics.mean_average_precision(truth, score) == pytest.approx((1 + 1 / 2) / 2)


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=40),
)
def test_roc_auc_equals_the_pair_count(samples):
    truth = np.array([kind for kind, _ in samples])
    score = np.array([value for _, value in samples], float)
    positive, negative = score[truth], score[~truth]
    area = metrics.roc_auc(truth, score)
    if not positive.size or not negative.size:
        assert np.isnan(area)
        return
    wins = (positive[:, None] > negative).mean() + (positive[:, None] == negative).mean() / 2
    assert area == pytest.approx(wins)
