"""Among several backends on a GPU, the fastest that computes right: measured once, then kept."""

import time
from pathlib import Path

import numpy as np
import pytest

from engine.errors import DeviceUnavailable
from engine.infer import backend_choice, gpu_choice, kept_choices
from engine.infer.gpu_choice import fastest_gpu, gpu_backends
from engine.infer.made_up_windows import random_windows
from engine.model_file import read_card


class Given:
    """Probabilities that do not depend on the image, a little off, after a while."""

    def __init__(self, name, seconds=0.0, error=0.0, flipped=0.0):
        self.name, self.device, self.batch, self.lanes = name, "gpu", 4, 1
        self.inputs = frozenset({"image"})
        self._seconds, self._error, self._flipped = seconds, error, flipped

    def predict(self, feeds):
        image = feeds["image"]
        time.sleep(self._seconds * len(image))
        scores = np.zeros((len(image), 3, *image.shape[-2:]), np.float32)
        scores[:, 0], scores[:, 1] = 0.5 + self._error, 0.5 - self._error
        rows = round(self._flipped * image.shape[-2])
        scores[:, :2, :rows] = scores[:, 1::-1, :rows].copy()
        return scores


@pytest.fixture
def choose(segmenter, monkeypatch, tmp_path, recorder):
    path = Path(segmenter())
    card = read_card(path)
    monkeypatch.setattr(kept_choices, "KEPT", tmp_path / "kept.json")
    monkeypatch.setattr(backend_choice, "_PATIENCE_S", 0.2)
    monkeypatch.setattr(gpu_choice, "sample_windows", lambda card: [random_windows(card, 1)])

    def choose(**openers):
        opened, progress = [], recorder()

        def opener(name, traits):
            def open_it():
                opened.append(name)
                if "fails" in traits:
                    raise DeviceUnavailable(traits["fails"])
                return Given(name, **traits)

            return open_it

        openers = {name: opener(name, traits) for name, traits in openers.items()}

        def open_processor():
            opened.append("processor")
            return Given("processor", error=0.001)

        backend, reasons = fastest_gpu(open_processor, openers, path, card, progress)
        return backend and backend.name, reasons, opened, progress.texts("log")

    return choose


def test_the_fastest_is_taken_and_kept(choose):
    traits = {"slow": {"seconds": 0.02}, "fast": {"seconds": 0.001}}
    name, reasons, opened, log = choose(**traits)
    assert (name, reasons, opened) == ("fast", [], ["processor", "slow", "fast"])
    assert sum("ms per window" in line for line in log) == 2
    # What the processor gives is kept as well: a model as large as the GPU's is not loaded for a check.
    assert choose(**traits) == ("fast", [], ["fast"], [])


def test_what_is_kept_still_tells_a_broken_driver(choose):
    choose(gpu={})
    name, reasons, opened, _ = choose(gpu={"error": 0.3})
    assert name is None
    assert "gpu: a test batch differs from the processor's by 0.199" in reasons[0]
    assert "processor" in opened  # to compare real windows, had there been another one


def test_one_that_is_off_is_not_taken(choose):
    """Two of 16 rows change their class: 12.5 % of the pixels, where 1 % is the most."""
    name, reasons, _, _ = choose(exact={"seconds": 0.02}, rough={"error": 0.001, "flipped": 2 / 16})
    assert name == "exact"
    (reason,) = reasons
    assert reason.startswith("rough: same class 87.50%")


def test_a_single_one_is_compared_with_the_processor_too(choose):
    """Its made-up batch differs by no more than is normal: only the classes of real windows tell."""
    rough = {"error": 0.001, "flipped": 2 / 16}
    name, reasons, _, _ = choose(rough=rough)
    assert name is None
    assert reasons[0].startswith("rough: same class 87.50%")


def test_a_broken_driver_is_told_from_low_precision(choose):
    name, reasons, _, _ = choose(broken={"error": 0.3}, low={"error": 0.01})
    assert name == "low"
    assert "broken: a test batch differs from the processor's by 0.199" in reasons[0]


def test_one_that_does_not_start(choose):
    name, reasons, _, _ = choose(absent={"fails": "No driver."}, there={})
    assert (name, reasons) == ("there", ["absent: No driver."])
    assert choose(absent={"fails": "No driver."})[:2] == (None, ["absent: No driver."])


def test_a_kept_one_that_breaks_is_measured_again(choose):
    traits = {"slow": {"seconds": 0.02}, "fast": {"seconds": 0.001}}
    choose(**traits)
    name, reasons, opened, _ = choose(slow={"seconds": 0.02}, fast={"fails": "Out of order."})
    assert (name, reasons, opened) == (
        "slow",
        ["fast: Out of order."],
        ["fast", "processor", "slow"],
    )


def test_none_without_a_gpu(segmenter, monkeypatch):
    """PyTorch built for the processor is not even imported."""
    path = Path(segmenter())
    monkeypatch.setattr(
        gpu_choice.onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"]
    )
    monkeypatch.setattr(gpu_choice.metadata, "version", lambda name: "2.13.0+cpu")
    assert gpu_backends(path, read_card(path), 1) == {}
