import sys

import pytest

from spectralgpt_qgis import paths
from spectralgpt_qgis.requirement_files import read_requirements


def test_the_pinned_files_of_both_tiers():
    inference = read_requirements(paths.REQUIREMENTS, "inference")
    training = read_requirements(paths.REQUIREMENTS, "training")
    assert set(inference.packages) < set(training.packages)
    assert inference.torch == ()
    assert not any(line.startswith("torch") for line in training.packages)
    assert all("==" in line for line in (*training.packages, *training.torch))
    assert inference.fingerprint != training.fingerprint


@pytest.mark.parametrize(
    ("system", "accelerator", "torch", "index"),
    [
        ("linux", "cpu", "torch==2.0+cpu", "https://download.pytorch.org/whl/cpu"),
        ("linux", "cuda", "torch==2.0", ""),
        ("win32", "cpu", "torch==2.0", ""),
        ("win32", "cuda", "torch==2.0+cu130", "https://download.pytorch.org/whl/cu130"),
        ("darwin", "cpu", "torch==2.0", ""),
    ],
)
def test_no_gigabytes_that_nobody_asked_for(
    tmp_path, monkeypatch, system, accelerator, torch, index
):
    marker = '; python_version >= "3.10"'
    (tmp_path / "training.txt").write_text(f"torch==2.0{marker}\nonnxruntime==1.2\n")
    monkeypatch.setattr(sys, "platform", system)
    found = read_requirements(tmp_path, "training", accelerator)
    assert found.torch == (torch + marker,)
    assert found.torch_index == index
    name = "onnxruntime-gpu[cuda,cudnn]" if accelerator == "cuda" else "onnxruntime"
    assert found.packages == (f"{name}==1.2",)
