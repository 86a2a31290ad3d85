"""What goes wrong while a map is made ends all that works for it before its rasters are closed."""

import threading

import numpy as np
import pytest

from engine.data.source import RasterSource
from engine.errors import DiskFull
from engine.infer.detect_change import detect_change
from engine.infer.scores import ScoreFile
from engine.infer.segment import segment
from engine.infer.writer import RasterWriter
from engine.jobs import ChangeJob, SegmentJob

IMAGE = np.random.default_rng(5).random((3, 200, 53), np.float32)


@pytest.fixture
def readers(monkeypatch):
    """For each raster that was closed, whether a thread might still have been reading it."""
    close, seen = RasterSource.close, []

    def closed(self):
        seen.append(any(thread.name == "read-ahead" for thread in threading.enumerate()))
        close(self)

    monkeypatch.setattr(RasterSource, "close", closed)
    return seen


def full(*arguments):
    raise DiskFull("The disk is full.")


def test_nobody_reads_a_raster_that_is_closed_when_a_map_cannot_be_written(
    readers, segmenter, make_raster, folder, recorder, monkeypatch
):
    """GDAL would end the whole process, and nobody would hear that the disk is full."""
    monkeypatch.setattr(RasterWriter, "write", full)
    job = SegmentJob(
        input=make_raster(IMAGE),
        model=segmenter(),
        output=str(folder / "map.tif"),
        device="cpu",
        threads=1,
    )
    with pytest.raises(DiskFull):
        segment(job, recorder())
    assert readers == [False]


def test_nobody_reads_dates_that_are_closed_when_scores_cannot_be_kept(
    readers, change_detector, make_raster, folder, recorder, monkeypatch
):
    monkeypatch.setattr(ScoreFile, "write", full)
    job = ChangeJob(
        before=make_raster(IMAGE, "before.tif"),
        after=make_raster(IMAGE[::-1].copy(), "after.tif"),
        model=change_detector(),
        output=str(folder / "change.tif"),
        device="cpu",
        threads=1,
    )
    with pytest.raises(DiskFull):
        detect_change(job, recorder())
    assert readers == [False, False]
