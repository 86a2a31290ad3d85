"""Work on models, one task at a time: which jobs the engine gets, and in which order."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from spectralgpt_qgis import engine_access
from spectralgpt_qgis.engine_environment import Status
from spectralgpt_qgis.gui.models.work import ModelWork


@pytest.fixture
def work(models, monkeypatch):
    """Work whose engine answers at once; its jobs are in `jobs`."""
    made = ModelWork()
    made.jobs, made.task = [], "backbone"

    def engine(description, verb, job, then, tier="inference"):
        made.jobs.append((verb, Path(job["input"]).name, Path(job["output"]).name, tier))
        then({"outputs": {"output": job["output"]}, "task": made.task})

    monkeypatch.setattr(made, "_engine", engine)
    made.told = []
    made.succeeded.connect(lambda text, name: made.told.append(name))
    made.failed.connect(made.told.append)
    return made


def test_a_backbone_becomes_weights(work, tmp_path):
    work.take_in(tmp_path / "SpectralGPT+.pth")
    assert work.jobs == [("import", "SpectralGPT+.pth", "SpectralGPT+.safetensors", "training")]
    assert work.told == ["SpectralGPT+"]


def test_a_checkpoint_that_predicts_becomes_what_makes_maps_too(work, tmp_path):
    work.task = "segmentation"
    work.take_in(tmp_path / "seg.pth")
    assert [job[2] for job in work.jobs] == ["seg.safetensors", "seg.onnx"]
    assert work.told == ["seg"]


def test_what_was_fetched_for_it_is_removed(work, tmp_path):
    fetched = tmp_path / "a.pth"
    fetched.touch()
    work.take_in(fetched, remove=True)
    assert not fetched.exists()


def test_a_name_that_is_taken_gets_a_number(work, tmp_path):
    work.take_in(tmp_path / "landcover.onnx")
    assert work.jobs == [("import", "landcover.onnx", "landcover_2.onnx", "inference")]


def test_checkpoints_need_the_training_libraries_and_models_do_not(work, tmp_path, monkeypatch):
    ready = Status("ready", "", "inference", "cpu", python=engine_access.status().python)
    monkeypatch.setattr(engine_access, "status", lambda: ready)
    work.take_in(tmp_path / "a.pth")
    work.download("http://127.0.0.1/a.pth", "a.pth")
    assert work.jobs == []
    assert len(work.told) == 2 and all("training libraries" in text for text in work.told)
    work.take_in(tmp_path / "a.onnx")
    assert work.told[-1] == "a"


def test_one_thing_at_a_time(work, tmp_path):
    work._task = object()
    work.take_in(tmp_path / "a.onnx")
    assert work.jobs == []
    assert "Another model is being processed" in work.told[0]
    work._task = None


def test_where_no_model_can_be_kept_it_is_told(work, models, tmp_path):
    """Such as an engine home that is shared and read-only."""
    shutil.rmtree(models)
    models.write_text("in the way")
    work.take_in(tmp_path / "a.onnx")
    (told,) = work.told
    assert told.startswith(f"The folder for your models, {models}, cannot be created: ")
    assert work.jobs == []
