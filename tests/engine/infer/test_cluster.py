"""Strips computed apart are the rows of a whole run; with Dask, also in the processes of a local cluster."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor, wait

import numpy as np
import pyogrio
import pytest
import rasterio

from engine.errors import Cancelled, DeviceUnavailable, EmptyArea, MissingDependency
from engine.infer import cluster, cluster_parts, cluster_rows
from engine.infer.backend import processors
from engine.infer.backends import open_backend
from engine.infer.class_rows import class_layers, class_mosaic, open_source
from engine.infer.classify import classify
from engine.infer.cluster import LOCAL, Likeness, open_cluster, worker_threads
from engine.infer.cluster_rows import ClusterRows, _strips
from engine.infer.detect_change import detect_change
from engine.infer.installed import open_model
from engine.infer.mosaic import Earlier
from engine.infer.region import open_region
from engine.infer.segment import segment
from engine.jobs import ChangeJob, ClassifyJob, SegmentJob
from tests.engine.infer.maps import read

IMAGE = np.random.default_rng(2).random((3, 130, 40), np.float32)
MOST_SECONDS = 300  # that a small run on a cluster may take beside whatever else the machine does


class Done:
    """A future whose work was done when it was made."""

    def __init__(self, work, arguments):
        try:
            self._result, self._error = work(*arguments), None
        except Exception as error:
            self._error = error

    def done(self):
        return True

    def result(self):
        if self._error:
            raise self._error
        return self._result

    def cancel(self):
        pass


class InProcess:
    """Stands in for a cluster's client."""

    def __init__(self, workers):
        self.workers = workers
        self.strips = []

    def scheduler_info(self):
        return {"workers": dict.fromkeys(range(self.workers))}

    def submit(self, work, *arguments, pure):
        self.strips.append(arguments[-1])
        return Done(work, arguments)


@pytest.fixture
def job(make_raster, segmenter):
    values = IMAGE.copy()
    values[:, 60:90, :20] = np.nan
    raster, model = make_raster(values), segmenter()

    def make(**changes):
        fields = {"input": raster, "model": model, "output": "", "device": "cpu", "threads": 1}
        return SegmentJob(**{**fields, **changes})

    return make


def everything(job, progress, client=None, earlier=None):
    """All pieces (layers, windows run, pixels): by a mosaic here, or strip by strip."""
    model = open_model(job.model, "segmentation")
    backend = open_backend(model.path, model.card, job.device, job.threads)
    with open_source(job, model.card) as source:
        region = open_region(source.grid, job.extent, job.extent_crs, job.mask)
        mosaic = class_mosaic(job, model.card, source, region, backend)
        if client is None:
            reduce = class_layers(model.card, True)
            for rows in mosaic.rows(progress):
                yield reduce(rows), mosaic.tally.run, mosaic.tally.pixels
        else:
            likeness = Likeness.of(model, backend)
            compute = ClusterRows(client, job, True, mosaic, likeness, source.grid.height)
            for layers, tally in compute(progress, earlier or Earlier()):
                yield layers, tally.run, tally.pixels


def same(pieces, expected):
    assert [counts for _, *counts in pieces] == [counts for _, *counts in expected]
    for (layers, *_), (wanted, *_) in zip(pieces, expected):
        for layer, array in zip(layers, wanted):
            np.testing.assert_array_equal(layer, array)


AREAS = [None, (500_000.0, 4_599_300.0, 500_200.0, 4_599_600.0)]  # all; rows 40..70, columns 0..20


@pytest.mark.parametrize("extent", AREAS)
@pytest.mark.parametrize("overlap", [0, 25, 75])
@pytest.mark.parametrize("workers", [1, 3, 100])
def test_strips_are_the_pieces_of_a_whole_run(job, recorder, workers, overlap, extent):
    """The same rows in the same pieces with the same counts, so the areas add up alike to the last bit."""
    asked, client = job(overlap=overlap, extent=extent), InProcess(workers)
    expected = list(everything(asked, recorder()))
    same(list(everything(asked, recorder(), client)), expected)
    assert (len(client.strips) > 1) == (workers > 1)


def test_a_cluster_goes_on_after_rows_that_are_done(job, recorder):
    asked = job()
    expected = list(everything(asked, recorder()))
    ends = np.cumsum([len(layers[0]) for layers, *_ in expected])
    for place, end in enumerate(ends[:-1], 1):
        run = {int(at): piece[1] for at, piece in zip(ends[:place], expected)}
        earlier = Earlier(int(end), expected[place - 1][2], run)
        same(list(everything(asked, recorder(), InProcess(2), earlier)), expected[place:])


def test_strips_keep_all_workers_busy(job):
    """11 rows of windows (0, 12 .. 108, 114): 4 strips of 3 for 4 workers take 4 rows each, with the one above."""
    asked = job()
    model = open_model(asked.model, "segmentation")
    backend = open_backend(model.path, model.card, "cpu", 1)
    with open_source(asked, model.card) as source:
        region = open_region(source.grid, None, "", "")
        mosaic = class_mosaic(asked, model.card, source, region, backend)
    assert _strips(mosaic, 0, 130, 4) == [(0, 36), (36, 72), (72, 108), (108, 130)]
    assert _strips(mosaic, 0, 130, 1) == [(0, 130)]


def test_no_more_strips_are_sent_than_can_wait(job, recorder):
    """Two for each worker: with 100 workers all 11; with one, what fits is one strip."""
    client = InProcess(3)
    pieces = everything(job(), recorder(), client)
    next(pieces)
    assert len(client.strips) <= 3 * 2


def test_a_worker_that_computes_otherwise_is_refused(job, recorder, monkeypatch):
    loaded = cluster._loaded

    def other(*given):
        model, backend = loaded(*given)
        monkeypatch.setattr(backend, "name", "Another library 1.0")
        return model, backend

    monkeypatch.setattr(cluster, "_loaded", other)
    with pytest.raises(
        DeviceUnavailable, match=r"use Another library 1\.0 on cpu .* the client uses ONNX"
    ):
        list(everything(job(), recorder(), InProcess(1)))


def test_an_area_without_data_is_told(job, recorder, make_raster):
    nothing = make_raster(np.full_like(IMAGE, np.nan), "nothing.tif")
    with pytest.raises(EmptyArea):
        list(everything(job(input=nothing), recorder(), InProcess(2)))


def test_what_dask_raises_becomes_words(job, recorder):
    class Killed(InProcess):
        def submit(self, work, *arguments, pure):
            return Done(lambda: 1 / 0, ())

    with pytest.raises(DeviceUnavailable, match="The cluster could not complete") as caught:
        list(everything(job(), recorder(), Killed(1)))
    assert "ZeroDivisionError" in caught.value.details


def test_a_cancel_takes_effect_while_a_strip_is_computed(job, recorder):
    class Never(InProcess):
        def submit(self, work, *arguments, pure):
            future = Done(lambda: None, ())
            future.done = lambda: False
            return future

    with pytest.raises(Cancelled):
        list(everything(job(), recorder(cancel_after=3), Never(1)))


def test_a_cluster_without_workers_is_told(job, recorder, monkeypatch):
    class Deserted(InProcess):
        def submit(self, work, *arguments, pure):
            future = Done(work, arguments)
            answers = iter([False, False, True])
            future.done = lambda: next(answers, True)
            return future

    monkeypatch.setattr(cluster, "_PATIENCE", 0.0)
    for workers, told in ((0, True), (1, False)):
        progress = recorder()
        list(everything(job(), progress, Deserted(workers)))
        assert any("has no workers" in text for text in progress.texts("warning")) == told


def test_local_workers_share_the_processors(job):
    assert worker_threads(job(threads=0)) == 0
    assert worker_threads(job(threads=0, scheduler=LOCAL, workers=10_00)) == 1
    assert worker_threads(job(threads=0, scheduler=LOCAL, workers=1)) == processors()
    assert worker_threads(job(threads=3, scheduler=LOCAL)) == 3


def test_without_dask_it_is_told_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(MissingDependency, match=r"requirements/cluster\.txt"),
        open_cluster(LOCAL, 1),
    ):
        pass


@pytest.fixture
def dask():
    return pytest.importorskip(
        "distributed", reason="Dask is not installed: engine/requirements/cluster.txt"
    )


def dying(work, folder):
    """`work` as a task that kills its worker the first two times, whatever worker that is; each leaves a file."""

    def task(*given):
        import os
        import signal

        def first(number):
            try:
                os.close(os.open(f"{folder}/killed-{number}", os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return False
            return True

        if first(0):
            os.kill(os.getpid(), signal.SIGKILL)
        result = work(*given)
        if first(1):
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return task


class TestDask:
    @pytest.fixture
    def mapped(self, dask, job, folder, recorder):
        def run(name, ending=".tif", **changes):
            outputs = {
                "output": str(folder / f"{name}{ending}"),
                "confidence": str(folder / f"{name}-sure{ending}"),
                "areas": str(folder / f"{name}.csv"),
            }
            progress = recorder()
            result = segment(job(**outputs, **changes), progress)
            arrays = read(outputs["output"]), read(outputs["confidence"])
            return arrays, (folder / f"{name}.csv").read_text(), result, progress

        return run

    def same(self, one, other):
        for array, wanted in zip(one[0], other[0]):
            np.testing.assert_array_equal(array, wanted)
        assert one[1] == other[1]
        assert one[2]["windows"] == other[2]["windows"]

    def test_a_local_cluster_makes_the_same_map(self, mapped):
        self.same(mapped("cluster", scheduler=LOCAL, workers=2), mapped("single"))

    def test_a_scheduler_is_reached_by_its_address(self, dask, mapped):
        with dask.LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=None) as there:
            self.same(mapped("cluster", scheduler=there.scheduler_address), mapped("single"))

    @pytest.mark.parametrize("changes", [{"tiles": 32}, {"cog": True}, {"tiles": 32, "cog": True}])
    def test_tiles_and_cogs_of_a_cluster_are_those_of_one_process(self, mapped, folder, changes):
        """The same files with the same pixels and overviews; tags differ, for they tell where it was computed."""
        ending = ".vrt" if "tiles" in changes else ".tif"
        self.same(
            mapped("cluster", ending, scheduler=LOCAL, workers=2, **changes),
            mapped("single", ending, **changes),
        )
        found = {}
        for name in ("cluster", "single"):
            place = folder / f"{name}.vrt.tiles" if "tiles" in changes else folder
            files = [path for path in place.rglob("*.tif") if name in str(path)]
            found[name] = sorted(
                (path.name.replace(name, ""), self.content(path)) for path in files
            )
        assert found["cluster"] == found["single"]
        assert len(found["single"]) == (5 * 2 if "tiles" in changes else 2)

    def content(self, path):
        """Layout, pixels and overviews of a raster."""
        with rasterio.open(path) as dataset:
            layout = dataset.tags(ns="IMAGE_STRUCTURE").get("LAYOUT")
            factors, pixels = dataset.overviews(1), dataset.read(1).tobytes()
        levels = []
        for level in range(len(factors)):
            with rasterio.open(path, overview_level=level) as dataset:
                levels.append(dataset.read(1).tobytes())
        return layout, pixels, levels

    @pytest.mark.skipif(os.name == "nt", reason="there is no kill -9 on Windows")
    @pytest.mark.parametrize("verb", ["segment", "detect-change", "classify"])
    def test_a_lost_worker_loses_nothing(
        self, dask, segmenter, change_detector, scene_classifier, make_raster, folder, recorder,
        tmp_path, monkeypatch, verb,
    ):  # fmt: skip
        """Two workers kill themselves (kill -9) with a task in their hands, one before it is computed, one after."""
        after = IMAGE.copy()
        after[1, 20:30] += 0.4

        def run(name, **shared):
            given = {"device": "cpu", "threads": 1, **shared}
            if verb == "classify":
                output = folder / f"{name}.gpkg"
                job = ClassifyJob(
                    make_raster(IMAGE), scene_classifier(), output=str(output), **given
                )
                result = classify(job, recorder())
                meta, _, shapes, columns = pyogrio.raw.read(output)
                values = [shapes, *columns]
                return values, list(meta["fields"]), result["windows"], result["areas"]
            output, beside = folder / f"{name}.tif", folder / f"{name}-beside.tif"
            if verb == "segment":
                job = SegmentJob(
                    make_raster(IMAGE), segmenter(), str(output), confidence=str(beside), **given
                )
                result = segment(job, recorder())
            else:
                job = ChangeJob(
                    make_raster(IMAGE), make_raster(after, "after.tif"), change_detector(),
                    output=str(output), probability=str(beside), **given,
                )  # fmt: skip
                result = detect_change(job, recorder())
            values = [read(output), read(beside)]
            return values, result["threshold"], result["windows"], result["areas"]

        module, name = (
            (cluster_parts, "compute_parts")
            if verb == "classify"
            else (cluster_rows, "compute_strip")
        )
        monkeypatch.setattr(module, name, dying(getattr(module, name), tmp_path))
        local = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
        # The cluster closes first: what still waits for it then ends, and the thread with it.
        with ThreadPoolExecutor(1) as thread, dask.LocalCluster(**local) as there:
            running = thread.submit(run, "cluster", scheduler=there.scheduler_address)
            done, _ = wait([running], timeout=MOST_SECONDS)
            killed = sorted(path.name for path in tmp_path.glob("killed-*"))
            assert done, f"not done after {MOST_SECONDS} s; {killed}; {there.scheduler_info}"
            values, *facts = running.result()
        assert sorted(path.name for path in tmp_path.glob("killed-*")) == ["killed-0", "killed-1"]
        wanted, *expected = run("single")
        assert facts == expected
        assert len(values) == len(wanted)
        for value, want in zip(values, wanted):
            np.testing.assert_array_equal(value, want)

    def test_a_worker_s_error_is_the_engine_s(self, dask, job, folder, recorder, monkeypatch):
        """The client's own check is passed; the workers find the raster gone."""
        asked = job(output=str(folder / "map.tif"), scheduler=LOCAL, workers=1)
        opened = cluster_rows.open_cluster

        def removing(*given):
            os.rename(asked.input, f"{asked.input}.away")
            return opened(*given)

        monkeypatch.setattr(cluster_rows, "open_cluster", removing)
        with pytest.raises(OSError, match="does not exist"):
            segment(asked, recorder())
        assert list(folder.iterdir()) == []

    def test_an_address_without_a_scheduler_is_told(self, dask, monkeypatch):
        monkeypatch.setattr(cluster, "_REACH", 1)
        with (
            pytest.raises(DeviceUnavailable, match="was not reached"),
            open_cluster("tcp://127.0.0.1:9", 0),
        ):
            pass
