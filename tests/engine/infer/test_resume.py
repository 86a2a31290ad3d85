"""Runs that end in the middle, and the ones that go on: the outputs are those of an uninterrupted run."""

import os
import random
import re

import numpy as np
import pytest

from engine.errors import Cancelled, ClientGone
from engine.infer import model_inputs, survey
from engine.infer.detect_change import detect_change
from engine.infer.journal import KEPT_PREFIX
from engine.infer.segment import segment
from engine.jobs import ChangeJob, SegmentJob
from tests.engine.infer.killed_runs import KILLS, Run, contents, survive_kills, whole_run

RNG = np.random.default_rng(11)
IMAGE = RNG.random((3, 90, 40), np.float32)
OTHER = RNG.random((3, 90, 40), np.float32)
SEED = 20261125


@pytest.fixture
def reads(monkeypatch):
    """Counts the windows that are read for the map, not those of the look before it."""
    monkeypatch.setattr(survey, "MOST", 0)
    seen = []
    read = model_inputs.Scene.read
    monkeypatch.setattr(
        model_inputs.Scene,
        "read",
        lambda self, window: (seen.append(window), read(self, window))[1],
    )
    return seen


class Verbs:
    """The two verbs on the same small scene, into folders of one name length, as paths are in the metadata."""

    def __init__(self, tmp_path, make_raster, segmenter, change_detector):
        self.tmp_path = tmp_path
        self.raster, self.other = make_raster(IMAGE), make_raster(OTHER, "other.tif")
        self.segmenter, self.change_detector = segmenter(), change_detector()

    def run(self, verb, folder, progress, **changes):
        folder.mkdir(exist_ok=True)
        fields = {
            "output": str(folder / "map.tif"),
            "output_vector": str(folder / "map.gpkg"),
            "areas": str(folder / "areas.csv"),
            "device": "cpu",
            "threads": 1,
            **changes,
        }
        if verb == "segment":
            job = SegmentJob(input=self.raster, model=self.segmenter, **fields)
            return segment(job, progress)
        job = ChangeJob(before=self.raster, after=self.other, model=self.change_detector, **fields)
        return detect_change(job, progress)


@pytest.fixture
def verbs(tmp_path, make_raster, segmenter, change_detector):
    return Verbs(tmp_path, make_raster, segmenter, change_detector)


def kept(folder):
    return folder / f"{KEPT_PREFIX}map.tif"


@pytest.mark.parametrize("overlap", [0, 25, 75])
@pytest.mark.parametrize("verb", ["segment", "detect-change"])
def test_a_run_that_lost_its_client_goes_on_and_the_outputs_are_the_same(
    verbs, verb, overlap, gone, recorder, tmp_path
):
    """Stopped after each of 1, 10, 19 ... looks, at the windows, at the map and at the polygons."""
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    expected = verbs.run(verb, whole, recorder(), overlap=overlap)
    for after in range(1, 400, 9):
        progress = gone(after)
        try:
            result = verbs.run(verb, parts, progress, overlap=overlap)
            break
        except ClientGone:
            assert {path.name for path in parts.iterdir()} == {kept(parts).name}
    assert contents(parts) == contents(whole)
    assert result["windows"] == expected["windows"]
    assert result["areas"] == expected["areas"]
    assert result["threshold"] == expected["threshold"]
    told = " ".join(progress.texts("log"))
    assert re.search(r"Resuming the previous run: [1-9]\d of 90 rows are done", told)


def test_only_the_windows_that_reach_below_the_finished_rows_are_read_again(
    verbs, gone, recorder, reads, tmp_path
):
    """Windows of 16 with a step of 12 over 90 x 40: rows at 0, 12 .. 72, 74; a row of three windows is one read.

    The client is gone at the first window of the fifth row: the rows above the fourth one, at 36, are final, and
    the third row of windows, at 24, is the first that reaches below them.
    """
    folder = tmp_path / "out"
    with pytest.raises(ClientGone):
        verbs.run("segment", folder, gone(4 * 3))
    reads.clear()
    progress = recorder()
    verbs.run("segment", folder, progress)
    assert "previous run: 36 of 90 rows" in " ".join(progress.texts("log"))
    tops = [window.row_off for window in reads]
    assert tops == [24, 36, 48, 60, 72, 74]
    assert [window.width for window in reads] == [24 + 16] * 6


@pytest.mark.parametrize("rows", [(0, 30), (41, 66), (80, 90)])
def test_an_area_that_does_not_begin_at_the_top(verbs, gone, recorder, rows, tmp_path):
    top, bottom = (4_600_000 - 10 * row for row in rows)
    extent = (500_000.0, float(bottom), 500_300.0, float(top))
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    expected = verbs.run("segment", whole, recorder(), extent=extent)
    for after in range(1, 100, 2):
        try:
            result = verbs.run("segment", parts, gone(after), extent=extent)
            break
        except ClientGone:
            pass
    assert contents(parts) == contents(whole)
    assert result["windows"] == expected["windows"]


class TestWhatIsKept:
    @pytest.fixture
    def folder(self, verbs, gone, tmp_path):
        """Where a run stopped half-way."""
        folder = tmp_path / "out"
        with pytest.raises(ClientGone):
            verbs.run("segment", folder, gone(13))
        assert kept(folder).exists()
        return folder

    def goes_on(self, verbs, folder, recorder, **changes):
        progress = recorder()
        verbs.run("segment", folder, progress, **changes)
        assert {path.name for path in folder.iterdir()} == {
            "map.tif", "map.tif.aux.xml", "map.gpkg", "areas.csv",
        }  # fmt: skip
        return any(text.startswith("Resuming") for text in progress.texts("log"))

    def test_serves_the_same_job(self, verbs, folder, recorder):
        assert self.goes_on(verbs, folder, recorder)

    def test_serves_no_job_with_other_parameters(self, verbs, folder, recorder):
        assert not self.goes_on(verbs, folder, recorder, overlap=50)

    def test_serves_no_job_on_a_raster_that_was_written_since(self, verbs, folder, recorder):
        os.utime(verbs.raster, (1, 1))
        assert not self.goes_on(verbs, folder, recorder)

    def test_is_not_used_where_that_is_not_wanted(self, verbs, folder, recorder):
        assert not self.goes_on(verbs, folder, recorder, resume=False)

    def test_goes_when_the_user_cancels(self, verbs, folder, recorder):
        with pytest.raises(Cancelled):
            verbs.run("segment", folder, recorder(cancel_after=1))
        assert list(folder.iterdir()) == []

    def test_is_not_written_where_that_is_not_wanted(self, verbs, gone, tmp_path):
        folder = tmp_path / "plain"
        with pytest.raises(ClientGone):
            verbs.run("segment", folder, gone(13), resume=False)
        assert list(folder.iterdir()) == []


@pytest.mark.parametrize("verb", ["segment", "detect-change"])
def test_twenty_kills_at_random_moments(verb, tmp_path, make_raster, segmenter, change_detector):
    """Each run is killed up to a fifth of a whole run after its first window; complete ones begin again."""
    chance = random.Random(SEED)
    values = np.random.default_rng(SEED).random((2, 3, 2400, 60), np.float32)
    first, second = (make_raster(date, f"{place}.tif") for place, date in enumerate(values))
    model = segmenter() if verb == "segment" else change_detector()
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir()
    parts.mkdir()

    def start(folder):
        names = {"output": "map.tif", "areas": "areas.csv"}
        outputs = {field: str(folder / name) for field, name in names.items()}
        given = {**outputs, "device": "cpu", "threads": 1}
        if verb == "segment":
            return Run(SegmentJob(first, model, confidence=str(folder / "sure.tif"), **given))
        return Run(ChangeJob(first, second, model, probability=str(folder / "change.tif"), **given))

    expected, seconds = whole_run(start(whole), whole)

    def same():
        assert contents(parts) == expected, f"seed {SEED}"

    went_on = survive_kills(lambda: start(parts), parts, same, chance, seconds)
    assert went_on >= KILLS // 2
