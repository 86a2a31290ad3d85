"""Logins and access keys in the addresses of rasters stay out of files that are handed on."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from engine.infer.provenance import provenance
from engine.jobs import SegmentJob
from engine.logins import file_name, without_secrets
from engine.report.command import command_line

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
        ("PG: host=h user=u password=p q=1", "PG: host=h user=u password=*** q=1"),
        ("PG:dbname='g' password='p q' mode=2", "PG:dbname='g' password=*** mode=2"),
    ],
)  # fmt: skip
def test_what_is_left_out(given, shown):
    assert without_secrets(given) == shown
    assert json.loads(without_secrets(json.dumps({"input": given}))) == {"input": shown}


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
        assert "anna" not in text and "secret" not in text and "abc" not in text
