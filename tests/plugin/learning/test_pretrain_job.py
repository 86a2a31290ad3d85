"""The job that 'Pretrain backbone' sends to the engine."""

from __future__ import annotations

import pytest

from spectralgpt_qgis.i18n import language


def test_pretraining(run, fake_engine, scene, later_scene, tmp_path):
    fake_engine.result = {"model": {"name": "mine", "sha256": "0"}, "final_loss": 0.25}
    outputs = run(
        "pretrain",
        {
            "INPUTS": [scene, later_scene],
            "FOLDER": str(tmp_path),
            "BASE": "tiny",
            "STAGES": "64:20:1e-3; 128:10::0.8:*2020-06*",
            "MASK_RATIO": 0.75,
            "EPOCHS": 2,
            "BATCH": 8,
            "STEPS": 5,
            "LOSS": "spectral-mean",
            "POSITIONS": "drop",
            "CHECKPOINT": str(tmp_path),
            "SEED": 1,
            "NAME": "mine",
            "OUTPUT_MODEL": str(tmp_path / "mine.safetensors"),
            "OUTPUT_REPORT": str(tmp_path / "report.html"),
            "OUTPUT_RECONSTRUCTION": str(tmp_path / "seen.tif"),
        },
    )
    assert fake_engine.verb == "pretrain"
    assert fake_engine.job == {
        "inputs": [scene, later_scene, str(tmp_path)],
        "base": "tiny",
        "stages": "64:20:1e-3; 128:10::0.8:*2020-06*",
        "mask_ratio": 0.75,
        "epochs": 2,
        "batch": 8,
        "steps": 5,
        "loss": "spectral-mean",
        "positions": "drop",
        "checkpoint": str(tmp_path),
        "seed": 1,
        "name": "mine",
        "device": "auto",
        "threads": 0,
        "crs": "EPSG:4326",
        "nodata": [],
        "output_model": str(tmp_path / "mine.safetensors"),
        "output_report": str(tmp_path / "report.html"),
        "language": language(),
        "output_reconstruction": str(tmp_path / "seen.tif"),
    }
    assert (outputs["MODEL_NAME"], outputs["FINAL_LOSS"]) == ("mine", 0.25)
    assert outputs["OUTPUT_RECONSTRUCTION"] == str(tmp_path / "seen.tif")


def test_pretraining_on_a_folder_alone(run, fake_engine, tmp_path, models):
    fake_engine.result = {"model": {"name": "my_backbone"}}
    run("pretrain", {"FOLDER": str(tmp_path)})
    assert fake_engine.job["inputs"] == [str(tmp_path)]
    assert fake_engine.job["output_model"] == str(models / "my_backbone.safetensors")
    assert fake_engine.job["checkpoint"] == ""


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"INPUTS": None}, "No training data"),
        ({"INPUTS": None, "FOLDER": "/nowhere"}, "no folder '/nowhere'"),
        ({"STAGES": "64"}, "The stage '64' is not valid"),
        ({"STAGES": "64:20; large:2"}, "The stage 'large:2' is not valid"),
        ({"STAGES": "64:20:fast"}, "The stage '64:20:fast' is not valid"),
        ({"MASK_RATIO": 1.0}, "must be between 0.1 and 0.99"),
        ({"BASE": "enormous"}, "tiny, small, base, large, huge"),
        ({"OUTPUT_MODEL": "/tmp/b.onnx"}, "ends in .safetensors"),
    ],
)
def test_what_pretraining_refuses(refused, scene, given, told):
    parameters = {"INPUTS": [scene], "OUTPUT_MODEL": "/tmp/b.safetensors"}
    assert refused("pretrain", parameters) == ""
    assert told in refused("pretrain", {**parameters, **given})
