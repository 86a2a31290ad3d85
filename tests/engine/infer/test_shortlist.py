import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.infer.places import PlaceGrid, PlaceRow
from engine.infer.shortlist import LEAST_APART, Shortlist


def row_of(number, uncertainty, classes=None, known=1.0):
    """A row of places; `classes` gives the two best of each, by default the first and second of three."""
    uncertainty = np.asarray(uncertainty, float)
    columns = len(uncertainty)
    probabilities = np.full((4, columns), 0.01)
    for column, (first, second) in enumerate(classes or [(0, 1)] * columns):
        probabilities[first, column], probabilities[second, column] = 0.5, 0.4
    return PlaceRow(number, uncertainty, probabilities, np.full(columns, known))


def shortlist(table, count, classes=None, labelled=None, known=1.0):
    """The choice among a table of uncertainties [rows, columns]."""
    table = np.asarray(table, float)
    rows, columns = table.shape
    made = Shortlist(PlaceGrid(0, 0, 10, 10, rows, columns), count)
    for number, line in enumerate(table):
        pairs = classes[number] if classes else None
        taken = np.zeros(columns, bool) if labelled is None else labelled[number]
        made.add(row_of(number, line, pairs, known), taken)
    return made


def at(places):
    return [(place.row, place.column) for place in places]


def test_the_most_uncertain_comes_first_and_neighbours_are_passed_by():
    """0.9 shuts out the 0.8 and 0.7 beside it; then 0.6, which shuts out nothing that is left but 0.5."""
    line = [[0.1, 0.8, 0.9, 0.7, 0.2, 0.5, 0.6]]
    assert at(shortlist(line, 3).chosen()) == [(0, 2), (0, 6), (0, 4)]


def test_what_is_kept_of_a_place():
    (place,) = shortlist([[0.9]], 1, [[(2, 1)]]).chosen()
    assert (place.first, place.second) == (2, 1)
    assert (place.first_probability, place.second_probability) == (0.5, 0.4)
    assert place.uncertainty == 0.9
    assert place.pair == (1, 2)


def test_a_pair_of_classes_takes_half_while_there_are_others():
    """Of four, two may be of the first pair: 0.9 and 0.8; then the best two of others, 0.3 and 0.2, in any order."""
    table = [[0.9, 0, 0.8, 0, 0.7, 0, 0.6, 0, 0.3, 0, 0.2]]
    classes = [
        [(0, 1), (0, 1), (1, 0), (0, 1), (0, 1), (0, 1), (0, 1), (0, 1), (0, 2), (2, 0), (3, 2)]
    ]
    chosen = shortlist(table, 4, classes).chosen()
    assert [place.uncertainty for place in chosen] == [0.9, 0.8, 0.3, 0.2]


def test_with_one_pair_only_it_gets_all():
    chosen = shortlist([[0.9, 0, 0.8, 0, 0.7, 0, 0.6]], 4).chosen()
    assert [place.uncertainty for place in chosen] == [0.9, 0.8, 0.7, 0.6]


def test_places_with_labels_or_little_known_are_left_out():
    table, labelled = [[0.9, 0, 0.8]], [np.array([True, False, False])]
    assert at(shortlist(table, 2, labelled=labelled).chosen()) == [(0, 2)]
    assert len(shortlist(table, 2, known=0.5).chosen()) == 2
    assert shortlist(table, 2, known=0.49).chosen() == []


def test_places_keep_the_distance_that_the_ground_allows():
    """20 x 20 places for 4: evenly they would be 10 apart, so they are at least 5 apart."""
    table = np.random.default_rng(1).random((20, 20))
    made = shortlist(table, 4)
    assert made.distance == 5
    for one, other in itertools.combinations(made.chosen(), 2):
        assert max(abs(one.row - other.row), abs(one.column - other.column)) >= 5


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_any_choice_is_spread_ordered_and_as_long_as_can_be(seed):
    """Whatever the scene: no two places touch, the rank follows the uncertainty, no place with room was forgotten."""
    rng = np.random.default_rng(seed)
    rows, columns = rng.integers(1, 40, 2)
    count = int(rng.integers(1, 30))
    table = rng.random((rows, columns)) ** rng.integers(1, 5)
    classes = [[tuple(rng.permutation(4)[:2]) for _ in range(columns)] for _ in range(rows)]
    chosen = shortlist(table, count, classes).chosen()
    assert 1 <= len(chosen) <= count
    values = [place.uncertainty for place in chosen]
    assert values == sorted(values, reverse=True)
    for one, other in itertools.combinations(chosen, 2):
        assert max(abs(one.row - other.row), abs(one.column - other.column)) >= LEAST_APART
    for place in chosen:
        assert place.uncertainty == table[place.row, place.column]
    evenly = (rows * columns / count) ** 0.5
    if len(chosen) < count and evenly < 16:  # each place is a block: none can have been dropped
        gaps = np.full((rows, columns), np.inf)
        grid = np.mgrid[:rows, :columns]
        for place in chosen:
            away = np.maximum(abs(grid[0] - place.row), abs(grid[1] - place.column))
            gaps = np.minimum(gaps, away)
        assert gaps.max() < LEAST_APART


def test_memory_follows_the_number_wanted_not_the_raster():
    """600 x 600 places for 4: evenly 300 apart, blocks of 37, 17 x 17 of them, two pairs in each."""
    rng = np.random.default_rng(3)
    classes = [[(0, 1), (2, 3)][n % 2] for n in range(600)]
    made = Shortlist(PlaceGrid(0, 0, 1, 1, 600, 600), 4)
    best = 0.0
    for number in range(600):
        line = rng.random(600)
        best = max(best, line.max())
        made.add(row_of(number, line, classes), np.zeros(600, bool))
    assert len(made._best) <= 17 * 17 * 2
    assert made.chosen()[0].uncertainty == best, "the very best one is never lost"
