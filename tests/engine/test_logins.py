"""Logins and access keys in the addresses of rasters stay out of files that are handed on."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace

import pytest

from engine.errors import RasterUnreadable
from engine.infer.provenance import provenance
from engine.infer.scene_table import SceneTable
from engine.jobs import SegmentJob
from engine.logins import file_name, without_secrets
from engine.protocol import EventStream, report
from engine.report.command import command_line
from engine.report.document import Code, Section, Text, write
from engine.terminal import Terminal
from engine.train.unfinished_run import FILE, UnfinishedRun

ADDRESS = "/vsicurl/https://anna:secret@host/scene.tif?sv=1&sig=abc%2Bd&se=2"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("/data/scene.tif", "/data/scene.tif"),
        ("C:\\data\\key=1\\scene.tif", "C:\\data\\key=1\\scene.tif"),
        (
            ADDRESS,
            "/vsicurl/https://***@host/scene.tif?sv=1&sig=***&se=2",
        ),
        ("https://host/a.tif?X-Amz-Signature=f0&X-Amz-Date=1", "https://host/a.tif?X-Amz-Signature=***&X-Amz-Date=1"),
        ("https://host/{z}/{x}/{y}.png?access_token=pk.1", "https://host/{z}/{x}/{y}.png?access_token=***"),
        ("it is /vsicurl/https://h/a.tif?sig=a.b. Check it.", "it is /vsicurl/https://h/a.tif?sig=***. Check it."),
        (
            "/vsicurl?header.Authorization=Bearer%20x&url=https%3A%2F%2Fme%3Apw%40h%2Fa.tif%3Fsig%3Dabc%26se%3D2",
            "/vsicurl?header.Authorization=***&url=https%3A%2F%2F***@h%2Fa.tif%3Fsig%3D***%26se%3D2",
        ),
        ("/data/pass=3/token=4/map.tif", "/data/pass=3/token=4/map.tif"),
        ("PG: host=h user=u password=p q=1", "PG: host=h user=u password=*** q=1"),
        ("PG:dbname='g' password='p q' mode=2", "PG:dbname='g' password=*** mode=2"),
    ],
)  # fmt: skip
def test_what_is_left_out(given, shown):
    assert without_secrets(given) == shown
    assert json.loads(without_secrets(json.dumps({"input": given}))) == {"input": shown}


def is_clean(text):
    return not any(secret in text for secret in ("anna", "secret@", "abc"))


def test_names_in_reports_and_cards():
    assert file_name(ADDRESS) == "scene.tif?sv=1&sig=***&se=2"
    assert file_name("/data/labels.gpkg|layername=a/b") == "labels.gpkg"


def test_neither_a_map_nor_a_report_tells_a_login():
    job = SegmentJob(input=ADDRESS, model="landcover", output="map.tif")
    card = SimpleNamespace(name="", title="", version="", licence="", attribution="")
    model = SimpleNamespace(card=card, sha256="")
    told = str(provenance(job, model, SimpleNamespace(device="cpu", name="stub")))
    for text in (told, command_line(job)):
        assert "***@host/scene.tif" in text
        assert is_clean(text)


def test_a_command_says_what_it_lacks():
    note, command = command_line(
        SegmentJob(input=ADDRESS, model="m", output="map.tif")
    ).splitlines()
    assert note.startswith("# *** stands for a login")
    assert command.startswith("python -m engine segment --input")
    plain = command_line(SegmentJob(input="scene.tif", model="m", output="map.tif"))
    assert plain.startswith("python -m engine segment")


@pytest.mark.parametrize("as_lines", [True, False])
def test_no_event_tells_a_login(as_lines, capsys):
    def work(progress):
        progress.update(0.5, f"Reading {ADDRESS}")
        progress.log(f"{ADDRESS}: found")
        progress.warning(f"{ADDRESS}: odd")
        progress.state(rasters=[ADDRESS], by={ADDRESS: 1})
        return {"outputs": {"output": "/data/pass=1/map.tif"}, "warnings": (ADDRESS,)}

    def fail(progress):
        raise RasterUnreadable(
            f"The raster {ADDRESS} cannot be opened.", details=f"HTTP 403: {ADDRESS}"
        )

    stream = io.StringIO()
    for doing in (work, fail):
        report(EventStream(stream) if as_lines else Terminal(), doing)
    shown = stream.getvalue() + "".join(capsys.readouterr())
    assert shown.count("***@host/scene.tif") >= 5
    assert "/data/pass=1/map.tif" in shown
    assert is_clean(shown)


def test_no_report_tells_a_login(tmp_path):
    write(tmp_path / "report.html", ADDRESS, "", [Section("", [Text([ADDRESS]), Code(ADDRESS)])])
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert text.count("***@host/scene.tif") >= 3
    assert is_clean(text)


def test_the_table_of_a_batch_tells_no_login(tmp_path):
    table = SceneTable(tmp_path, ["scene"])
    table.failed("scene", [ADDRESS], f"The raster {ADDRESS} cannot be opened.")
    for file in tmp_path.iterdir():
        text = file.read_text(encoding="utf-8")
        assert "***@host/scene.tif" in text
        assert is_clean(text)


def test_an_unfinished_run_is_found_again_with_a_new_signature(tmp_path):
    settings = {"inputs": (ADDRESS,)}
    UnfinishedRun(str(tmp_path), settings, [ADDRESS]).write([])
    assert is_clean((tmp_path / FILE).read_text(encoding="utf-8"))
    renewed = {"inputs": (ADDRESS.replace("abc", "xyz"),)}
    assert UnfinishedRun(str(tmp_path), renewed).stages == ()
