import io
import json
import os
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

from engine.errors import BandMismatch, Cancelled, ClientGone
from engine.protocol import EventStream, serve


def run(line, work, rest=""):
    out = io.StringIO()
    code = serve(io.StringIO(line + "\n" + rest), EventStream(out), work)
    return code, [json.loads(text) for text in out.getvalue().splitlines()]


def held_open():
    """A stdin that stays open after the job, as a client's does."""
    read, write = os.pipe()
    return os.fdopen(read), os.fdopen(write, "w")


def test_a_job_ends_with_its_result():
    stdin, client = held_open()
    out = io.StringIO()
    client.write('{"verb": "x"}\n')
    client.flush()

    def work(job, progress):
        progress.update(0.5, "half")
        return {"outputs": {"verb": job["verb"]}}

    assert serve(stdin, EventStream(out), work) == 0
    events = [json.loads(text) for text in out.getvalue().splitlines()]
    assert [event["event"] for event in events] == ["progress", "result"]
    assert events[-1]["outputs"] == {"verb": "x"}
    client.close()


def test_an_engine_error_is_told_by_kind_message_and_details():
    def work(job, progress):
        raise BandMismatch("B11 is missing. Give BANDS.", details="3 bands")

    code, events = run("{}", work)
    assert code == 1
    assert events[-1] == {
        "event": "error",
        "kind": "BandMismatch",
        "message": "B11 is missing. Give BANDS.",
        "details": "3 bands",
    }


def test_an_unexpected_error_carries_its_traceback():
    code, events = run("{}", lambda job, progress: {}["nothing"])
    assert code == 1
    assert (events[-1]["event"], events[-1]["kind"]) == ("error", "Unexpected")
    assert "KeyError" in events[-1]["details"]


def test_a_line_that_is_no_json_object_is_bad_usage():
    for line in ("segment", "[1, 2]", ""):
        code, events = run(line, lambda job, progress: {})
        assert code == 2
        assert events[-1]["kind"] == "InvalidParameter"
        assert len(events) == 1


def slow_work(started):
    def work(job, progress):
        started.set()
        for _ in range(500):
            progress.check()
            time.sleep(0.01)
        return {}

    return work


def test_a_client_that_is_gone_is_told_from_one_that_cancels():
    for farewell, expected in (('{"cancel": true}\n', Cancelled), ("", ClientGone)):
        raised = []

        def work(job, progress, raised=raised):
            try:
                slow_work(threading.Event())(job, progress)
            except Cancelled as error:
                raised.append(type(error))
                raise

        assert run("{}", work, farewell)[0] == 130
        assert raised == [expected]


def test_the_cancel_line_and_the_end_of_stdin_both_cancel():
    for farewell in ('{"cancel": true}\n', None):
        stdin, client = held_open()
        client.write("{}\n")
        client.flush()
        out, started, codes = io.StringIO(), threading.Event(), []
        server = threading.Thread(
            target=lambda i=stdin, o=out, s=started, c=codes: c.append(
                serve(i, EventStream(o), slow_work(s))
            )
        )
        server.start()
        assert started.wait(5)
        if farewell:
            client.write(farewell)
            client.flush()
        else:
            client.close()
        server.join(2)
        assert not server.is_alive()
        assert codes == [130]
        assert [json.loads(text) for text in out.getvalue().splitlines()] == [
            {"event": "cancelled"}
        ]


def test_progress_that_tells_the_same_is_told_ten_times_a_second_at_most(monkeypatch):
    """The clock stands still but for one step of 0.2 s; other words, and the end, are told at once."""
    now = [100.0]
    monkeypatch.setattr("engine.protocol.time", SimpleNamespace(monotonic=lambda: now[0]))
    stream = io.StringIO()
    events = EventStream(stream)
    for number in range(100):
        events.update(number / 1000, "rows")
    now[0] += 0.2
    for number in range(100, 200):
        events.update(number / 1000, "rows")
    events.update(0.2, "polygons")
    events.update(1.0, "polygons")
    told = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [event["fraction"] for event in told] == [0.0, 0.1, 0.2, 1.0]


def test_a_figure_that_is_no_number_is_told_as_null():
    """As one in the card of a model from elsewhere, which would leave the list of models without an answer."""
    card = {"accuracy": {"miou": float("nan"), "classes": [0.5, float("inf")]}}
    code, events = run("{}", lambda job, progress: {"models": [card]})
    assert code == 0
    assert events == [
        {"event": "result", "models": [{"accuracy": {"miou": None, "classes": [0.5, None]}}]}
    ]


def test_a_path_that_is_no_utf8_comes_back_as_it_was():
    """As archives from Windows leave them on Linux: the name's bytes, each half a character."""
    name = b"Ma\xdfstab.tif".decode("utf-8", "surrogateescape")
    code = (
        "import sys\n"
        "from engine.protocol import EventStream, report, stdout_for_events\n"
        "with stdout_for_events() as stream:\n"
        "    sys.exit(report(EventStream(stream), lambda told: {'path': sys.argv[1]}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, name], stdout=subprocess.PIPE, check=True)
    assert json.loads(done.stdout) == {"event": "result", "path": name}
