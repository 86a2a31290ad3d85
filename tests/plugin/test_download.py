"""Downloads from a local server: complete, resumed, cut off, refused, changed, cancelled."""

from __future__ import annotations

import hashlib
import random

import pytest
from qgis.core import QgsApplication

from spectralgpt_qgis.tasks import download
from spectralgpt_qgis.tasks.download import DownloadTask
from tests.plugin.file_server import FileServer
from tests.plugin.waiting import wait

CONTENT = random.Random(1).randbytes(700_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server(qgis_app, monkeypatch):
    monkeypatch.setattr(download, "_PAUSE", 20)
    made = FileServer(CONTENT)
    yield made
    made.close()


@pytest.fixture
def fetch(server, tmp_path):
    """Downloads in a QGIS task; returns the signal at its end and the signal's arguments."""

    def run(path="/file", during=None, **options):
        task = DownloadTask("Download", server.address + path, tmp_path / "to" / "a.pth", **options)
        told = []
        task.succeeded.connect(lambda result: told.append(("succeeded", result)))
        task.failed.connect(lambda message, details: told.append(("failed", message)))
        task.stopped.connect(lambda: told.append(("stopped", "")))
        if during:
            task.advanced.connect(lambda *amounts: during(task, *amounts))
        QgsApplication.taskManager().addTask(task)
        wait(lambda: told, 30)
        return told[0]

    return run


@pytest.fixture
def files(tmp_path):
    return lambda: {path.name: path.read_bytes() for path in (tmp_path / "to").iterdir()}


def test_a_file_comes_whole_and_alone(fetch, files, server):
    seen = []
    ending, path = fetch(
        sha256=SHA256.upper(), size=len(CONTENT), during=lambda task, *amounts: seen.append(amounts)
    )
    assert ending == "succeeded"
    assert path.name == "a.pth"
    assert files() == {"a.pth": CONTENT}
    assert seen[-1] == (700_000, 700_000)
    assert server.requests == [("/file", "")]


def test_a_connection_that_breaks_is_taken_up_where_it_broke(fetch, files, server):
    server.cut = [100_000, 250_000]
    assert fetch(sha256=SHA256)[0] == "succeeded"
    assert files() == {"a.pth": CONTENT}
    assert [asked for _, asked in server.requests] == ["", "bytes=100000-", "bytes=350000-"]


def test_what_came_is_kept_until_the_next_time(fetch, files, server):
    server.cut = [100_000] + [0] * 10
    ending, message = fetch()
    assert ending == "failed"
    assert "interrupted" in message
    assert files()["a.pth.part"] == CONTENT[:100_000]
    assert "a.pth" not in files()
    server.cut, server.requests = [], []
    assert fetch(sha256=SHA256)[0] == "succeeded"
    assert server.requests == [("/file", "bytes=100000-")]
    assert files() == {"a.pth": CONTENT}


def test_a_file_that_changed_meanwhile_begins_anew(fetch, files, server):
    server.cut = [100_000] + [0] * 10
    fetch()
    server.content, server.etag, server.cut = CONTENT[::-1], '"v2"', []
    assert fetch()[0] == "succeeded"
    assert files() == {"a.pth": CONTENT[::-1]}


def test_a_server_without_ranges_begins_anew(fetch, files, server):
    server.ranges, server.cut = False, [100_000]
    assert fetch(sha256=SHA256)[0] == "succeeded"
    assert files() == {"a.pth": CONTENT}


def test_a_part_that_is_already_whole(fetch, files, server, tmp_path):
    server.cut = [100_000] + [0] * 10
    fetch()
    (tmp_path / "to" / "a.pth.part").write_bytes(CONTENT)
    server.cut = []
    assert fetch(sha256=SHA256)[0] == "succeeded"
    assert files() == {"a.pth": CONTENT}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"sha256": "0" * 64}, "not the published one"),
        ({"size": 5}, "700000 bytes instead of 5"),
    ],
)
def test_what_is_not_as_published_is_removed(fetch, files, options, told):
    ending, message = fetch(**options)
    assert ending == "failed"
    assert told in message
    assert files() == {}


def test_a_redirect_is_followed_with_its_range(fetch, files, server):
    server.cut = [100_000]
    assert fetch("/moved", sha256=SHA256)[0] == "succeeded"
    assert server.requests[-1] == ("/file", "bytes=100000-")
    assert files() == {"a.pth": CONTENT}


def test_an_address_without_a_file(fetch, files, server):
    ending, message = fetch("/none")
    assert ending == "failed"
    assert "(404)" in message
    assert files() == {}
    assert len(server.requests) == 1


def test_a_server_that_is_not_there(fetch, files, server):
    server.close()
    ending, message = fetch()
    assert ending == "failed"
    assert "could not start" in message
    assert "proxy" in message
    assert files() == {}


def test_a_cancel_is_prompt_and_keeps_the_part(fetch, files, server):
    server.slow = 0.05
    ending, _ = fetch(during=lambda task, *_: task.cancel())
    assert ending == "stopped"
    assert "a.pth" not in files()
    assert 0 < len(files()["a.pth.part"]) < len(CONTENT)
    server.slow = 0
    assert fetch(sha256=SHA256)[0] == "succeeded"


def test_other_addresses_are_refused(qgis_app, tmp_path):
    task = DownloadTask("Download", "file:///etc/hosts", tmp_path / "a.pth")
    told = []
    task.failed.connect(lambda message, details: told.append(message))
    task.finished(task.run())
    assert "must begin with https://" in told[0]
