"""Estimates beside what followed, from real runs of the engine."""

import time

from engine.assessment_jobs import BenchmarkJob
from engine.benchmark.kinds import benchmark
from engine.benchmark.speed.preflight import watched
from engine.progress import Progress


def test_every_job_is_asked_and_then_run():
    """384 px are 4 x 4 windows of 128 px that step by 96; those of a whole raster or an extent are counted.

    Along the edge of a mask or of the data a window may be counted that holds no pixel, here 1 of 13.
    """
    result = benchmark(BenchmarkJob("speed", parts=("preflight",), side=384, repeats=1), Progress())
    rows = {row["name"]: row for row in result["parts"]["preflight"]["rows"]}
    names = ("map", "extent", "mask", "swath", "polygons", "scenes", "change")
    measures = ("windows", "seconds", "memory_mb", "disk_mb")
    assert set(rows) == {f"{name}: {measure}" for name in names for measure in measures}
    windows = {name: rows[f"{name}: windows"]["median"] for name in names}
    edges = [windows.pop("mask"), windows.pop("swath")]
    assert set(windows.values()) == {1}
    assert all(1 <= edge <= 1.3 for edge in edges)
    assert all(row["median"] > 0 for row in rows.values())


def test_the_most_that_a_folder_held(tmp_path):
    (tmp_path / "of before").write_bytes(bytes(50))
    with watched(tmp_path) as held:
        path = tmp_path / "scratch"
        path.write_bytes(bytes(1000))
        until = time.monotonic() + 20
        while 1000 not in held and time.monotonic() < until:
            time.sleep(0.01)
        path.write_bytes(bytes(10))
    assert max(held) == 1000
    assert held[-1] == 10
