import threading

import pytest

from engine.infer.write_behind import write_behind


def test_all_is_written_in_order_by_one_other_thread():
    written, threads = [], set()

    def write(item):
        written.append(item)
        threads.add(threading.get_ident())

    with write_behind(write) as put:
        for item in range(20):
            put(item)
    assert written == list(range(20))
    assert len(threads) == 1 and threading.get_ident() not in threads


def test_the_caller_goes_on_while_something_is_written():
    going_on = threading.Event()
    with write_behind(lambda _: going_on.wait(5) or pytest.fail("the caller waited")) as put:
        put(0)
        going_on.set()


def test_what_fails_is_raised_by_a_later_call_and_ends_the_writing():
    written = []

    def write(item):
        if item == 1:
            raise OSError("full")
        written.append(item)

    with pytest.raises(OSError, match="full"), write_behind(write, depth=1) as put:
        for item in range(100):
            put(item)
    assert written[0] == 0 and 99 not in written


def test_what_fails_last_is_raised_at_the_end():
    def write(item):
        raise OSError("full")

    with pytest.raises(OSError, match="full"), write_behind(write) as put:
        put(0)


def test_after_an_error_of_the_caller_nothing_is_being_written():
    running = []

    def write(item):
        running.append(item)
        running.remove(item)

    with pytest.raises(KeyError), write_behind(write) as put:
        put(0)
        raise KeyError
    assert running == []
