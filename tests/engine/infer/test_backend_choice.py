import contextlib
import json
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from engine.errors import ModelInvalid
from engine.infer import backend_choice, kept_choices, processor_backends
from engine.infer.backend_choice import fastest, worthwhile
from engine.infer.onnx_backend import CPU, OnnxBackend
from engine.model_file import read_card


class Measured:
    """A backend that takes its time, or is off by something."""

    def __init__(self, name, seconds=0.0, error=0.0, fails=False, lanes=1, one_by_one=False):
        self.name, self.device, self.batch, self.lanes = name, "cpu", 1, lanes
        self.inputs = frozenset({"image"})
        self._seconds, self._error, self._fails = seconds, error, fails
        self._turn = threading.Lock() if one_by_one else contextlib.nullcontext()

    def predict(self, feeds):
        if self._fails:
            raise ModelInvalid("An operator is not known.")
        with self._turn:
            time.sleep(self._seconds)
        image = feeds["image"]
        scores = np.tile(
            np.array([0.7, 0.2, 0.1], np.float32)[:, None, None], (1, *image.shape[-2:])
        )
        scores[0] -= self._error
        return np.stack([scores] * len(image))


@pytest.fixture
def model(segmenter):
    path = Path(segmenter())
    return path, read_card(path)


@pytest.fixture
def choose(model, monkeypatch, tmp_path, recorder):
    """Chooses among a reference of 20 ms and the others that are given; returns the name and what was said."""
    monkeypatch.setattr(kept_choices, "KEPT", tmp_path / "kept.json")
    monkeypatch.setattr(backend_choice, "_PATIENCE_S", 0.2)
    monkeypatch.setattr(kept_choices.metadata, "version", lambda name: "1.0")
    monkeypatch.setattr(
        backend_choice, "sample_windows", lambda card: [backend_choice.random_windows(card, 1)]
    )

    def choose(others, reference=0.02):
        opened = []

        def opener(name, traits):
            def open_it():
                opened.append(name)
                return Measured(name, **traits)

            return open_it

        monkeypatch.setattr(
            backend_choice,
            "other_backends",
            lambda *_: {name: opener(name, traits) for name, traits in others.items()},
        )
        monkeypatch.setattr(
            backend_choice, "OnnxBackend", lambda *_: Measured("reference", reference)
        )
        progress = recorder()
        backend = fastest(*model, 1, progress)
        return backend.name, opened, progress.texts("log")

    return choose


def test_the_fastest_that_agrees_is_chosen(choose):
    name, _, log = choose({"slow": {"seconds": 0.04}, "quick": {}, "medium": {"seconds": 0.008}})
    assert name == "quick"
    assert len(log) == 4
    assert "quick" in log[2] and log[2].endswith("margin of the changed 0.000")


def test_they_are_measured_side_by_side_as_they_run(choose):
    """One that takes 30 ms alone but makes its second lane wait, and one that takes 36 ms in both."""
    blocking = {"seconds": 0.03, "lanes": 2, "one_by_one": True}
    even = {"seconds": 0.036, "lanes": 2}
    assert choose({"blocking": blocking, "even": even}, reference=0.1)[0] == "even"


def test_one_that_computes_something_else_is_not(choose):
    name, _, log = choose({"wrong": {"error": 0.6}, "right": {"seconds": 0.005}})
    assert name == "right"
    assert log[0].endswith("; not used")


def test_one_that_does_not_run_is_not(choose):
    name, _, log = choose({"broken": {"fails": True}})
    assert name == "reference"
    assert "cannot run this model" in log[0]


@pytest.mark.parametrize(
    ("float32", "int8", "chosen"),
    [
        (80, 79, "openvino-float32"),  # what a processor without the instructions for int8 gives
        (80, 70, "openvino-int8"),
        (95, 92, "onnxruntime"),
        (95, 86, "onnxruntime"),  # a tenth less than ONNX Runtime, not a tenth less than float32
        (95, 85, "openvino-int8"),
        (120, 85, "openvino-int8"),
        (None, 95, "onnxruntime"),  # float32 did not run
        (None, 85, "openvino-int8"),
    ],
)
def test_every_step_away_has_to_gain_a_tenth(float32, int8, chosen):
    measured = {"onnxruntime": 100, "openvino-float32": float32, "openvino-int8": int8}
    assert worthwhile({name: took for name, took in measured.items() if took}) == chosen


def test_the_choice_is_kept(choose):
    assert choose({"quick": {}, "slow": {"seconds": 0.04}})[1] == ["quick", "slow"]
    name, opened, log = choose({"quick": {}, "slow": {"seconds": 0.04}})
    assert (name, opened, log) == ("quick", ["quick"], [])
    kept = json.loads(kept_choices.KEPT.read_text(encoding="utf-8"))
    assert list(kept.values()) == ["quick"]


def test_where_there_are_other_backends_the_choice_is_made_anew(choose):
    """After an update that brings one, or in an environment that moved to another processor."""
    assert choose({"quick": {"seconds": 0.01}})[0] == "quick"
    assert choose({"quick": {"seconds": 0.01}, "new": {}})[0] == "new"


def test_that_none_is_better_is_kept_too(choose):
    choose({"slow": {"seconds": 0.04}})
    assert choose({"slow": {"seconds": 0.04}})[1:] == ([], [])


def test_a_damaged_list_is_made_anew(choose):
    kept_choices.KEPT.write_text("[1,", encoding="utf-8")
    assert choose({"quick": {}})[0] == "quick"
    assert list(json.loads(kept_choices.KEPT.read_text(encoding="utf-8")).values()) == ["quick"]


def test_a_model_that_takes_no_time_is_not_measured(choose):
    assert choose({"quick": {}}, reference=0.0) == ("reference", [], [])


def test_under_a_memory_limit_there_is_no_choice(choose, monkeypatch, model):
    monkeypatch.setenv("SPECTRALGPT_MEMORY", "2048")
    assert choose({"quick": {}}) == ("reference", [], [])


def test_without_other_libraries_there_is_no_choice(model, monkeypatch, recorder):
    monkeypatch.setattr(processor_backends, "find_spec", lambda name: None)
    progress = recorder()
    backend = fastest(*model, 1, progress)
    assert isinstance(backend, OnnxBackend)
    assert backend.name == OnnxBackend(*model, CPU, 1).name
    assert progress.events == []
