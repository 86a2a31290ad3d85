"""A training that is cancelled."""

import pytest

from engine.errors import (
    Cancelled,
)
from engine.model_file import read_card
from tests.engine.infer.conftest import Recorder
from tests.engine.train.finetuning.outcome import accuracy


class TestCancel:
    def test_of_quick_writes_nothing(self, run, out):
        with pytest.raises(Cancelled):
            run(Recorder(cancel_after=6))
        assert list(out.iterdir()) == []

    def test_of_full_keeps_the_best_and_writes(self, run, drawn, out):
        """Cancelled after the second epoch, and asked for again and again ever after."""
        told = Recorder()
        told._is_cancelled = lambda: sum(event.get("name") == "loss" for event in told.events) >= 2
        result = run(told, method="full", epochs=9, output_report=str(out / "report.html"))
        assert result["cancelled"] is True
        assert {path.name for path in out.iterdir()} == {
            "mine.onnx", "mine.safetensors", "report.html"
        }  # fmt: skip
        assert accuracy(drawn) > 0.9
        assert read_card(out / "mine.safetensors").training["epochs"] in (2, 3)

    def test_while_the_model_is_written_comes_too_late_to_lose_it(self, run, drawn, out):
        told = Recorder()
        told._is_cancelled = lambda: "Writing the model" in told.texts("progress")
        result = run(told)
        assert result["cancelled"] is False
        assert {path.name for path in out.iterdir()} == {"mine.onnx", "mine.safetensors"}

    def test_of_full_before_any_weight_has_learned_writes_nothing(self, run, out):
        with pytest.raises(Cancelled):
            run(Recorder(cancel_after=6), method="full")
        assert list(out.iterdir()) == []
