"""Methods that train the encoder too."""

import pytest
import torch

from engine.train import tuning
from tests.engine.infer.conftest import Recorder
from tests.engine.train.finetuning.outcome import accuracy, same, weights


@pytest.mark.parametrize("method", ["adapters", "full"])
def test_training_the_encoder(run, drawn, method, out):
    told = Recorder()
    result = run(told, method=method, epochs=1, output_report=str(out / "report.html"))
    assert result["method"] == method and result["reason"] == ""
    assert result["accuracy"]["samples"] < 16 * 16  # of what was held back alone
    assert accuracy(drawn) > 0.9
    names = {event["name"] for event in told.events if event["event"] == "metric"}
    assert {"loss", "val_miou"} <= names
    assert "On held-back labels" in (out / "report.html").read_text(encoding="utf-8")


def test_the_same_seed_gives_the_same_weights(run, drawn, out):
    paths = [out / f"{name}.onnx" for name in "abc"]
    for path, seed in zip(paths, (3, 3, 4)):
        run(output_model=str(path), seed=seed, name="x")
    one, again, other = (path.with_suffix(".safetensors") for path in paths)
    assert same(weights(one), weights(again))
    assert not same(weights(one), weights(other))


def test_with_too_little_memory_a_smaller_batch_is_tried(run, drawn, monkeypatch):
    call, sizes = tuning.SupervisedLoss.__call__, []

    def limited(self, model, batch):
        sizes.append(len(batch["image"]))
        if sizes[-1] > 2:
            raise torch.OutOfMemoryError("out of memory")
        return call(self, model, batch)

    monkeypatch.setattr(tuning.SupervisedLoss, "__call__", limited)
    result = run(method="full", epochs=1)
    assert sizes[:3] == [8, 4, 2]
    assert result["warnings"][:2] == [
        "The memory does not suffice for a batch of 8: trying 4.",
        "The memory does not suffice for a batch of 4: trying 2.",
    ]
