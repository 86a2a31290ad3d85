"""Finished parts of a labelling come back as they were, and only the others are computed."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ClientGone
from engine.infer.finished_parts import decoded, encoded, resumed_parts
from engine.infer.journal import Journal
from engine.infer.looks import Found
from engine.infer.scored_looks import PartsResult, Scored
from engine.infer.tally import Tally
from engine.progress import Progress

SINGLE = st.floats(0, 1, width=32)


@given(st.lists(st.tuples(st.floats(0, 1e6), SINGLE, SINGLE), max_size=4), st.floats(-1e7, 1e7))
def test_what_is_kept_comes_back_to_the_last_bit(looks, corner):
    scored = [
        Scored(place, weight, np.array(scores, np.float32))
        for place, (weight, *scores) in enumerate(looks)
    ]
    shapes = (shapely.box(corner, corner, corner + 1 / 3, corner + 2 / 3),)
    found = Found(range(3, 5), shapes, (corner / 7,), 2, Tally(9, 4, 1000))
    back = decoded(encoded(PartsResult(scored, found)))
    assert back.found == found
    assert [(one.place, one.weight) for one in back.scored] == [
        (one.place, one.weight) for one in scored
    ]
    for one, wanted in zip(back.scored, scored):
        assert one.score.dtype == np.float32
        np.testing.assert_array_equal(one.score, wanted.score)


class Looks:
    """Ten parts of one cell each."""

    def __init__(self):
        self.parts, self.cells, self.tally = 10, 0, Tally()

    def take(self, found):
        first, self.cells = self.cells, self.cells + len(found.geometries)
        self.tally.add(found.tally)
        return first


def test_only_what_is_left_is_computed(tmp_path):
    asked = []

    def compute(progress, first):
        for part in range(first, 10):
            asked.append(part)
            if asked == [*range(4)]:
                raise ClientGone()
            found = Found(range(part, part + 1), (shapely.Point(part, 0),), (), 0, Tally(0, 1, 64))
            yield PartsResult([Scored(0, 1.0, np.array([part / 10]))], found)

    def run():
        looks = Looks()
        with Journal(str(tmp_path / "scenes.gpkg"), True) as journal:
            journal.take_up("one")
            return list(resumed_parts(journal, looks, compute, Progress())), looks.tally

    with pytest.raises(ClientGone):
        run()
    asked.clear()
    scored, tally = run()
    assert asked == [3, 4, 5, 6, 7, 8, 9]
    assert [(one.place, one.score[0]) for one in scored] == [(k, k / 10) for k in range(10)]
    assert (tally.run, tally.pixels, tally.earlier) == (10, 640, 3 * 64)
