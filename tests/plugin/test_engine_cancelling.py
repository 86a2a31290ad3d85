"""Cancels, with fake engines that stop by themselves or have to be killed."""

from __future__ import annotations

import signal
import sys
import threading
import time

import pytest

from spectralgpt_qgis.engine_client import EngineCancelled, EngineClient
from tests.plugin.scripted_engine import is_running
from tests.plugin.waiting import wait


def test_cancel_from_another_thread_is_prompt(engine, started):
    client = engine('say(event="log", message="x"); wait()')
    asked = []

    def cancel_soon(message):
        threading.Timer(0.1, lambda: (asked.append(time.monotonic()), client.cancel())).start()

    with pytest.raises(EngineCancelled):
        client.run("segment", {}, on_log=cancel_soon)
    assert time.monotonic() - asked[0] < 1
    assert started[0].returncode == 130


def test_cancel_by_polling_while_the_engine_is_silent(engine):
    client = engine("wait()")
    began = time.monotonic()
    with pytest.raises(EngineCancelled):
        client.run("segment", {}, is_cancelled=lambda: time.monotonic() - began > 0.3)
    assert time.monotonic() - began < 1.5


def test_cancel_before_the_start_is_not_lost(engine):
    client = engine("wait()")
    client.cancel()
    with pytest.raises(EngineCancelled):
        client.run("segment", {})


def test_an_engine_that_does_not_listen_is_killed_with_its_workers(engine, tmp_path, started):
    client = engine(
        """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open(job["parameters"]["pid"], "w").write(str(child.pid))
say(event="log", message="x")
time.sleep(60)
""",
        grace=0.5,
    )
    began = time.monotonic()
    with pytest.raises(EngineCancelled):
        client.run("x", {"pid": str(tmp_path / "pid")}, on_log=lambda _: client.cancel())
    assert time.monotonic() - began < 3
    assert started[0].returncode == -signal.SIGKILL
    wait(lambda: not is_running(int((tmp_path / "pid").read_text())), 5)


KEEPS = """
import signal
say(event="state", rounds=9)
say(event="state", keeps=True)
wait_for_cancel = sys.stdin.readline
while wait_for_cancel():
    pass
time.sleep(1)
say(event="result", cancelled=True)
"""


def test_an_engine_that_keeps_what_there_is_has_time_to_write_it(engine):
    """Writing takes 1 s, which is more than the grace period."""
    client = engine(KEEPS, grace=0.2)
    facts = []

    def hear(told):
        facts.append(told)
        if told.get("keeps"):
            client.cancel()

    assert client.run("finetune", {}, on_state=hear) == {"cancelled": True}
    assert facts == [{"rounds": 9}, {"keeps": True}]


@pytest.mark.parametrize("by", ["client", "caller"])
def test_a_second_cancel_does_not_wait_for_it(engine, by, started):
    client = engine(KEEPS.replace("sleep(1)", "sleep(60)"), grace=0.2)
    began = time.monotonic()
    late = lambda: time.monotonic() - began > 1  # noqa: E731
    if by == "client":
        threading.Timer(1, client.cancel).start()
    with pytest.raises(EngineCancelled):
        client.run(
            "finetune",
            {},
            on_state=lambda told: client.cancel() if told.get("keeps") else None,
            is_abandoned=late if by == "caller" else None,
        )
    assert 0.9 < time.monotonic() - began < 5
    assert started[0].returncode not in (0, None)


def test_all_jobs_are_ended_at_once(engine, started):
    client = engine(KEEPS.replace("sleep(1)", "sleep(60)"))
    began = time.monotonic()
    with pytest.raises(EngineCancelled):
        client.run("finetune", {}, on_state=lambda told: EngineClient.abandon_all())
    assert time.monotonic() - began < 5
    EngineClient.abandon_all()  # without running jobs


def test_a_job_larger_than_the_pipe_to_an_engine_that_never_reads(tmp_path):
    (tmp_path / "engine").mkdir()
    (tmp_path / "engine" / "__main__.py").write_text("import time; time.sleep(60)")
    client = EngineClient(sys.executable, root=tmp_path, grace=0.3)
    began = time.monotonic()
    with pytest.raises(EngineCancelled):
        client.run(
            "x", {"inputs": ["x" * 10_000_000]}, is_cancelled=lambda: time.monotonic() > began + 0.3
        )
    assert time.monotonic() - began < 3
