"""Labellings that end in the middle, and the ones that go on: the labels are those of an uninterrupted run."""

import random

import numpy as np
import pyogrio
import pytest
import shapely

from engine.errors import ClientGone
from engine.infer.classify import classify
from engine.jobs import ClassifyJob
from tests.engine.infer.killed_runs import KILLS, Run, contents, survive_kills, whole_run

SEED = 20261126
IMAGE = np.random.default_rng(SEED).random((3, 1200, 80), np.float32)


@pytest.fixture
def job(tmp_path, make_raster, scene_classifier):
    """150 rows of ten cells of 8 px, or 200 zones; a seventh of the raster is without data."""
    values = IMAGE.copy()
    values[:, 400:570] = np.nan
    raster, model = make_raster(values), scene_classifier()
    tops = 4_600_000 - 60 * np.arange(200)
    boxes = shapely.box(500_000, tops - 150, 500_000 + 40 * (1 + np.arange(200) % 20), tops)
    zones = tmp_path / "zones.gpkg"
    pyogrio.raw.write(
        zones, shapely.to_wkb(boxes), [], [], geometry_type="Polygon", crs="EPSG:32631"
    )

    def make(folder, what, **changes):
        folder.mkdir(exist_ok=True)
        given = {"zones": str(zones)} if what == "zones" else {}
        output = str(folder / "scenes.gpkg")
        return ClassifyJob(raster, model, output, device="cpu", threads=1, **given, **changes)

    return make


@pytest.mark.parametrize(("what", "step"), [("cells", 400), ("zones", 90)])
def test_a_run_that_lost_its_client_goes_on_and_the_labels_are_the_same(
    job, what, step, gone, recorder, tmp_path
):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    expected, lost = classify(job(whole, what), recorder()), 0
    for after in range(1, 3000, step):
        progress = gone(after)
        try:
            result = classify(job(parts, what), progress)
            break
        except ClientGone:
            lost += 1
    assert lost > 2
    assert contents(parts) == contents(whole)
    for fact in ("windows", "areas", "features"):
        assert result[fact] == expected[fact]
    assert any("Resuming the previous run" in line for line in progress.texts("log"))


@pytest.mark.parametrize("change", [{"resume": False}, {"cell_size": 160.0}, {"nodata": (0.5,)}])
def test_other_work_begins_anew(job, change, gone, recorder, tmp_path):
    with pytest.raises(ClientGone):
        classify(job(tmp_path / "out", "cells"), gone(800))
    progress = recorder()
    classify(job(tmp_path / "out", "cells", **change), progress)
    assert not any("Resuming" in line for line in progress.texts("log"))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["scenes.gpkg"]


def test_twenty_kills_at_random_moments(job, tmp_path):
    """Each run is killed up to a fifth of a whole run after its first window; complete ones begin again."""
    chance, parts = random.Random(SEED), tmp_path / "parts"
    expected, seconds = whole_run(Run(job(tmp_path / "whole", "cells")), tmp_path / "whole")

    def same():
        assert contents(parts) == expected

    def start():
        return Run(job(parts, "cells"))

    start_folder = job(parts, "cells")  # makes it
    assert start_folder.resume
    assert survive_kills(start, parts, same, chance, seconds) >= KILLS // 2
