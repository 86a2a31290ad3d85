import threading

import pytest

from engine.infer.lanes import in_order


def test_results_come_in_the_order_of_the_items():
    later = threading.Event()

    def work(item):
        if item == 0:
            later.wait(5)  # the first ends after the second
        else:
            later.set()
        return item * item

    assert list(in_order(range(4), work, 2)) == [(0, 0), (1, 1), (2, 4), (3, 9)]


def test_as_many_run_side_by_side_as_there_are_lanes():
    meeting = threading.Barrier(3, timeout=5)  # breaks unless three wait at once
    assert [got for got, _ in in_order(range(6), lambda _: meeting.wait(), 3)] == list(range(6))


def test_items_are_taken_only_a_little_ahead():
    taken = []

    def items():
        for item in range(10):
            taken.append(item)
            yield item

    results = in_order(items(), str, 2)
    assert next(results) == (0, "0")
    assert taken == [0, 1, 2]
    results.close()
    assert taken == [0, 1, 2]


def test_what_work_raises_arrives_in_its_place():
    def work(item):
        if item == 2:
            raise ValueError("item 2")
        return item

    results = in_order(range(5), work, 2)
    assert [next(results), next(results)] == [(0, 0), (1, 1)]
    with pytest.raises(ValueError, match="item 2"):
        next(results)


def test_closing_leaves_no_thread():
    before = threading.active_count()
    results = in_order(range(100), str, 3)
    next(results)
    results.close()
    assert threading.active_count() == before
