"""Folders of models: their order, and shared ones that are slow, missing or no folders."""

import os
import threading
import time
from pathlib import Path

import pytest

from engine.model_folders import ModelFolder, ask_folders, model_files, model_folders


def test_a_name_is_looked_up_in_own_then_shared_then_shipped_folders(monkeypatch):
    monkeypatch.setenv("SPECTRALGPT_MODELS", "/own")
    monkeypatch.setenv("SPECTRALGPT_SHARED_MODELS", os.pathsep.join(["/team", "/office"]))
    assert [(folder.path, folder.origin) for folder in model_folders()[:3]] == [
        (Path("/own"), "own"),
        (Path("/team"), "shared"),
        (Path("/office"), "shared"),
    ]
    assert model_folders()[3].origin == "shipped"


def test_only_models_are_files_of_a_folder(tmp_path):
    for name in ("b.onnx", "a.safetensors", "notes.txt", ".half.onnx", "OLD.ONNX"):
        (tmp_path / name).touch()
    found = [path.name for path in model_files(tmp_path)]
    assert found == ["OLD.ONNX", "a.safetensors", "b.onnx"]


def test_a_drive_that_does_not_answer_holds_nobody_up(tmp_path):
    (tmp_path / "a.onnx").touch()
    silent = threading.Event()

    def read(folder):
        if folder.name == "silent":
            silent.wait(30)
        return model_files(folder)

    folders = [
        ModelFolder(tmp_path / "silent", "shared"),
        ModelFolder(tmp_path, "own"),
        ModelFolder(tmp_path, "shared"),
    ]
    started = time.monotonic()
    dead, own, shared = ask_folders(folders, read, patience=0.3)
    assert time.monotonic() - started < 5
    silent.set()
    assert dead.problem == f"The folder {tmp_path / 'silent'} is not responding."
    assert own.found == shared.found == (tmp_path / "a.onnx",)


@pytest.mark.parametrize(
    ("name", "told"), [("none", "does not exist, or its drive"), ("file", "is a file, not")]
)
def test_what_is_wrong_with_a_shared_folder_is_told(tmp_path, name, told):
    (tmp_path / "file").touch()
    (answer,) = ask_folders([ModelFolder(tmp_path / name, "shared")], model_files)
    assert told in answer.problem
    assert answer.found == ()


def test_a_folder_of_ones_own_need_not_be_there(tmp_path):
    (answer,) = ask_folders([ModelFolder(tmp_path / "none", "own")], model_files)
    assert (answer.found, answer.problem) == ((), "")
