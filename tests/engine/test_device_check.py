"""What can compute: tried with a model that ships, and told with its reason where it cannot."""

from __future__ import annotations

import stat

import pytest

from engine import device_check
from engine.errors import DeviceUnavailable
from engine.infer import backends


def test_the_processor_computes_a_window():
    processor, gpu = device_check.check_devices("inference")
    assert (processor["device"], processor["use"], processor["works"]) == ("cpu", "maps", True)
    assert "CPU" in processor["name"] or "OpenVINO" in processor["name"]
    assert processor["milliseconds"] >= 0
    assert processor["window"] == 128  # of the models that ship
    assert gpu["device"] == "gpu"
    assert gpu["works"] is (gpu["reason"] == "")


def test_a_gpu_that_computes_wrong_does_not_work_and_the_reason_is_kept(monkeypatch):
    def refuse(path, card, device, threads, progress):
        raise DeviceUnavailable(f"{device}: a test batch differs by 0.5")

    monkeypatch.setattr(backends, "open_backend", refuse)
    outcomes = device_check.check_devices("inference")
    assert [(o["device"], o["works"], o["reason"]) for o in outcomes] == [
        ("cpu", False, "cpu: a test batch differs by 0.5"),
        ("gpu", False, "gpu: a test batch differs by 0.5"),
    ]


def test_without_a_model_nothing_is_claimed(monkeypatch):
    monkeypatch.setattr(device_check, "installed_models", list)
    assert device_check.check_devices("inference") == []


def test_training_tries_pytorch():
    torch = pytest.importorskip("torch")
    outcome = device_check.check_devices("training")[-1]
    assert (outcome["device"], outcome["use"]) == ("gpu", "training")
    assert outcome["works"] is torch.cuda.is_available()
    assert bool(outcome["reason"]) is not torch.cuda.is_available()


@pytest.mark.parametrize(
    ("script", "cards"),
    [
        (
            "echo 'NVIDIA A, 570.1, 8192 MiB'; echo; echo 'NVIDIA B, 570.1, 4096 MiB'",
            ["NVIDIA A, 570.1, 8192 MiB", "NVIDIA B, 570.1, 4096 MiB"],
        ),
        ("echo 'No devices were found'; exit 6", []),
    ],
)
def test_the_driver_is_asked_for_the_cards(tmp_path, monkeypatch, script, cards):
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(device_check.shutil, "which", lambda name: str(program))
    assert device_check.graphics_cards() == cards


def test_no_driver_no_cards(monkeypatch):
    monkeypatch.setattr(device_check.shutil, "which", lambda name: None)
    assert device_check.graphics_cards() == []
