"""What a run shows to people."""

import io
import json
import sys

import pytest

from engine.terminal import Terminal


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_a_result_is_json_whatever_letters_the_output_has(monkeypatch, encoding):
    """Windows redirects to a file in the letters of its region: a title in Chinese must not end the run."""
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding))
    path = b"Ma\xdfstab.tif".decode("utf-8", "surrogateescape")
    result = {"title": "水体, Wälder", "path": path, "miou": float("nan")}
    Terminal().emit({"event": "result", **result})
    sys.stdout.flush()
    assert json.loads(written.getvalue().decode(encoding)) == {**result, "miou": None}
