"""The verb `import`, from a published file to a model of ours; how much memory it takes."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from engine import checkpoint
from engine.errors import (
    Cancelled,
    CheckpointMismatch,
    InvalidParameter,
    ModelInvalid,
    ModelTaskMismatch,
)
from engine.importing import import_model
from engine.jobs import ImportJob
from engine.model.predictor import Predictor
from engine.model_file import read_card, verify
from engine.official import load_official
from engine.progress import Progress
from tests.engine.official_weights import SHAPES, container, random_array

ROOT = Path(__file__).parents[2]

# Runs in a fresh process: the peak of this one's memory says nothing.
MEASURED_IMPORT = """
import json, sys
import torch
import onnxruntime
from engine.importing import import_model
from engine.jobs import ImportJob
from engine.progress import Progress

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))

before = peak()
result = import_model(ImportJob(sys.argv[1], sys.argv[2]), Progress())
json.dump({"result": result, "memory": peak() - before}, sys.stdout)
"""


def measured_import(source, output):
    """The result, and the peak memory over the size of the file."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED_IMPORT, source, output],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout)
    return told["result"], told["memory"] / source.stat().st_size


@pytest.fixture
def backbone(tmp_path):
    """A published backbone's file of little size: every tensor shows one stored number."""
    path = tmp_path / "SpectralGPT.pth"
    shapes = SHAPES["pretrain_96"].items()
    torch.save({"model": {k: torch.zeros(()).expand(tuple(s)) for k, s in shapes}}, path)
    return path


class Told(Progress):
    def __init__(self, cancel_at=2.0):
        super().__init__(lambda: self.last >= cancel_at)
        self.last, self.fractions = 0.0, []

    def emit(self, event):
        if event["event"] == "progress":
            self.last = event["fraction"]
            self.fractions.append(self.last)


def test_backbone_to_train_from(tmp_path, backbone):
    output, progress = tmp_path / "model.safetensors", Told()
    result = import_model(ImportJob(str(backbone), str(output), name="mine"), progress)
    network, card = checkpoint.load(output)
    assert network.config.image_size == card.window == 96
    assert card.training["source"] == {
        "file": "SpectralGPT.pth",
        "sha256": hashlib.sha256(backbone.read_bytes()).hexdigest(),
    }
    assert result["outputs"] == {"output": str(output)}
    assert result["model"] == {"name": "mine", "sha256": verify(output)}
    assert result["task"] == card.task == "backbone"
    assert result["parameters"] == 98_496_960
    assert result["bands"][-1] == "B12"
    json.dumps(result)
    assert progress.fractions[0] == 0
    assert progress.fractions[-1] == 1


def test_name_comes_from_the_output(tmp_path, backbone):
    output = tmp_path / "our-base.safetensors"
    import_model(ImportJob(str(backbone), str(output)), Progress())
    assert read_card(output).name == "our-base"


@pytest.mark.parametrize(
    "output, kind, error, words",
    [
        (
            "model.onnx",
            "auto",
            ModelTaskMismatch,
            "cannot make predictions before it is fine-tuned",
        ),
        ("model.pth", "auto", InvalidParameter, r"must end in \.safetensors or \.onnx"),
        ("model.safetensors", "segmentation", CheckpointMismatch, r"68 missing \(fc\.0\.weight"),
    ],
)
def test_what_cannot_be_imported_leaves_nothing(tmp_path, backbone, output, kind, error, words):
    with pytest.raises(error, match=words):
        import_model(ImportJob(str(backbone), str(tmp_path / output), kind), Progress())
    assert list(tmp_path.iterdir()) == [backbone]


def test_cancel_leaves_nothing(tmp_path, backbone):
    job = ImportJob(str(backbone), str(tmp_path / "model.safetensors"))
    with pytest.raises(Cancelled):
        import_model(job, Told(cancel_at=0.2))
    assert list(tmp_path.iterdir()) == [backbone]


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak memory from /proc")
def test_memory_of_an_import_to_train_from(tmp_path):
    source, output = tmp_path / "model_3con_loss_51_0.pth", tmp_path / "model.safetensors"
    shapes = SHAPES["segmentation_128"].items()
    torch.save({"model": {k: torch.full(tuple(s), 0.5) for k, s in shapes}}, source)
    assert source.stat().st_size > 400e6
    result, ratio = measured_import(source, output)
    assert ratio < 2.2
    assert result["parameters"] == 109_244_946
    assert result["classes"][12]["title"] == "Buildings"


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak memory from /proc")
def test_import_to_predict_with(tmp_path):
    """The published change file as .onnx: memory, and the same probabilities as in torch."""
    source, output = tmp_path / "spectralGPT+_54_28.pth", tmp_path / "change.onnx"
    torch.save(container("change_128"), source)
    result, ratio = measured_import(source, output)
    assert ratio < 2.2
    assert result["model"] == {"name": "change", "sha256": verify(output)}

    card = read_card(output)
    predictor = Predictor(load_official(source)[0], card)
    inputs = [random_array(seed, 1, 12, 128, 128) for seed in (1, 2)]
    valid = torch.ones(1, 1, 128, 128)
    valid[..., :50] = 0
    inputs.append(valid)
    with torch.inference_mode():
        expected = predictor(*inputs).numpy()
    session = onnxruntime.InferenceSession(output)
    feed = {name: value.numpy() for name, value in zip(predictor.input_names, inputs)}
    (given,) = session.run(["probabilities"], feed)
    assert given.shape == (1, 2, 128, 128)
    assert expected.std() > 0.05
    np.testing.assert_allclose(given, expected, atol=1e-4)


# -- models of ours --------------------------------------------------------------------------------

TINY = ROOT / "tests" / "data" / "models"


def test_a_model_of_ours_is_checked_and_copied(tmp_path):
    output = tmp_path / "landcover.onnx"
    result = import_model(ImportJob(str(TINY / "landcover.onnx"), str(output)), Progress())
    assert output.read_bytes() == (TINY / "landcover.onnx").read_bytes()
    assert result["title"] == "Test land cover"
    assert result["task"] == "segmentation"
    assert result["classes"][0] == {
        "value": 1,
        "name": "water",
        "title": "Water",
        "color": "#2a7fb8",
    }


def test_a_copy_may_have_another_name(tmp_path):
    output = tmp_path / "b.onnx"
    job = ImportJob(str(TINY / "landcover.onnx"), str(output), name="mine")
    assert import_model(job, Progress())["model"]["sha256"] == verify(output)
    assert read_card(output).name == "mine"


def test_a_changed_model_is_not_taken_in(tmp_path):
    content = bytearray((TINY / "landcover.onnx").read_bytes())
    content[60] ^= 1
    (tmp_path / "bad.onnx").write_bytes(content)
    with pytest.raises(ModelInvalid):
        import_model(ImportJob(str(tmp_path / "bad.onnx"), str(tmp_path / "b.onnx")), Progress())
    assert [path.name for path in tmp_path.iterdir()] == ["bad.onnx"]


def test_a_copy_keeps_its_kind(tmp_path):
    job = ImportJob(str(TINY / "landcover.onnx"), str(tmp_path / "b.safetensors"))
    with pytest.raises(InvalidParameter, match="use 'Export model'"):
        import_model(job, Progress())


def test_a_foreign_model_is_told_from_ours(tmp_path):
    from engine.export.deepness import export_deepness

    foreign = tmp_path / "foreign.onnx"
    export_deepness(TINY / "landcover.onnx", foreign, "", Progress())
    with pytest.raises(ModelInvalid, match="It seems to have been"):
        import_model(ImportJob(str(foreign), str(tmp_path / "b.onnx")), Progress())


def test_taking_in_a_model_of_ours_needs_no_training_library():
    code = "import sys, engine.importing, engine.renaming; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
