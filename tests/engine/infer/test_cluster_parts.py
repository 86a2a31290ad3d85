"""Tasks computed apart are the labels of a whole run; workers are stood in for here, and killed in test_cluster."""

import numpy as np
import pyogrio
import pytest
import shapely

from engine.infer import classify as classify_module
from engine.infer import zone_windows
from engine.infer.classify import classify
from engine.jobs import ClassifyJob

IMAGE = np.random.default_rng(5).random((3, 100, 70), np.float32)


class Done:
    def __init__(self, result):
        self._result = result

    def done(self):
        return True

    def result(self):
        return self._result

    def cancel(self):
        pass


class InProcess:
    """Stands in for a cluster's client, as a context manager."""

    def __init__(self, workers):
        self.workers, self.tasks = workers, []

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def scheduler_info(self):
        return {"workers": dict.fromkeys(range(self.workers))}

    def submit(self, work, *arguments, pure):
        self.tasks.append(arguments[-1])
        return Done(work(*arguments))


@pytest.fixture
def labelled(make_raster, scene_classifier, folder, recorder, tmp_path, monkeypatch):
    """Runs a job alone and on a stand-in; gives both outcomes and the tasks."""
    values = IMAGE.copy()
    values[:, 20:50, :30] = np.nan
    raster, model = make_raster(values), scene_classifier()

    def run(workers, **changes):
        def once(name, **shared):
            output = folder / f"{name}.gpkg"
            job = ClassifyJob(
                raster, model, str(output), device="cpu", threads=1, **changes, **shared
            )
            result = classify(job, recorder())
            meta, _, shapes, columns = pyogrio.raw.read(output)
            facts = [result[key] for key in ("windows", "areas", "features")]
            return [shapes, *columns], [list(meta["fields"]), *facts]

        client = InProcess(workers)
        monkeypatch.setattr(classify_module, "open_cluster", lambda *given: client)
        return once("single"), once("cluster", scheduler="tcp://there"), client.tasks

    return run


def same(one, other):
    assert one[1] == other[1]
    assert len(one[0]) == len(other[0])
    for value, wanted in zip(one[0], other[0]):
        np.testing.assert_array_equal(value, wanted)


@pytest.mark.parametrize("extent", [None, (500_100.0, 4_599_300.0, 500_400.0, 4_599_700.0)])
@pytest.mark.parametrize("workers", [1, 3, 100])
def test_cells(labelled, workers, extent):
    """13 rows of 8 px; the extent's rows 30..70 touch those from 3 to 8."""
    single, cluster, tasks = labelled(workers, extent=extent)
    same(cluster, single)
    rows = 13 if extent is None else 6
    assert [row for task in tasks for row in task] == list(range(rows))
    assert len(tasks) > 1
    assert single[1][3]["skipped"] > 0


@pytest.mark.parametrize("size", [1, 3, 64])
def test_zones(labelled, tmp_path, monkeypatch, size):
    """Seven zones, one of them without data; in parts of 1, 3 and 64."""
    monkeypatch.setattr(zone_windows, "_ZONES", size)
    x, y = 500_000, 4_600_000
    places = [(0, 0), (40, 5), (5, 25), (30, 30), (50, 60), (0, 80), (45, 85)]
    zones = [
        shapely.box(x + 10 * c, y - 10 * r - 137, x + 10 * c + 211, y - 10 * r) for c, r in places
    ]
    path = tmp_path / "zones.gpkg"
    numbers = np.arange(len(zones))
    pyogrio.raw.write(
        path, shapely.to_wkb(np.array(zones, object)), [numbers], ["number"],
        geometry_type="Polygon", crs="EPSG:32631",
    )  # fmt: skip
    single, cluster, tasks = labelled(2, zones=str(path))
    same(cluster, single)
    assert single[1][3] == {"labelled": 6, "skipped": 1}
    assert sum(len(task) for task in tasks) == -(-7 // size)
