"""The job that 'Train model from labels' sends to the engine."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from qgis.core import (
    QgsProcessingException,
    QgsProcessingFeedback,
)

from spectralgpt_qgis.i18n import language
from tests.plugin.conftest import ROOT, SAMPLE


def test_the_least_a_script_has_to_give(run, fake_engine, learning, scene, tmp_path):
    outputs = run("finetune", learning)
    job = dict(fake_engine.job)
    assert fake_engine.verb == "finetune"
    assert job.pop("labels").endswith("labels.gpkg")
    assert job == {
        "inputs": [scene],
        "after": [],
        "field": "class",
        "task": "segmentation",
        "base": "backbone",
        "method": "auto",
        "use": "anywhere",
        "epochs": 0,
        "seed": 0,
        "name": "",
        "device": "auto",
        "threads": 0,
        "crs": "EPSG:4326",
        "nodata": [],
        "multilabel": False,
        "classes": "",
        "validation": 20,
        "output_model": str(tmp_path / "mine.onnx"),
        "output_report": "",
        "language": language(),
    }
    assert fake_engine.seen == [("32631", ["water", "trees"])]
    assert not Path(fake_engine.job["labels"]).exists(), "the temporary file must be gone"
    assert outputs == {
        "OUTPUT_MODEL": str(tmp_path / "mine.onnx"),
        "MODEL_NAME": "mine",
        "METHOD_USED": "quick",
        "CLASS_COUNT": 2,
    }
    assert "mine.onnx as the model in 'Land-cover map'" in run.feedback.textLog()


def test_everything_a_script_can_give(run, fake_engine, learning, scene, later_scene, tmp_path):
    run(
        "finetune",
        {
            **learning,
            "INPUT": [scene, later_scene],
            "AFTER": [later_scene, scene],
            "TASK": "change",
            "METHOD": "full",
            "EPOCHS": 7,
            "DEVICE": "cpu",
            "SEED": 3,
            "THREADS": 2,
            "BANDS": "1, 2 3;4 5 6 7 8 9",
            "AFTER_BANDS": [9, 8, 7, 6, 5, 4, 3, 2, 1],
            "VALIDATION": 0,
            "NAME": " burnt ",
            "OUTPUT_REPORT": str(tmp_path / "report.html"),
        },
    )
    job = fake_engine.job
    assert (job["inputs"], job["after"]) == ([scene, later_scene], [later_scene, scene])
    assert (job["task"], job["method"], job["epochs"]) == ("change-detection", "full", 7)
    assert (job["device"], job["seed"], job["threads"]) == ("cpu", 3, 2)
    assert job["bands"] == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert job["after_bands"] == [9, 8, 7, 6, 5, 4, 3, 2, 1]
    assert (job["validation"], job["name"]) == (0, "burnt")
    assert job["output_report"] == str(tmp_path / "report.html")


def test_every_job_is_one_that_the_engine_takes(run, fake_engine, learning, scene, tmp_path):
    """The engine's own job classes check the fields, in the engine's Python."""
    import subprocess

    from spectralgpt_qgis import engine_access

    jobs = []
    run("finetune", learning)
    jobs.append({"verb": fake_engine.verb, "parameters": fake_engine.job})
    fake_engine.during = None
    run("pretrain", {"INPUTS": [scene], "OUTPUT_MODEL": str(tmp_path / "b.safetensors")})
    jobs.append({"verb": fake_engine.verb, "parameters": fake_engine.job})
    run("evaluate", {"INPUT": scene, "REFERENCE": learning["LABELS"], "FIELD": "class"})
    jobs.append({"verb": fake_engine.verb, "parameters": fake_engine.job})
    classes = str(SAMPLE / "boadella_2020-06-21_water.tif")
    run("sample", {"INPUT": classes, "OUTPUT": str(tmp_path / "points.gpkg")})
    jobs.append({"verb": fake_engine.verb, "parameters": fake_engine.job})
    program = (
        "import json, sys; from engine.jobs import VERBS\n"
        "for j in json.load(sys.stdin): VERBS[j['verb']][0].from_parameters(j['parameters'])"
    )
    python = str(engine_access.status().python)
    done = subprocess.run(
        [python, "-c", program], input=json.dumps(jobs), cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert [job["verb"] for job in jobs] == ["finetune", "pretrain", "evaluate", "sample"]


def test_by_default_a_model_is_installed_and_replaces_none(run, fake_engine, learning, models):
    del learning["OUTPUT_MODEL"]
    shutil.rmtree(models)
    run("finetune", learning)
    assert fake_engine.job["output_model"] == str(models / "my_model.onnx")
    assert models.is_dir(), "made for the first model"
    assert "'my_model' is now installed. Choose it by this name" in run.feedback.textLog()
    (models / "my_model.safetensors").write_bytes(b"x")
    run("finetune", learning)
    assert fake_engine.job["output_model"] == str(models / "my_model_2.onnx")


def test_where_no_model_can_be_kept_it_is_told(run, learning, models):
    shutil.rmtree(models)
    models.write_text("in the way")
    output = str(models / "mine.onnx")
    with pytest.raises(QgsProcessingException, match="cannot be created"):
        run("finetune", {**learning, "OUTPUT_MODEL": output})


def test_a_base_that_shares_its_name_is_given_by_its_file(run, fake_engine, learning, monkeypatch):
    from spectralgpt_qgis import model_catalogue
    from spectralgpt_qgis.model_catalogue import InstalledModel

    mine = [
        InstalledModel("mine", "segmentation", "Mine", "/m/mine.onnx", bands=("B02",)),
        InstalledModel(
            "mine", "segmentation", "Mine", "/m/mine.safetensors", bands=("B02",), can_predict=False
        ),
    ]
    monkeypatch.setattr(model_catalogue, "installed_models", lambda: tuple(mine))
    run("finetune", {**learning, "BASE": "mine"})
    assert fake_engine.job["base"] == "mine.safetensors"


def test_a_stopped_training_keeps_its_best_model(run, fake_engine, learning):
    feedback = QgsProcessingFeedback()
    fake_engine.during = lambda job: feedback.cancel()
    outputs = run("finetune", learning, feedback)
    assert outputs["MODEL_NAME"] == "mine"
    assert "The results so far were kept" in feedback.textLog()


def test_what_a_killed_engine_leaves_behind_is_removed(run, fake_engine, learning, tmp_path):
    from spectralgpt_qgis.engine_client import EngineFailed

    fake_engine.pid = 4711
    (tmp_path / ".spectralgpt-4711-abc").mkdir()
    fake_engine.failure = EngineFailed("EngineDied", "It was killed.")
    with pytest.raises(QgsProcessingException, match="It was killed"):
        run("finetune", learning)
    assert not (tmp_path / ".spectralgpt-4711-abc").exists()
