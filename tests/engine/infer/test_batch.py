"""Many scenes are each the map that a run of its own makes; a bad one stops no other."""

import json
import threading
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyogrio
import pytest
import rasterio

from engine.batch_jobs import BatchJob
from engine.errors import Cancelled, DeviceUnavailable, DiskFull, ModelInvalid, ScenesFailed
from engine.infer import backends, batch
from engine.infer.batch import AT_ONCE, _Pool, compute_scenes
from engine.infer.cluster import LOCAL
from engine.infer.scene_table import SceneTable
from engine.infer.segment import segment
from engine.jobs import SegmentJob
from engine.progress import Progress
from tests.engine.infer.maps import read

GENERATOR = np.random.default_rng(4)
IMAGES = {name: GENERATOR.random((3, 50, 40), np.float32) for name in "abc"}


@pytest.fixture
def rasters(make_raster):
    return [make_raster(values, f"{name}.tif") for name, values in IMAGES.items()]


@pytest.fixture
def asked(rasters, segmenter, folder):
    model = segmenter()

    def make(**changes):
        given = {"task": "segment", "model": model, "inputs": tuple(rasters), "device": "cpu"}
        given.update(output_folder=str(folder), threads=1, **changes)
        return BatchJob(**given)

    return make


@pytest.fixture
def opened(monkeypatch):
    """Models that were loaded."""
    loaded = []
    real = backends.fastest

    def fastest(path, *given):
        loaded.append(path)
        return real(path, *given)

    monkeypatch.setattr(backends, "fastest", fastest)
    return loaded


def test_every_scene_is_mapped_with_one_model(asked, folder, recorder, brightest, opened):
    result = compute_scenes(asked(beside=("confidence",)), recorder())
    assert result["scenes"] == {"a": "done", "b": "done", "c": "done"}
    for name, values in IMAGES.items():
        np.testing.assert_array_equal(read(folder / f"{name}.tif"), brightest(values))
        assert (folder / f"{name}_confidence.tif").exists()
    assert len(opened) == 1
    assert sorted(path.name for path in folder.glob("scenes.*")) == ["scenes.csv", "scenes.json"]


def test_a_table_that_a_spreadsheet_holds_ends_no_run(asked, folder, recorder, monkeypatch):
    """As Windows refuses it; the next run writes the table, and computes nothing again."""
    replace = Path.replace

    def refused(path, target):
        if Path(target).name == "scenes.csv":
            raise PermissionError(13, "held", str(target))
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", refused)
    progress = recorder()
    assert set(compute_scenes(asked(), progress)["scenes"].values()) == {"done"}
    (told,) = progress.texts("warning")
    assert "another program, such as a spreadsheet" in told
    assert not (folder / "scenes.csv").exists()
    monkeypatch.undo()
    assert set(compute_scenes(asked(), recorder())["scenes"].values()) == {"left out"}
    assert len((folder / "scenes.csv").read_text(encoding="utf-8-sig").splitlines()) == 4


def test_a_bad_scene_stops_no_other_and_is_named(asked, rasters, folder, recorder, tmp_path):
    bad = tmp_path / "bad.tif"
    bad.write_bytes(b"II*\0 no raster")
    job = asked()
    job = BatchJob(**{**vars(job), "inputs": (rasters[0], str(bad), rasters[2])})
    progress = recorder()
    with pytest.raises(
        ScenesFailed,
        match=r"1 of 3 scenes failed: bad: The raster .* cannot be opened",
    ):
        compute_scenes(job, progress)
    assert (folder / "a.tif").exists() and (folder / "c.tif").exists()
    assert not (folder / "bad.tif").exists()
    records = json.loads((folder / "scenes.json").read_text(encoding="utf-8"))
    assert [record["status"] for record in records.values()] == ["done", "failed", "done"]
    assert any(text.startswith("bad: The raster") for text in progress.texts("warning"))


def test_a_bug_in_one_scene_stops_no_other(asked, folder, recorder, monkeypatch):
    def work(job, progress):
        if job.input.endswith("a.tif"):
            raise ZeroDivisionError("by zero")
        return segment(job, progress)

    monkeypatch.setitem(batch._WORK, "segment", (work, "segmentation"))
    with pytest.raises(ScenesFailed, match=r"a: unexpected error \(ZeroDivisionError: by zero\)"):
        compute_scenes(asked(), recorder())
    assert (folder / "b.tif").exists()


def test_a_later_run_computes_what_is_left(asked, rasters, folder, recorder, monkeypatch):
    """After a run of two scenes, and after the second one's raster was changed, one of three is left out."""
    compute_scenes(BatchJob(**{**vars(asked()), "inputs": tuple(rasters[:2])}), recorder())
    with rasterio.open(rasters[1], "r+") as dataset:
        dataset.write(IMAGES["c"])
    done = []

    def work(job, progress):
        done.append(job.input)
        return segment(job, progress)

    monkeypatch.setitem(batch._WORK, "segment", (work, "segmentation"))
    progress = recorder()
    result = compute_scenes(asked(), progress)
    assert done == rasters[1:]
    assert result["scenes"] == {"a": "left out", "b": "done", "c": "done"}
    assert any(text.startswith("1 of 3 scenes were completed") for text in progress.texts("log"))
    compute_scenes(asked(), recorder())
    assert done == rasters[1:]
    compute_scenes(asked(resume=False), recorder())
    assert len(done) == 2 + 3


def test_a_cancel_keeps_the_finished_scenes(asked, folder, monkeypatch):
    class Stopped(Progress):
        stop = False

        def __init__(self):
            super().__init__(lambda: self.stop)

    progress = Stopped()

    def work(job, own):
        if job.input.endswith("b.tif"):
            progress.stop = True
        return segment(job, own)

    monkeypatch.setitem(batch._WORK, "segment", (work, "segmentation"))
    with pytest.raises(Cancelled):
        compute_scenes(asked(), progress)
    left = sorted(path.name for path in folder.iterdir() if not path.name.endswith(".xml"))
    assert left == ["a.tif", "scenes.csv", "scenes.json"]


def test_what_no_scene_can_do_without_is_told_at_once(asked, folder, recorder):
    with pytest.raises(ModelInvalid):
        compute_scenes(BatchJob(**{**vars(asked()), "model": "nothing.onnx"}), recorder())
    assert list(folder.iterdir()) == []


def test_scenes_are_labelled_too(rasters, scene_classifier, folder, recorder):
    given = {"device": "cpu", "threads": 1, "inputs": tuple(rasters)}
    compute_scenes(BatchJob("classify", scene_classifier(), str(folder), **given), recorder())
    assert len(pyogrio.raw.read(folder / "b.gpkg")[2]) > 0


def test_changes_are_found_between_pairs(rasters, change_detector, folder, recorder):
    given = {
        "device": "cpu",
        "threads": 1,
        "inputs": (rasters[0], rasters[1], rasters[1], rasters[2]),
    }
    compute_scenes(BatchJob("detect-change", change_detector(), str(folder), **given), recorder())
    assert (folder / "a_b.tif").exists() and (folder / "b_c.tif").exists()


def test_progress_grows_to_the_end_over_all_scenes(asked, recorder):
    progress = recorder()
    compute_scenes(asked(), progress)
    assert progress.fractions == sorted(progress.fractions)
    assert progress.fractions[-1] == 1
    assert any(0.3 < fraction < 0.7 for fraction in progress.fractions)


def test_workers_are_shared_by_the_scenes_at_work():
    """100 workers, 8 scenes at once: 13 each (100 / 8 = 12.5); the last one has all."""
    pool = _Pool("tcp://a:1", 100)
    assert (pool.at_once, pool.share(50), pool.share(2), pool.share(1)) == (AT_ONCE, 13, 50, 100)
    assert (_Pool("tcp://a:1", 1).at_once, _Pool().at_once) == (2, 1)


def test_one_model_is_loaded_for_several_threads(segmenter, opened):
    from engine.infer.backends import backends_kept, open_backend
    from engine.infer.installed import open_model

    model, found = open_model(segmenter(), "segmentation"), []

    def load():
        found.append(open_backend(model.path, model.card, "cpu", 1))

    with backends_kept():
        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(opened) == 1 and len({id(backend) for backend in found}) == 1
    load()
    assert len(opened) == 2


def test_without_a_table_no_more_scenes_are_computed(asked, recorder, monkeypatch):
    """The disk is full at the second of three scenes."""
    begun = []
    verb, task = batch._WORK["segment"]

    def counted(job, progress):
        begun.append(job.input)
        return verb(job, progress)

    write = SceneTable._note

    def full(table, *given):
        if len(begun) > 1:
            raise DiskFull("The disk is full.")
        write(table, *given)

    monkeypatch.setitem(batch._WORK, "segment", (counted, task))
    monkeypatch.setattr(SceneTable, "_note", full)
    with pytest.raises(DiskFull):
        compute_scenes(asked(), recorder())
    assert len(begun) == 2


def test_of_a_cluster_only_the_workers_to_count_on_are_counted(asked, monkeypatch):
    @contextmanager
    def there(address, workers):
        yield address

    @contextmanager
    def client(address, workers):
        yield SimpleNamespace(scheduler_info=lambda: {"workers": dict.fromkeys(range(16))})

    monkeypatch.setattr(batch, "running_cluster", there)
    monkeypatch.setattr(batch, "open_cluster", client)
    for given, counted in ((0, 16), (3, 3)):
        with batch._pool(asked(scheduler="tcp://host:8786", workers=given)) as pool:
            assert pool.workers == counted


class TestDask:
    @pytest.fixture(autouse=True)
    def dask(self):
        return pytest.importorskip(
            "distributed", reason="Dask is not installed: engine/requirements/cluster.txt"
        )

    def test_a_cluster_makes_the_same_maps(self, asked, rasters, folder, tmp_path, recorder):
        """Of three scenes, and a raster that is none beside them; tiles on the cluster, one file here."""
        bad = tmp_path / "bad.tif"
        bad.write_bytes(b"II*\0 no raster")
        changes = {"scheduler": LOCAL, "workers": 2, "tiles": 32, "beside": ("confidence",)}
        job = BatchJob(**{**vars(asked(**changes)), "inputs": (str(bad), *rasters)})
        with pytest.raises(ScenesFailed, match=r"1 of 4 scenes .* bad: "):
            compute_scenes(job, recorder())
        for name, raster in zip(IMAGES, rasters):
            alone = tmp_path / "alone.tif", tmp_path / "alone-sure.tif"
            single = SegmentJob(
                raster, job.model, str(alone[0]), confidence=str(alone[1]), device="cpu", threads=1
            )
            segment(single, recorder())
            np.testing.assert_array_equal(read(folder / f"{name}.vrt"), read(alone[0]))
            np.testing.assert_array_equal(read(folder / f"{name}_confidence.vrt"), read(alone[1]))

    def test_no_cluster_is_told_at_once(self, asked, folder, recorder, monkeypatch):
        monkeypatch.setattr("engine.infer.cluster._REACH", 1)
        with pytest.raises(DeviceUnavailable, match="was not reached"):
            compute_scenes(asked(scheduler="tcp://127.0.0.1:9"), recorder())
        assert list(folder.iterdir()) == []
