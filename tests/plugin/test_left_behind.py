"""What happens to the finished rows of an interrupted run, with a stand-in for the engine."""

from __future__ import annotations

from pathlib import Path

import pytest
from qgis.core import (
    QgsProcessingException,
    QgsProcessingUtils,
)

from spectralgpt_qgis.engine_client import EngineCancelled, EngineFailed


def test_rows_of_a_killed_engine_wait_for_the_next_run(run, fake_engine, segmenting, tmp_path):
    rows = tmp_path / ".spectralgpt-resume-map.tif"
    rows.touch()
    fake_engine.failure = EngineFailed("EngineDied", "It was killed.")
    with pytest.raises(QgsProcessingException, match="It was killed"):
        run("segment", segmenting)
    assert "To continue, run the tool again" in run.feedback.textLog()
    assert rows.exists()


def test_rows_of_an_engine_that_was_killed_after_a_cancel_go(
    run, fake_engine, segmenting, tmp_path
):
    rows = tmp_path / ".spectralgpt-resume-map.tif"
    rows.touch()
    fake_engine.failure = EngineCancelled()
    assert run("segment", segmenting) == {}
    assert not rows.exists()


def test_nobody_goes_on_with_a_temporary_output(run, fake_engine, segmenting):
    """The temporary output of the next run has another name."""
    output = Path(QgsProcessingUtils.tempFolder()) / "map.tif"
    rows = output.with_name(".spectralgpt-resume-map.tif")
    rows.touch()
    fake_engine.failure = EngineFailed("EngineDied", "It was killed.")
    with pytest.raises(QgsProcessingException, match="It was killed"):
        run("segment", {**segmenting, "OUTPUT": str(output)})
    assert "To continue" not in run.feedback.textLog()
    assert not rows.exists()
