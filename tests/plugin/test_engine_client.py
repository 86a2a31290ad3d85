"""The client against small fake engines, each misbehaving in one way, and against the real one."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from spectralgpt_qgis import child_process, engine_access
from spectralgpt_qgis.engine_client import EngineCancelled, EngineClient, EngineFailed
from spectralgpt_qgis.engine_exit import explain_exit
from spectralgpt_qgis.job_failure import last_failure

HEAD = """
import json, os, subprocess, sys, threading, time
job = json.loads(sys.stdin.readline())
def say(**event):
    print(json.dumps(event), flush=True)
"""
# Ends as the real engine does: at {"cancel": true} or at the end of stdin.
POLITE = """
def wait():
    for line in sys.stdin:
        if json.loads(line).get("cancel"):
            break
    say(event="cancelled")
    sys.exit(130)
"""


@pytest.fixture
def engine(tmp_path):
    """Return a function that makes a client of an engine with the given body."""

    def make(body, **options):
        package = tmp_path / "engine"
        package.mkdir(exist_ok=True)
        (package / "__init__.py").write_text("")
        (package / "__main__.py").write_text(HEAD + POLITE + body)
        return EngineClient(sys.executable, root=tmp_path, **options)

    return make


@pytest.fixture
def real():
    python = engine_access.status().python
    if python is None:
        pytest.fail("There is no engine to test with: run `make setup`, or set SPECTRALGPT_PYTHON.")
    return EngineClient(python)


@pytest.fixture
def started(monkeypatch):
    """The processes that the client started."""
    processes = []
    start = child_process.start

    def keep(*args, **kwargs):
        processes.append(start(*args, **kwargs))
        return processes[-1]

    monkeypatch.setattr(child_process, "start", keep)
    return processes


def is_running(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_for(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


# -- a job that goes well --------------------------------------------------------------------------


def test_events_reach_their_callbacks_and_the_result_is_returned(engine):
    client = engine(
        """
say(event="progress", fraction=0.25, message="reading", eta_s=31)
say(event="log", message="device: cpu")
say(event="warning", message="no CRS")
say(event="metric", name="val_miou", step=12, value=0.5)
say(event="result", outputs={"output": job["parameters"]["output"]}, verb=job["verb"])
"""
    )
    told = []
    result = client.run(
        "segment",
        {"output": "/tmp/Åre 漢字.tif"},
        on_progress=lambda *event: told.append(event),
        on_log=told.append,
        on_warning=told.append,
        on_metric=lambda *event: told.append(event),
    )
    assert result == {"outputs": {"output": "/tmp/Åre 漢字.tif"}, "verb": "segment"}
    assert told == [(0.25, "reading", 31), "device: cpu", "no CRS", ("val_miou", 12, 0.5)]


def test_progress_never_falls_and_stays_within_its_limits(engine):
    client = engine(
        """
for fraction in (0.1, 0.5, 0.3, "?", -1, 2.0):
    say(event="progress", fraction=fraction)
say(event="result")
"""
    )
    fractions = []
    client.run("segment", {}, on_progress=lambda fraction, *_: fractions.append(fraction))
    assert fractions == [0.1, 0.5, 0.5, 0.5, 0.5, 1.0]


def test_what_libraries_print_is_no_event(engine):
    client = engine(
        """
print("Welcome to a chatty library"); print("[1, 2]"); print('{"no": "event"}'); print("{")
sys.stdout.buffer.write(b"\\xff\\xfe\\n")
say(event="unheard of"); say(event="result", value=7)
"""
    )
    assert client.run("segment", {}) == {"value": 7}


def test_a_flood_of_errors_blocks_nobody(engine):
    client = engine(
        """
for number in range(100_000):
    sys.stderr.write(f"warning {number} {'x' * 80}\\n")
say(event="error", kind="Odd", message="given, expected, remedy")
"""
    )
    with pytest.raises(EngineFailed) as failure:
        client.run("segment", {})
    lines = failure.value.details.splitlines()
    assert len(lines) <= 200
    assert lines[-1].startswith("warning 99999 ")


def test_a_crash_after_the_result_is_not_a_failure(engine):
    client = engine('say(event="result", value=1); os.kill(os.getpid(), 11)')
    assert client.run("segment", {}) == {"value": 1}


def test_runs_in_any_thread_and_more_than_once(engine):
    client = engine('say(event="result", value=job["parameters"]["value"])')
    results = []
    for value in (1, 2):
        thread = threading.Thread(
            target=lambda value=value: results.append(client.run("x", {"value": value}))
        )
        thread.start()
        thread.join(10)
    assert results == [{"value": 1}, {"value": 2}]


# -- failures --------------------------------------------------------------------------------------


def test_the_engines_own_error_has_its_three_parts(engine):
    client = engine('say(event="error", kind="BandMismatch", message="B05 missing", details="...")')
    with pytest.raises(EngineFailed) as failure:
        client.run("segment", {})
    assert (failure.value.kind, str(failure.value)) == ("BandMismatch", "B05 missing")
    assert failure.value.details == "..."


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("os.kill(os.getpid(), 9)", "ran out of memory or was ended by the system"),
        ("os.kill(os.getpid(), 11)", "crashed in one of its libraries (SIGSEGV)"),
        ("sys.exit('the last words')", "Its last words: the last words"),
        ("import there_is_no_such_library", "'there_is_no_such_library' is missing"),
        ("raise MemoryError", "ran out of memory"),
        ("", "ended without an answer (exit code 0)"),
        ('say(event="cancelled")', "ended by another program"),
    ],
)
def test_an_engine_that_ends_without_an_answer_is_explained(engine, body, words):
    with pytest.raises(EngineFailed) as failure:
        engine(body).run("segment", {})
    assert failure.value.kind == "EngineDied"
    assert words in failure.value.message


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0xC0000005, "access violation"),
        (0xC0000135, "Visual C++ Redistributable"),
        (0xC0000017, "ran out of memory"),
        (137, "ran out of memory"),
        (None, "stopped answering"),
    ],
)
def test_exit_codes_in_words(code, words):
    assert words in explain_exit(code)


def test_the_memory_limit_reaches_the_engine_and_is_named_when_it_dies(engine):
    say_it = 'say(event="result", limit=os.environ.get("SPECTRALGPT_MEMORY"))'
    assert engine("import os\n" + say_it, memory=2048).run("segment", {}) == {"limit": "2048"}
    assert engine("import os\n" + say_it).run("segment", {}) == {"limit": None}
    with pytest.raises(EngineFailed, match="It may take 2048 MB of memory"):
        engine("import os\nos.abort()", memory=2048).run("segment", {})


def test_the_last_failure_is_remembered(engine):
    with pytest.raises(EngineFailed):
        engine('say(event="error", kind="BandMismatch", message="no B08")').run("classify", {})
    failure = last_failure()
    assert (failure.verb, failure.kind, failure.message) == ("classify", "BandMismatch", "no B08")


def test_a_missing_interpreter_is_said(tmp_path):
    with pytest.raises(EngineFailed) as failure:
        EngineClient(tmp_path / "python").run("segment", {})
    assert failure.value.kind == "EngineMissing"
    assert str(tmp_path / "python") in failure.value.message


def test_a_worker_that_outlives_the_engine_is_ended_and_not_waited_for(engine, tmp_path):
    client = engine(
        """
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open(job["parameters"]["pid"], "w").write(str(child.pid))
os._exit(1)
"""
    )
    began = time.monotonic()
    with pytest.raises(EngineFailed):
        client.run("segment", {"pid": str(tmp_path / "pid")})
    assert time.monotonic() - began < 3
    wait_for(lambda: not is_running(int((tmp_path / "pid").read_text())))


def test_an_error_in_a_callback_ends_the_engine(engine, started):
    client = engine('say(event="log", message="x"); wait()')

    def fail(message):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        client.run("segment", {}, on_log=fail)
    assert started[0].poll() is not None


# -- cancelling ------------------------------------------------------------------------------------


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
    wait_for(lambda: not is_running(int((tmp_path / "pid").read_text())))


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
    """It takes 1 s, which is more than its grace."""
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
    EngineClient.abandon_all()  # none is left


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


# -- the child's environment -----------------------------------------------------------------------


def test_nothing_of_qgis_leaks_into_the_engine(engine, tmp_path, monkeypatch):
    for name in (
        "PYTHONHOME",
        "PYTHONSTARTUP",
        "PROJ_LIB",
        "PROJ_DATA",
        "GDAL_DATA",
        "VIRTUAL_ENV",
    ):
        monkeypatch.setenv(name, "/wrong")
    for name in ("LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_INSERT_LIBRARIES", "QT_PLUGIN_PATH"):
        monkeypatch.setenv(name, "/wrong")
    monkeypatch.setenv("SSL_CERT_FILE", "/gone.pem")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    client = engine(
        """
say(event="result", variables=dict(os.environ), path=sys.path, utf8=sys.flags.utf8_mode,
    encoding=sys.stdout.encoding)
"""
    )
    result = client.run("x", {})
    assert "/wrong" not in result["variables"].values()
    assert "SSL_CERT_FILE" not in result["variables"]
    assert result["variables"]["OMP_NUM_THREADS"] == "3"
    assert (result["utf8"], result["encoding"]) == (1, "utf-8")
    assert str(tmp_path / "elsewhere") not in result["path"]
    assert "" not in result["path"]


# -- the real engine -------------------------------------------------------------------------------


def test_the_real_engine_answers(real):
    fractions = []
    result = real.run(
        "doctor", {"tier": "inference"}, on_progress=lambda fraction, *_: fractions.append(fraction)
    )
    assert "CPUExecutionProvider" in result["providers"]
    assert fractions == sorted(fractions)


def test_the_real_engine_refuses_a_wrong_parameter(real):
    with pytest.raises(EngineFailed) as failure:
        real.run("doctor", {"teir": "inference"})
    assert failure.value.kind == "InvalidParameter"
    assert "teir" in failure.value.message


def test_the_real_engine_killed_in_the_middle(real, started):
    """kill -9 from outside: an error in words, nothing left over, and the next job runs."""
    with pytest.raises(EngineFailed) as failure:
        real.run("doctor", {}, on_progress=lambda *_: os.kill(started[0].pid, signal.SIGKILL))
    assert "ran out of memory or was ended by the system" in failure.value.message
    assert real.run("models", {})["models"] is not None


def test_the_real_engine_is_cancelled_within_two_seconds(real):
    asked = []

    def cancel(*_):
        if not asked:
            asked.append(time.monotonic())
            real.cancel()

    with pytest.raises(EngineCancelled):
        real.run("doctor", {}, on_progress=cancel)
    assert time.monotonic() - asked[0] < 2
