"""Area-adjusted figures against the worked example of Olofsson et al. (2014), its printed formulae, and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engine.assess.stratified import stratified

# Deforestation, forest gain, stable forest, stable non-forest; rows map, columns reference, as published.
PUBLISHED = np.array([[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]])
PIXELS = np.array([200_000, 150_000, 3_200_000, 6_450_000])
HECTARES = PIXELS * 0.09  # pixels of 30 m


def strata_as_mapped(matrix):
    """Counts [K, K, K] of a sample whose strata are the map's classes, from points [K, K], rows true."""
    matrix = np.asarray(matrix, float)
    counts = np.zeros((len(matrix), *matrix.shape))
    for number in range(len(matrix)):
        counts[number, :, number] = matrix[:, number]
    return counts


@pytest.fixture(scope="module")
def example():
    return stratified(strata_as_mapped(PUBLISHED.T), HECTARES)


def half(estimate):
    return (estimate.high - estimate.low) / 2


def test_published_overall_accuracy(example):
    assert round(example.overall.value, 2) == 0.95
    assert round(half(example.overall), 2) == 0.02


def test_published_users_accuracy(example):
    assert [round(e.value, 2) for e in example.user] == [0.88, 0.73, 0.93, 0.96]
    assert [round(half(e), 2) for e in example.user] == [0.07, 0.10, 0.04, 0.02]


def test_published_producers_accuracy(example):
    assert [round(e.value, 2) for e in example.producer] == [0.75, 0.85, 0.93, 0.96]
    assert round(half(example.producer[0]), 2) == 0.21


def test_published_area_of_deforestation(example):
    """235 086 pixels, 21 158 ha +- 6 158 ha; to the hectare (the paper multiplies by 1.96)."""
    assert round(example.area[0].value) == 21_158
    assert round(example.area[0].value / 0.09) == 235_086
    assert half(example.area[0]) == pytest.approx(6_158, abs=1)
    assert 1.96 * example.area_error[0] == pytest.approx(6_158, abs=1)


def test_published_areas_of_the_other_classes(example):
    assert [round(e.value) for e in example.area[1:]] == [11_686, 285_770, 581_386]
    assert [1.96 * e for e in example.area_error[1:]] == pytest.approx(
        [3_756, 15_510, 16_282], abs=1
    )


def formulae(matrix, area):
    """Olofsson's equations 5 to 11 as printed: rows map, columns reference, no shortcut."""
    w, n = area / area.sum(), matrix.sum(axis=1)
    p = w[:, None] * matrix / n[:, None]
    u, r = np.diag(matrix) / n, np.diag(p) / p.sum(axis=0)
    v_overall = (w**2 * u * (1 - u) / (n - 1)).sum()
    v_user = u * (1 - u) / (n - 1)
    v_producer = np.zeros(len(n))
    for j in range(len(n)):
        others = sum(
            area[i] ** 2 * matrix[i, j] / n[i] * (1 - matrix[i, j] / n[i]) / (n[i] - 1)
            for i in range(len(n))
            if i != j
        )
        total = (area / n * matrix[:, j]).sum()
        own = area[j] ** 2 * (1 - r[j]) ** 2 * u[j] * (1 - u[j]) / (n[j] - 1)
        v_producer[j] = (own + r[j] ** 2 * others) / total**2
    s = np.sqrt(((w[:, None] * p - p**2) / (n[:, None] - 1)).sum(axis=0))
    return p, v_overall, v_user, v_producer, area.sum() * p.sum(axis=0), area.sum() * s


@given(
    arrays(int, (3, 3), elements=st.integers(0, 40)),
    arrays(float, 3, elements=st.floats(1, 1e6)),
)
def test_it_is_the_printed_formulae_when_strata_are_classes(matrix, area):
    matrix = matrix + np.eye(3, dtype=int) * 2  # two points at least in each stratum and class
    found = stratified(strata_as_mapped(matrix.T), area, 95)
    p, v_overall, v_user, v_producer, areas, errors = formulae(matrix, area)
    z = 1.959963984540054
    np.testing.assert_allclose(found.proportions, p.T, atol=1e-12)
    for estimates, variances in (
        ([found.overall], [v_overall]),
        (found.user, v_user),
        (found.producer, v_producer),
    ):
        for estimate, variance in zip(estimates, variances):
            assert estimate.low == pytest.approx(
                max(0, estimate.value - z * variance**0.5), abs=1e-7
            )
    assert [e.value for e in found.area] == pytest.approx(areas)
    assert found.area_error == pytest.approx(errors, rel=1e-6, abs=1e-6 * area.sum())


def test_strata_of_another_map():
    """Two strata of 30 and 10 ha; half of the first one's points are mapped as the second class."""
    counts = np.zeros((2, 2, 2))
    counts[0, 0, 0], counts[0, 0, 1] = 5, 5  # all truly of class 0
    counts[1, 1, 1] = 4
    found = stratified(counts, np.array([30.0, 10.0]))
    assert found.overall.value == pytest.approx((30 * 0.5 + 10) / 40)
    assert found.user[1].value == pytest.approx(10 / 25)
    assert found.producer[0].value == pytest.approx(0.5)
    assert [e.value for e in found.area] == pytest.approx([30, 10])
    assert half(found.area[0]) == pytest.approx(0)
    assert half(found.overall) == pytest.approx(1.96 * (0.75**2 * 0.25 / 9) ** 0.5, rel=1e-3)


def test_a_single_point_leaves_the_interval_open():
    found = stratified(strata_as_mapped([[1, 0], [0, 5]]), np.array([1.0, 1.0]))
    assert found.overall.value == 1
    assert np.isnan(found.overall.low) and np.isnan(found.overall.high)
    assert np.isnan(found.user[0].low)


def test_a_stratum_with_area_needs_points_and_one_without_none():
    with pytest.raises(ValueError, match="with an area needs at"):
        stratified(strata_as_mapped([[3, 0], [0, 0]]), np.array([1.0, 1.0]))
    found = stratified(strata_as_mapped([[3, 0], [0, 0]]), np.array([1.0, 0.0]))
    assert found.overall.value == 1
    assert np.isnan(found.user[1].value)
