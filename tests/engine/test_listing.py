"""The verb `models`: where each model comes from, and what cannot be read."""

import dataclasses
import shutil
from pathlib import Path

import pytest

from engine.jobs import ModelsJob
from engine.listing import list_models
from engine.model_file import find_model
from engine.progress import Progress

TINY = Path(__file__).parents[1] / "data" / "models"


class Told(Progress):
    def __init__(self):
        super().__init__()
        self.warnings = []

    def emit(self, event):
        if event["event"] == "warning":
            self.warnings.append(event["message"])


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """An own, a shared and a shipped folder."""
    made = [tmp_path / name for name in ("own", "shared", "shipped")]
    for folder in made:
        folder.mkdir()
    monkeypatch.setenv("SPECTRALGPT_MODELS", str(made[0]))
    monkeypatch.setenv("SPECTRALGPT_SHARED_MODELS", str(made[1]))
    monkeypatch.setattr("engine.model_folders.shipped_models", lambda: made[2])
    return made


def listed(progress=None, **options):
    result = list_models(dataclasses.replace(ModelsJob(), **options), progress or Progress())
    return [(model["name"], model["origin"]) for model in result["models"]], result


def test_own_hides_shared_and_shared_hides_shipped(folders):
    own, shared, shipped = folders
    shutil.copy(TINY / "landcover.onnx", own)
    for name in ("landcover.onnx", "scenes.onnx"):
        shutil.copy(TINY / name, shared)
    for name in ("landcover.onnx", "scenes.onnx", "change.onnx"):
        shutil.copy(TINY / name, shipped)
    models, result = listed()
    assert models == [("landcover", "own"), ("scenes", "shared"), ("change", "shipped")]
    assert result["models"][0]["bytes"] == (TINY / "landcover.onnx").stat().st_size
    assert result["problems"] == []
    assert find_model("landcover") == own / "landcover.onnx"
    assert find_model("scenes") == shared / "scenes.onnx"
    assert listed(task="scene-classification")[0] == [("scenes", "shared")]


def test_shared_folders_can_be_left_out(folders):
    shutil.copy(TINY / "scenes.onnx", folders[1])
    assert listed()[0] == [("scenes", "shared")]
    assert listed(local=True)[0] == []


def test_what_cannot_be_read_is_told_and_left_out(folders):
    own, shared, _ = folders
    (own / "broken.onnx").write_bytes(b"nothing")
    shared.rmdir()
    progress = Told()
    models, result = listed(progress)
    assert models == []
    messages = [problem["message"] for problem in result["problems"]]
    assert "drive is not connected" in messages[0]
    assert "cannot be read as a model" in messages[1]
    assert progress.warnings == messages
