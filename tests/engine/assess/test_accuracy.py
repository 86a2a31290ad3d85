import subprocess
import sys

import numpy as np
import pytest

from engine.assess.accuracy import accuracy_of_clusters, accuracy_of_matrix

MATRIX = np.array([[40, 10, 0], [5, 45, 0], [0, 0, 0]])


def test_figures_of_a_small_matrix():
    found = accuracy_of_matrix(MATRIX)
    assert found.overall.value == pytest.approx(0.85)
    assert found.kappa == pytest.approx((0.85 - 0.5) / 0.5)
    assert [e.value for e in found.precision[:2]] == pytest.approx([40 / 45, 45 / 55])
    assert [e.value for e in found.recall[:2]] == pytest.approx([0.8, 0.9])
    assert found.f1[:2] == pytest.approx([80 / 95, 90 / 105])
    assert found.iou[:2] == pytest.approx([40 / 55, 45 / 60])


def test_a_class_that_occurs_nowhere_does_not_lower_the_means():
    found = accuracy_of_matrix(MATRIX)
    assert found.mean_iou == pytest.approx((40 / 55 + 45 / 60) / 2)
    assert found.macro_f1 == pytest.approx((80 / 95 + 90 / 105) / 2)
    assert np.isnan(found.precision[2].value) and np.isnan(found.f1[2])


def test_intervals_are_wilsons():
    """85 of 100: 0.7672 to 0.9069."""
    overall = accuracy_of_matrix(MATRIX).overall
    assert (round(overall.low, 4), round(overall.high, 4)) == (0.7672, 0.9069)


def test_clusters_change_intervals_only():
    truth, mapped = np.nonzero(MATRIX)
    counts = MATRIX[truth, mapped]
    truth, mapped = truth.repeat(counts), mapped.repeat(counts)
    plain = accuracy_of_matrix(MATRIX)
    found = accuracy_of_clusters(truth, mapped, np.arange(100) // 10, 3)
    np.testing.assert_array_equal(found.matrix, MATRIX)
    assert found.overall.value == pytest.approx(plain.overall.value)
    assert [e.value for e in found.recall[:2]] == pytest.approx([0.8, 0.9])
    assert found.overall.high - found.overall.low > plain.overall.high - plain.overall.low


def test_no_samples_no_figures():
    found = accuracy_of_matrix(np.zeros((2, 2)))
    assert np.isnan([found.overall.value, found.kappa, found.mean_iou, found.macro_f1]).all()


def test_judging_needs_no_training_libraries():
    code = (
        "import sys, engine.assess.evaluate, engine.assess.sample;"
        "print(sorted({'torch', 'scipy', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
