import os
import sys

import numpy as np
import pytest

from engine.benchmark.speed.engine_run import run_engine
from engine.benchmark.speed.scene import make_scene
from engine.errors import EngineError


def test_a_run_tells_its_times_and_its_memory(tmp_path):
    make_scene(tmp_path / "scene.tif", 130, 130)
    run = run_engine(
        "segment",
        *("--input", str(tmp_path / "scene.tif"), "--model", "landcover", "--device", "cpu"),
        *("--output", str(tmp_path / "map.tif")),
    )
    assert run.result["windows"]["run"] == 4
    assert 0 < run.first_window < run.seconds
    assert 0 < run.result["model_seconds"] < run.result["seconds"] < run.seconds
    if sys.platform != "win32":
        assert 50 < run.peak_mb < 4000
        assert 0.1 < run.processor_seconds < run.seconds * (os.cpu_count() or 1)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="others do not count so")
def test_what_the_benchmark_itself_holds_is_not_counted(tmp_path):
    held = np.ones(250_000_000)  # 2000 MB, resident
    make_scene(tmp_path / "scene.tif", 130, 130)
    run = run_engine(
        "segment",
        *("--input", str(tmp_path / "scene.tif"), "--model", "landcover", "--device", "cpu"),
        *("--output", str(tmp_path / "map.tif")),
    )
    assert held.all()
    assert 50 < run.peak_mb < 1500


def test_a_failed_run_tells_why(tmp_path):
    with pytest.raises(EngineError, match=r"The run failed: .*missing.tif"):
        run_engine(
            "segment",
            *("--input", str(tmp_path / "missing.tif"), "--model", "landcover"),
            *("--output", str(tmp_path / "map.tif")),
        )
