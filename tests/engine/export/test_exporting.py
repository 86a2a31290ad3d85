"""The verb `export`: copies, ONNX made of weights, and what is refused."""

import shutil
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from engine.checkpoint import load
from engine.errors import Cancelled, InvalidParameter, ModelInvalid, ModelTaskMismatch
from engine.export.exporting import export_model
from engine.model.predictor import Predictor
from engine.model_file import read_card, verify
from engine.model_jobs import ExportJob
from engine.progress import Progress

TINY = Path(__file__).parents[2] / "data" / "models"
SHIPPED = Path(__file__).parents[3] / "resources" / "models"


def export(model, output, form="onnx", progress=None):
    return export_model(ExportJob(str(model), str(output), form), progress or Progress())


@pytest.mark.parametrize(("form", "ending"), [("onnx", ".onnx"), ("safetensors", ".safetensors")])
def test_what_is_there_is_copied_with_its_card(tmp_path, form, ending):
    output = tmp_path / f"out{ending}"
    result = export(SHIPPED / "change.onnx", output, form)
    assert output.read_bytes() == (SHIPPED / f"change{ending}").read_bytes()
    assert result["model"]["sha256"] == verify(output)
    assert result["difference"] == 0
    assert read_card(output).title == "Urban change, Sentinel-2"


def test_weights_alone_become_a_graph_that_gives_the_same(tmp_path):
    source = shutil.copy(SHIPPED / "change.safetensors", tmp_path / "mine.safetensors")
    output = tmp_path / "out.onnx"
    result = export(source, output)
    assert result["difference"] < 1e-3
    network, card = load(source)
    predictor = Predictor(network, card).eval()
    inputs = predictor.example_inputs(2)
    with torch.inference_mode():
        expected = predictor(*inputs).numpy()
    session = onnxruntime.InferenceSession(output)
    names = [item.name for item in session.get_inputs()]
    feeds = dict(zip(predictor.input_names, (value.numpy() for value in inputs)))
    (given,) = session.run(["probabilities"], {name: feeds[name] for name in names})
    np.testing.assert_allclose(given, expected, atol=1e-3)


def test_a_backbone_gives_its_weights_and_no_graph(tmp_path):
    export(SHIPPED / "backbone.safetensors", tmp_path / "b.safetensors", "safetensors")
    verify(tmp_path / "b.safetensors")
    with pytest.raises(ModelTaskMismatch, match="cannot make predictions before it is fine-tuned"):
        export(SHIPPED / "backbone.safetensors", tmp_path / "b.onnx")
    assert not (tmp_path / "b.onnx").exists()


def test_a_model_without_weights_says_so(tmp_path):
    with pytest.raises(ModelInvalid, match=r"no scenes\.safetensors next to it"):
        export(TINY / "scenes.onnx", tmp_path / "s.safetensors", "safetensors")


def test_a_damaged_model_is_not_handed_on(tmp_path):
    content = bytearray((TINY / "scenes.onnx").read_bytes())
    content[60] ^= 1
    (tmp_path / "bad.onnx").write_bytes(content)
    with pytest.raises(ModelInvalid):
        export(tmp_path / "bad.onnx", tmp_path / "out.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["bad.onnx"]


def test_the_output_is_no_input_and_ends_as_it_must(tmp_path):
    model = shutil.copy(TINY / "scenes.onnx", tmp_path)
    with pytest.raises(InvalidParameter, match="also an input"):
        export(model, model)
    with pytest.raises(InvalidParameter, match=r"must end in \.onnx"):
        export(model, tmp_path / "x.pth")


def test_a_cancel_leaves_nothing(tmp_path):
    with pytest.raises(Cancelled):
        export(TINY / "scenes.onnx", tmp_path / "x.onnx", progress=Progress(lambda: True))
    assert list(tmp_path.iterdir()) == []
