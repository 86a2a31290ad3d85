"""Finished parts of a labelling come back as they were, and only the others are computed."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ClientGone
from engine.infer.finished_parts import decoded, encoded, resumed_parts
from engine.infer.journal import Journal
from engine.infer.scene_windows import Coverage
from engine.infer.scored_windows import PartsResult, ScoredWindow
from engine.infer.tally import Tally
from engine.progress import Progress

SINGLE = st.floats(0, 1, width=32)


@given(st.lists(st.tuples(st.floats(0, 1e6), SINGLE, SINGLE), max_size=4), st.floats(-1e7, 1e7))
def test_what_is_kept_comes_back_to_the_last_bit(windows, corner):
    scored = [
        ScoredWindow(place, weight, np.array(scores, np.float32))
        for place, (weight, *scores) in enumerate(windows)
    ]
    shapes = (shapely.box(corner, corner, corner + 1 / 3, corner + 2 / 3),)
    coverage = Coverage(range(3, 5), shapes, (corner / 7,), 2, Tally(9, 4, 1000))
    back = decoded(encoded(PartsResult(scored, coverage)))
    assert back.coverage == coverage
    assert [(one.feature, one.weight) for one in back.scored] == [
        (one.feature, one.weight) for one in scored
    ]
    for one, wanted in zip(back.scored, scored):
        assert one.score.dtype == np.float32
        np.testing.assert_array_equal(one.score, wanted.score)


class Windows:
    """Ten parts of one cell each."""

    def __init__(self):
        self.parts, self.cells, self.tally = 10, 0, Tally()

    def take(self, coverage):
        first, self.cells = self.cells, self.cells + len(coverage.geometries)
        self.tally.add(coverage.tally)
        return first


def test_only_what_is_left_is_computed(tmp_path):
    asked = []

    def compute(progress, first):
        for part in range(first, 10):
            asked.append(part)
            if asked == [*range(4)]:
                raise ClientGone()
            coverage = Coverage(
                range(part, part + 1), (shapely.Point(part, 0),), (), 0, Tally(0, 1, 64)
            )
            yield PartsResult([ScoredWindow(0, 1.0, np.array([part / 10]))], coverage)

    def run():
        windows = Windows()
        with Journal(str(tmp_path / "scenes.gpkg"), True) as journal:
            journal.take_up("one")
            return list(resumed_parts(journal, windows, compute, Progress())), windows.tally

    with pytest.raises(ClientGone):
        run()
    asked.clear()
    scored, tally = run()
    assert asked == [3, 4, 5, 6, 7, 8, 9]
    assert [(one.feature, one.score[0]) for one in scored] == [(k, k / 10) for k in range(10)]
    assert (tally.run, tally.pixels, tally.earlier) == (10, 640, 3 * 64)
