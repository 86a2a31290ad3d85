import itertools
import threading
import time

import pytest

from engine.data.read_ahead import read_ahead


def test_order_is_kept_and_nothing_is_lost():
    assert list(read_ahead(range(50))) == list(range(50))
    assert list(read_ahead([])) == []


def test_the_thread_is_never_further_ahead_than_asked():
    made = []
    items = read_ahead((made.append(n) or n for n in range(20)), depth=2)
    for n in items:
        time.sleep(0.002)
        assert len(made) <= n + 1 + 2 + 1  # those used, those waiting, the one in hand
    assert len(made) == 20


def test_an_error_in_the_thread_reaches_the_reader_after_what_came_before():
    def items():
        yield 1
        raise OSError("no such raster")

    got = []
    with pytest.raises(OSError, match="no such raster"):
        for item in read_ahead(items()):
            got.append(item)
    assert got == [1]


def test_closing_ends_the_thread():
    before = threading.active_count()
    items = read_ahead(itertools.count())
    assert next(items) == 0
    items.close()
    assert threading.active_count() == before
