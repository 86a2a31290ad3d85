"""Change between two dates, learned from labels."""

import numpy as np
import pytest
import rasterio

from engine.checkpoint import load
from engine.errors import LabelsInvalid
from engine.infer.detect_change import detect_change
from engine.jobs import ChangeJob
from engine.progress import Progress
from engine.train import map_finetuning, surroundings_tuning
from tests.engine.data import rasters
from tests.engine.train import land
from tests.engine.train.finetuning.outcome import KNOWN


class TestChange:
    @pytest.mark.parametrize("many", [False, True], ids=["few places", "many places"])
    def test_from_two_dates_to_a_map_of_change(self, run, scene, tmp_path, out, many, monkeypatch):
        """Every other field becomes what the next class is."""
        if many:
            monkeypatch.setattr(map_finetuning, "JOINT_PLACES", 10)
            monkeypatch.setattr(surroundings_tuning, "STEPS", 40)
            # So easy a land leaves nothing to be better at.
            monkeypatch.setattr(surroundings_tuning, "average_precision", lambda *_: next(better))
        better = iter((0.8, 0.9))
        row, column = np.mgrid[: land.SIDE, : land.SIDE] // land.FIELD
        changed = (row + 2 * column) % 3 == 0
        after = rasters.write(
            tmp_path / "after.tif", land.image(np.where(changed, (KNOWN + 1) % 3, KNOWN), seed=1)
        )
        places = land.middles()
        layer = land.polygons(
            tmp_path / "change.gpkg",
            [land.box(*place) for place in places],
            ["changed" if changed[place] else "unchanged" for place in places],
        )
        result = run(task="change-detection", after=(after,), labels=layer)
        assert [(item["value"], item["title"]) for item in result["classes"]] == [
            (0, "unchanged"),
            (1, "changed"),
        ]
        assert result["accuracy"]["overall_accuracy"] > 0.9
        network, _ = load(out / "mine.safetensors")
        assert (network.surroundings is not None) == many
        output = out / "map.tif"
        job = ChangeJob(scene, after, str(out / "mine.onnx"), str(output), device="cpu", threads=1)
        detect_change(job, Progress())
        with rasterio.open(output) as dataset:
            assert (dataset.read(1) == changed).mean() > 0.9

    def test_it_must_be_known_what_changed_means(self, run, scene, out):
        with pytest.raises(LabelsInvalid, match=r"needs two classes.*labels have 3"):
            run(task="change-detection", after=(scene,))
        assert list(out.iterdir()) == []
