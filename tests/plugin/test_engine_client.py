"""The client with tiny fake engines, each with one kind of misbehaviour."""

from __future__ import annotations

import threading
import time

import pytest

from spectralgpt_qgis.engine_client import EngineClient, EngineFailed
from spectralgpt_qgis.job_failure import last_failure
from tests.plugin.scripted_engine import is_running
from tests.plugin.waiting import wait

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


def test_sentences_of_a_result_are_put_into_the_users_language_and_names_are_not(engine):
    result = {"values": "a", "nodata": "b", "remark": "c", "name": "d", "nested": [{"reason": "e"}]}
    client = engine('say(event="result", **job["parameters"])', words=str.upper)
    told = {"values": "A", "nodata": "B", "remark": "C", "name": "d", "nested": [{"reason": "E"}]}
    assert client.run("x", result) == told


# -- failures --------------------------------------------------------------------------------------


def test_the_engines_own_error_has_its_three_parts(engine):
    client = engine('say(event="error", kind="BandMismatch", message="B05 missing", details="...")')
    with pytest.raises(EngineFailed) as failure:
        client.run("segment", {})
    assert (failure.value.kind, str(failure.value)) == ("BandMismatch", "B05 missing")
    assert failure.value.details == "..."


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
    wait(lambda: not is_running(int((tmp_path / "pid").read_text())), 5)


def test_an_error_in_a_callback_ends_the_engine(engine, started):
    client = engine('say(event="log", message="x"); wait()')

    def fail(message):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        client.run("segment", {}, on_log=fail)
    assert started[0].poll() is not None


def test_what_a_library_says_of_an_address_shows_no_login(engine):
    client = engine(
        """
sys.stderr.write("HTTP 403: /vsicurl/https://me:pw@host/a.tif?sig=abc")
sys.stderr.flush()
os._exit(3)
"""
    )
    with pytest.raises(EngineFailed) as failed:
        client.run("x", {})
    assert "HTTP 403: /vsicurl/https://***@host/a.tif?sig=***" in failed.value.details


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


@pytest.mark.parametrize("name", ["GDAL_HTTP_BEARER", "CPL_VSIL_CURL_USE_HEAD"])
def test_what_opens_a_web_raster_in_qgis_opens_it_in_the_engine(engine, monkeypatch, name):
    monkeypatch.setenv(name, "as in QGIS")
    client = engine('say(event="result", variables=dict(os.environ))')
    assert client.run("x", {})["variables"].get(name) == "as in QGIS"
