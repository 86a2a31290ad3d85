"""Methods that train the encoder too."""

import pytest
import torch

from engine.train import encoder_tuning, map_finetuning
from tests.engine.infer.conftest import Recorder
from tests.engine.train.finetuning.outcome import accuracy, same, weights


@pytest.fixture
def figures(monkeypatch):
    """How good the model is said to be on held-back labels: before, and after each epoch."""

    def say(*given):
        values = iter(given)
        monkeypatch.setattr(
            encoder_tuning, "figure", lambda model, windows: {"miou": next(values), "accuracy": 0.5}
        )

    return say


@pytest.mark.parametrize("method", ["adapters", "full"])
def test_training_the_encoder(run, drawn, method, out, figures):
    told = Recorder()
    figures(0.1, 0.2)
    result = run(told, method=method, epochs=1, output_report=str(out / "report.html"))
    assert result["method"] == method and result["reason"] == ""
    assert result["accuracy"]["samples"] < 16 * 16  # of what was held back alone
    assert accuracy(drawn) > 0.9
    names = {event["name"] for event in told.events if event["event"] == "metric"}
    assert {"loss", "val_miou"} <= names
    assert "On held-back labels" in (out / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("method", ["adapters", "full"])
def test_where_it_does_not_help_there_is_the_head_of_all_labels(run, drawn, method, out, figures):
    """As quick makes it; the curves of what was tried stay."""
    quick = run(output_model=str(out / "quick.onnx"), name="x")
    told = Recorder()
    figures(0.9, 0.2)
    result = run(told, method=method, epochs=1, name="x")
    assert same(weights(out / "mine.safetensors"), weights(out / "quick.safetensors"))
    told_of = "samples", "matrix", "overall", "interval_95"
    assert {k: v for k, v in result["accuracy"].items() if k in told_of} == {
        k: v for k, v in quick["accuracy"].items() if k in told_of
    }
    assert any("did not improve" in text for text in result["warnings"])
    names = [event.get("name") for event in told.events]
    parts = [event["parts"] for event in told.events if "parts" in event]
    assert parts == [names.count("part_miou")], "the second head is not told of part by part"
    assert told.fractions[-1] == 1


@pytest.fixture
def trained(monkeypatch):
    """Of each training: labelled pixels to learn from and held back, and the teacher."""
    real, calls = map_finetuning.tune_weights, []

    def tune(base, first, learn, held, rounds, **more):
        counts = (sum(len(ground.pixels) for ground in part) for part in (learn, held))
        calls.append((*counts, more["teacher"], first.predictor))
        return real(base, first, learn, held, rounds, **more)

    monkeypatch.setattr(map_finetuning, "tune_weights", tune)
    return calls


def test_what_helped_is_done_again_with_all_labels(run, drawn, figures, trained):
    figures(0.1, 0.2)
    result = run(method="full", epochs=1)
    (learned, held, *_), (every, none, *_) = trained
    assert (every, none) == (16 * 16, 0) and held and learned < every
    assert result["accuracy"]["samples"] == held
    assert "then trained on all of them" in result["accuracy"]["measure"]


@pytest.mark.parametrize("use", ["anywhere", "here"])
def test_the_teacher_is_the_head_for_these_rasters(run, drawn, trained, use):
    run(method="adapters", epochs=1, validation=0, use=use)
    ((_, _, teacher, first),) = trained
    assert (teacher is first) == (use == "here")


def test_a_cancel_in_the_second_training_keeps_the_first_model(run, drawn, figures, trained, out):
    told = Recorder()
    figures(0.1, 0.2)
    told._is_cancelled = lambda: len(trained) == 2
    result = run(told, method="full", epochs=1)
    assert result["cancelled"] and (out / "mine.safetensors").exists()
    assert result["accuracy"]["samples"] < 16 * 16
    assert "then trained" not in result["accuracy"]["measure"]


def test_a_cancel_while_the_head_of_all_labels_is_made_keeps_the_other(run, drawn, out, figures):
    told = Recorder()
    figures(0.9, 0.2)
    told._is_cancelled = lambda: any("did not improve" in text for text in told.texts("warning"))
    result = run(told, method="full", epochs=1)
    assert result["cancelled"] and (out / "mine.safetensors").exists()
    assert result["accuracy"]["samples"] < 16 * 16


def test_the_same_seed_gives_the_same_weights(run, drawn, out):
    paths = [out / f"{name}.onnx" for name in "abc"]
    for path, seed in zip(paths, (3, 3, 4)):
        run(output_model=str(path), seed=seed, name="x")
    one, again, other = (path.with_suffix(".safetensors") for path in paths)
    assert same(weights(one), weights(again))
    assert not same(weights(one), weights(other))


def test_with_too_little_memory_a_smaller_batch_is_tried(run, drawn, monkeypatch):
    call, sizes = encoder_tuning.TaughtLoss.__call__, []

    def limited(self, model, batch):
        sizes.append(len(batch["image"]))
        if sizes[-1] > 2:
            raise torch.OutOfMemoryError("out of memory")
        return call(self, model, batch)

    monkeypatch.setattr(encoder_tuning.TaughtLoss, "__call__", limited)
    result = run(method="full", epochs=1)
    assert sizes[:2] == [4, 2]
    assert result["warnings"][0] == "There is not enough memory for a batch of 4: trying 2."
