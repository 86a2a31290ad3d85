"""The cost of fine-tuning: the made-up scene, and a real run of the verb."""

import numpy as np
import pyogrio
import pytest
import rasterio

from engine.benchmark import cost
from engine.errors import EnvironmentBroken


def test_the_scene_has_nine_named_bands_and_ten_polygons_of_two_kinds(tmp_path):
    scene, labels = cost.write_scene(tmp_path)
    with rasterio.open(scene) as dataset:
        assert dataset.shape == (1000, 1000)
        assert dataset.descriptions[:2] == ("B02", "B03")
        left, right = dataset.read(9)[:, :500], dataset.read(9)[:, 500:]
    assert right.mean() - left.mean() == pytest.approx(1500, abs=5)
    _, _, shapes, (kinds,) = pyogrio.raw.read(labels)
    assert len(shapes) == 10 and sorted(np.unique(kinds)) == ["bright", "dark"]


def test_a_real_run_takes_time_and_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(cost, "SIDE", 700)
    scene, labels = cost.write_scene(tmp_path)
    seconds, busy, megabytes = cost.run(scene, labels, "quick", tmp_path)
    assert seconds > 1 and busy > 1 and 200 < megabytes < 4000
    assert (tmp_path / "quick.onnx").stat().st_size > 1e6


def test_a_run_that_fails_is_told(tmp_path):
    scene, _ = cost.write_scene(tmp_path)
    with pytest.raises(EnvironmentBroken, match=r"Fine-tuning \(quick\) failed"):
        cost.run(scene, tmp_path / "missing.gpkg", "quick", tmp_path)
