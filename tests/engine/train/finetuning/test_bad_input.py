"""What is refused."""

from pathlib import Path

import pytest
import torch

from engine.errors import (
    BandMismatch,
    EmptyArea,
    InvalidParameter,
    LabelsInvalid,
    OutOfMemory,
    TrainingDiverged,
)
from engine.train import encoder_tuning, head_tuning, made_model
from tests.engine.data import rasters
from tests.engine.train import land
from tests.engine.train.finetuning.outcome import KNOWN


class TestBadInput:
    """Each says what was given, what was expected and what to do, and leaves nothing behind."""

    @pytest.fixture(autouse=True)
    def nothing_is_left(self, out):
        before = Path(out / "report.html")
        before.write_text("an older report")
        yield
        assert [path.name for path in out.iterdir()] == ["report.html"]
        assert before.read_text() == "an older report"

    def refused(self, run, error, words, out, **more):
        with pytest.raises(error, match=words) as caught:
            run(output_report=str(out / "report.html"), **more)
        assert caught.value.kind == error.__name__

    @pytest.fixture
    def check(self, run, out):
        return lambda error, words, **more: self.refused(run, error, words, out, **more)

    def layer(self, tmp_path, values, shapes=None, **more):
        shapes = shapes or [land.box(*place) for place in land.middles()[: len(values)]]
        return land.polygons(tmp_path / "bad.gpkg", shapes, values, **more)

    def test_one_class_only(self, check, tmp_path):
        bad = self.layer(tmp_path, ["Trees", "Trees"])
        check(
            LabelsInvalid,
            r"field 'class' of the labels .*only one class \(Trees\), but at least 2.*Also label",
            labels=bad,
        )

    def test_a_class_without_pixels(self, check, tmp_path):
        shapes = [land.box(12, 12), land.box(12, 36), land.box(12, 5000)]
        bad = self.layer(tmp_path, ["Bare", "Trees", "Water"], shapes)
        check(LabelsInvalid, r"No pixel .* labelled as Water.*Draw some on the rasters", labels=bad)

    def test_labels_elsewhere(self, check, tmp_path):
        bad = self.layer(tmp_path, ["Bare", "Trees"], [land.box(5000, 0), land.box(5000, 50)])
        check(EmptyArea, r"bad\.gpkg.*scene\.tif|labels .*bad\.gpkg .*raster", labels=bad)

    def test_polygons_that_contradict(self, check, tmp_path):
        shapes = [land.box(12, 12), land.box(13, 13), land.box(40, 40)]
        bad = self.layer(tmp_path, ["Bare", "Trees", "Water"], shapes)
        check(
            LabelsInvalid,
            r"9 of 39 labelled pixels.*1 \(Bare\) and 2 \(Trees\).*only one class.*Difference",
            labels=bad,
        )

    @pytest.mark.parametrize(
        ("values", "field", "words"),
        [
            (["Bare", "Trees"], "kind", r"'kind'.*class.*Choose"),
            (["Bare", "Trees"], "", r"field.*class.*Choose"),
            (["", ""], "class", r"is empty in all 2 features.*Fill it in"),
            ([0.5, 1.5], "class", r"decimal numbers such as 0\.5.*field calculator"),
        ],
    )
    def test_fields_that_are_no_classes(self, check, tmp_path, values, field, words):
        check(LabelsInvalid, words, labels=self.layer(tmp_path, values), field=field)

    def test_no_data_under_all_labels(self, check, tmp_path):
        values = land.image(KNOWN)
        values[:, :60] = 0
        raster = rasters.write(tmp_path / "dark.tif", values, nodata=0)
        places = [place for place in land.middles() if place[0] < 50]
        bad = land.field_labels(tmp_path / "bad.gpkg", places=places)
        check(EmptyArea, r"All labelled pixels are no-data", inputs=(raster,), labels=bad)
        check(
            EmptyArea, r"All labelled pixels are no-data", inputs=(raster,), labels=bad,
            method="full",
        )  # fmt: skip

    def test_a_base_for_other_bands(self, check, scene, tmp_path):
        rgb = rasters.write(
            tmp_path / "rgb.tif", land.image(KNOWN, bands=3), names=rasters.NAMES[:3]
        )
        check(BandMismatch, "B08", inputs=(rgb,))
        check(BandMismatch, r"rgb\.tif: The raster has 3 bands:", inputs=(scene, rgb))

    def test_outputs_that_cannot_be(self, check, out):
        check(InvalidParameter, r"must end in \.onnx", output_model=str(out / "mine.tif"))

    def test_an_input_is_never_overwritten(self, check, base):
        """The trainable model would be written over the base."""
        twin = Path(base).with_suffix(".onnx")
        before = Path(base).read_bytes()
        check(InvalidParameter, r"is also an input", output_model=str(twin))
        assert Path(base).read_bytes() == before and not twin.exists()

    def test_a_loss_that_is_no_number(self, check, monkeypatch):
        call = encoder_tuning.TaughtLoss.__call__
        monkeypatch.setattr(
            encoder_tuning.TaughtLoss, "__call__", lambda *given: call(*given) * float("nan")
        )
        check(
            TrainingDiverged,
            r"The loss became nan at step 1 .*Reduce the learning rate",
            method="full",
        )

    def test_too_little_memory_for_any_batch(self, check, monkeypatch):
        def exhausted(*given):
            raise torch.OutOfMemoryError("out of memory")

        monkeypatch.setattr(encoder_tuning.TaughtLoss, "__call__", exhausted)
        check(
            OutOfMemory,
            r"is not enough memory even for a batch of 1\. Choose a smaller network",
            method="full",
        )

    def test_too_little_memory_for_a_window(self, check, monkeypatch):
        def exhausted(*given, **more):
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

        monkeypatch.setattr(head_tuning, "extract", exhausted)
        check(OutOfMemory, r"even for a batch of 1\. Choose a smaller network")

    def test_an_export_that_fails(self, check, monkeypatch):
        def broken(*given, **more):
            raise EmptyArea("Nothing came of the export. Try again.")

        monkeypatch.setattr(made_model, "export_onnx", broken)
        check(EmptyArea, "Nothing came of the export")
