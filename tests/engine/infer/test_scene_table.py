import csv
import json
import os

import numpy as np
import pytest

from engine.infer.scene_table import RECORDS, TABLE, SceneTable, scene_key
from engine.jobs import SegmentJob
from tests.engine.infer.maps import virtual_raster

VALUES = np.ones((3, 20, 20), np.float32)


def job(raster, **changes):
    return SegmentJob(**{"input": raster, "model": "m", "output": "map.tif", **changes})


def test_a_key_knows_the_work_and_not_the_place(make_raster):
    raster = make_raster(VALUES)
    key = scene_key(job(raster), [raster], "sha")
    there = job(raster, scheduler="tcp://a:1", workers=3, threads=2, resume=False)
    assert scene_key(there, [raster], "sha") == key != ""
    assert scene_key(job(raster, overlap=50), [raster], "sha") != key
    assert scene_key(job(raster), [raster], "other") != key
    os.utime(raster, ns=(0, 0))
    assert scene_key(job(raster), [raster], "sha") != key


def test_a_key_knows_what_virtual_rasters_of_virtual_rasters_are_made_of(make_raster, tmp_path):
    raster = make_raster(VALUES)
    mosaic = str(virtual_raster(raster, tmp_path, 2))
    key = scene_key(job(mosaic), [mosaic], "sha")
    os.utime(raster, ns=(0, 0))
    assert scene_key(job(mosaic), [mosaic], "sha") != key != ""


def test_what_cannot_be_recognised_has_no_key(make_raster, tmp_path):
    broken = tmp_path / "broken.tif"
    broken.write_bytes(b"II*\0")
    assert scene_key(job(str(broken)), [str(broken)], "sha") == ""
    assert scene_key(job("none.tif"), ["none.tif"], "sha") == ""


@pytest.fixture
def result(folder):
    output = folder / "a.tif"
    output.write_bytes(b"a map")
    areas = [{"name": "water", "area_m2": 400.0}]
    return {"outputs": {"output": str(output)}, "areas": areas, "windows": {"run": 4}, "seconds": 2}


def test_a_later_run_knows_what_is_done(folder, result):
    SceneTable(folder, ["a"]).done("a", "key", ["in.tif"], result)
    later = SceneTable(folder, ["a", "b"])
    assert later.is_done("a", "key")
    assert not later.is_done("a", "other")
    assert not later.is_done("a", "")
    assert not later.is_done("b", "key")
    (folder / "a.tif").write_bytes(b"another map")
    assert not later.is_done("a", "key")
    (folder / "a.tif").unlink()
    assert not later.is_done("a", "key")


def test_each_scene_is_a_line_with_the_ground_of_its_classes(folder, result):
    table = SceneTable(folder, ["b", "a"])
    table.done("a", "key", ["in.tif"], result)
    table.failed("b", ["one.tif", "two.tif"], "no overlap")
    with (folder / TABLE).open(encoding="utf-8-sig") as file:
        b, a = csv.DictReader(file)
    assert (b["scene"], b["status"], b["input"]) == ("b", "failed", "one.tif; two.tif")
    assert (b["reason"], b["water_m2"]) == ("no overlap", "")
    assert (a["scene"], a["status"], a["windows"], a["water_m2"]) == ("a", "done", "4", "400.0")
    assert a["output"] == str(folder / "a.tif")
    assert list(json.loads((folder / RECORDS).read_text(encoding="utf-8"))) == ["b", "a"]


def test_scenes_of_earlier_runs_stay_in_the_table(folder, result):
    SceneTable(folder, ["a"]).done("a", "key", ["in.tif"], result)
    later = SceneTable(folder, ["b"])
    later.failed("b", ["b.tif"], "broken")
    assert SceneTable(folder, []).is_done("a", "key")
    assert len((folder / TABLE).read_text(encoding="utf-8").splitlines()) == 3


def test_a_table_that_is_no_table_counts_as_none(folder):
    (folder / RECORDS).write_text("[1]", encoding="utf-8")
    assert not SceneTable(folder, ["a"]).is_done("a", "key")
