"""The cost of fine-tuning: the made-up scene, and a real run of the verb."""

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely

from engine.benchmark import cost
from engine.benchmark.protocols import FOR_THIS_IMAGE
from engine.errors import EnvironmentBroken
from engine.progress import Progress


def test_the_scene_has_nine_named_bands_and_ten_polygons_of_two_kinds(tmp_path):
    scene, labels = cost.write_scene(tmp_path)
    with rasterio.open(scene) as dataset:
        assert dataset.shape == (1000, 1000)
        assert dataset.descriptions[:2] == ("B02", "B03")
        left, right = dataset.read(9)[:, :500], dataset.read(9)[:, 500:]
    assert right.mean() - left.mean() == pytest.approx(1500, abs=5)
    _, _, shapes, (kinds,) = pyogrio.raw.read(labels)
    assert len(shapes) == 10 and sorted(np.unique(kinds)) == ["bright", "dark"]
    _, _, more, (kinds,) = pyogrio.raw.read(cost.write_labels(tmp_path, 12))
    assert list(more[:10]) == list(shapes) and len(set(more)) == 12
    assert list(kinds[10:]) == ["dark", "bright"]
    east = shapely.get_coordinates(shapely.from_wkb(more))[:, 0].reshape(12, 5).mean(1) > 505000
    assert list(east) == list(kinds == "bright")


def test_a_real_run_takes_time_and_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(cost, "SIDE", 700)
    scene, labels = cost.write_scene(tmp_path)
    home = tmp_path / "home"
    seconds, busy, megabytes = cost.run(scene, labels, "quick", tmp_path, home)
    assert seconds > 1 and busy > 1 and 200 < megabytes < 4000
    assert (tmp_path / "quick.onnx").stat().st_size > 1e6
    assert list((home / "cache" / "tokens").iterdir())


@pytest.mark.parametrize(("name", "use"), [("quick", "anywhere"), (FOR_THIS_IMAGE, "here")])
def test_where_the_model_is_to_work_is_asked_for(tmp_path, monkeypatch, name, use):
    asked = []

    def stop(job):
        asked.append((job.method, job.use))
        raise InterruptedError

    monkeypatch.setattr(cost, "command_line", stop)
    with pytest.raises(InterruptedError):
        cost.run(tmp_path / "scene.tif", tmp_path / "labels.gpkg", name, tmp_path, tmp_path)
    assert asked == [("quick", use)]


def test_a_run_that_fails_is_told(tmp_path):
    scene, _ = cost.write_scene(tmp_path)
    with pytest.raises(EnvironmentBroken, match=r"Fine-tuning \(quick\) failed"):
        cost.run(scene, tmp_path / "missing.gpkg", "quick", tmp_path, tmp_path / "home")


def test_every_method_is_run_from_nothing_and_quick_once_more(tmp_path, monkeypatch):
    """The second run of quick has more polygons and the first one's home."""
    seen = []

    def run(scene, labels, method, folder, home):
        seen.append((method, labels.stem, home))
        return 2.0, 3.0, 100.0

    monkeypatch.setattr(cost, "SIDE", 700)
    monkeypatch.setattr(cost, "run", run)
    board = cost.measure(tmp_path, [], 2, Progress())
    ten, twelve = "labels-10", "labels-12"
    assert [(method, labels) for method, labels, _ in seen] == [
        *[("quick", ten), ("quick", twelve)] * 2,
        *[(FOR_THIS_IMAGE, ten)] * 2,
        *[("adapters", ten)] * 2,
        *[("full", ten)] * 2,
    ]
    homes = [home for _, _, home in seen]
    assert homes[0] == homes[1] and homes[2] == homes[3] and len(set(homes)) == 8
    rows = {(row["experiment"], row["method"]) for row in board.summary()}
    assert ("then twelve polygons", "quick") in rows and ("ten polygons", "full") in rows
