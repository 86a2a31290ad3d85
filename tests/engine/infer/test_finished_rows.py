"""Finished rows come back as they were, with what was counted."""

import numpy as np
import pytest

from engine.errors import ClientGone
from engine.infer.finished_rows import FinishedRows
from engine.infer.journal import KEPT_PREFIX, Journal
from engine.infer.tally import Tally

WIDTH = 5
DTYPES = ("uint8", "float32")
RNG = np.random.default_rng(0)


def strip(rows):
    return (
        RNG.integers(0, 255, (rows, WIDTH), np.uint8),
        RNG.random((rows, WIDTH), np.float32),
    )


STRIPS = [strip(rows) for rows in (3, 1, 4)]


@pytest.fixture
def run(tmp_path):
    """Takes up what is there, keeps some strips and loses its client; gives what it found."""

    def run(*strips):
        with pytest.raises(ClientGone), Journal(str(tmp_path / "map.tif"), True) as journal:
            journal.take_up("one")
            kept = FinishedRows(journal, WIDTH, DTYPES)
            found = list(kept.replay())
            for index, layers in enumerate(strips, 1):
                kept.append(layers, Tally(run=10 * index, pixels=100 * index))
            raise ClientGone()
        return found, kept.earlier

    return run


def same(strips, expected):
    assert len(strips) == len(expected)
    for layers, wanted in zip(strips, expected):
        for layer, array in zip(layers, wanted):
            assert layer.dtype == array.dtype
            np.testing.assert_array_equal(layer, array)


def test_rows_come_back_as_they_were_with_what_was_counted(run):
    run(*STRIPS)
    strips, earlier = run()
    same(strips, STRIPS)
    assert (earlier.rows, earlier.pixels) == (8, 300)
    assert earlier.run == {3: 10, 4: 20, 8: 30}


def test_a_run_goes_on_after_the_rows_it_found(run):
    run(*STRIPS)
    run(STRIPS[1])
    strips, earlier = run()
    same(strips, [*STRIPS, STRIPS[1]])
    assert (earlier.rows, earlier.pixels) == (9, 100)


def test_rows_without_data_take_no_room(run, tmp_path):
    """The header, and for a million rows 12 + 25 bytes and a value of each layer: 1 + 4."""
    nothing = (
        np.full((1_000_000, WIDTH), 255, np.uint8),
        np.full((1_000_000, WIDTH), -1, np.float32),
    )
    run(nothing, STRIPS[0])
    size = (1 << 14) + 37 + 5 + 37 + 3 * WIDTH * 5
    assert (tmp_path / f"{KEPT_PREFIX}map.tif").stat().st_size == size
    same(run()[0], [nothing, STRIPS[0]])
