"""What other programs leave to this process."""

import math
import os
import threading

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.infer import contention
from engine.infer.contention import Contention


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_a_machine_with_nothing_else_to_do_is_free(threads):
    assert Contention(2).share(threads) == 1


@pytest.mark.parametrize(
    ("processors", "one", "busy", "threads", "got"),
    [
        # Three others on two processors: one thread got 2 / 4. Two would get 4 / 5 among threads, 1 / 2 among groups.
        (2, 0.5, 2.0, 2, math.sqrt(0.8 * 0.5)),
        (2, 0.5, 2.0, 1, 0.5),
        # One other beside one thread that never waited: 4 / 3 and 1.
        (2, 1.0, 2.0, 2, math.sqrt(4 / 3)),
        (2, 1.0, 2.0, 1, 1.0),
        # Four others on sixteen processors: 16 * 16 / 20, and the 12 that they leave.
        (16, 1.0, 5.0, 16, math.sqrt(12.8 * 12)),
        # A thread waited now and then, but processors were idle: it is not told that there is no room.
        (16, 0.8, 1.0, 8, 8.0),
    ],
)
def test_processors_that_threads_get(processors, one, busy, threads, got):
    alone = min(threads, processors)
    share = Contention(processors, one, busy).share(threads)
    assert share * alone == pytest.approx(got, rel=0.02)


@given(st.integers(1, 64), st.floats(1e-3, 1), st.floats(0, 1), st.integers(1, 64))
def test_a_share_is_a_share(processors, one, busy, threads):
    assert 0 < Contention(processors, one, busy * processors).share(threads) <= 1 + 1e-9


@pytest.mark.parametrize(
    ("beside", "took", "worked", "alone"),
    [
        (Contention(2, 0.5, 2.0), 40.0, 14.0, 7.0),  # two threads worked 7 s each
        (
            Contention(2, 0.5, 2.0),
            6.0,
            14.0,
            6.0,
        ),  # a third one worked, too: never more than it took
        (Contention(2), 40.0, 14.0, 40.0),  # nothing else ran: it waited for its disk
    ],
)
def test_time_without_the_others(beside, took, worked, alone):
    assert beside.alone(took, worked, 2) == alone


class TestNow:
    @pytest.fixture(autouse=True)
    def machine(self, monkeypatch, tmp_path):
        """Two busy processors; the main thread worked 300 ms and waited 100 ms."""
        self.told = tmp_path / "schedstat"
        self.told.write_text("300000000 100000000 17\n")
        monkeypatch.setattr(contention, "_SCHEDULED", self.told)
        monkeypatch.setattr(os, "cpu_count", lambda: 2)
        monkeypatch.setattr(psutil, "cpu_percent", lambda: 100.0)

    def test_what_the_system_tells(self):
        assert Contention.now() == Contention(2, 0.75, 2.0)

    @pytest.mark.parametrize("text", ["30000000 10000000 17\n", "0 0 0\n", "", "no numbers\n"])
    def test_what_tells_too_little(self, text):
        self.told.write_text(text)
        assert Contention.now() == Contention(2)

    def test_other_systems(self):
        self.told.unlink()
        assert Contention.now() == Contention(2)

    def test_another_thread_does_not_know(self):
        found = []
        thread = threading.Thread(target=lambda: found.append(Contention.now()))
        thread.start()
        thread.join()
        assert found == [Contention(2)]
