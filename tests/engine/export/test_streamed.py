"""The streamed ONNX file: the same model as the ordinary one, whole, within the format's limit."""

import io

import numpy as np
import onnx
import onnx_ir
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from engine.cards import Band, Card, ModelClass, Normalisation
from engine.errors import InvalidParameter, OutputNotWritable
from engine.export.streamed import export_streamed, write_model
from engine.model.config import SpectralGPTConfig
from engine.model.predictor import Predictor
from engine.model.segmentation import SegmentationNetwork
from engine.model_file import read_card, verify

CARD = Card(
    name="test",
    task="segmentation",
    bands=tuple(Band(f"B{n}") for n in range(9)),
    window=32,
    normalisation=Normalisation("tile-minmax"),
    optional_groups=(1,),
    classes=tuple(ModelClass(n, f"c{n}", f"C{n}") for n in range(3)),
)


@pytest.fixture(scope="module")
def predictor():
    torch.manual_seed(0)
    config = SpectralGPTConfig(bands=9, image_size=32, dim=16, depth=1, heads=2)
    return Predictor(SegmentationNetwork(config, 3, width=16), CARD).eval()


@pytest.fixture(scope="module")
def exported(predictor, tmp_path_factory):
    path = tmp_path_factory.mktemp("streamed") / "model.onnx"
    return path, export_streamed(predictor, CARD, path)


def test_onnxruntime_gives_what_torch_gives(predictor, exported):
    session = onnxruntime.InferenceSession(exported[0])
    for batch, groups in ((1, [0, 1, 2]), (3, [0, 2])):
        image, valid, _ = predictor.example_inputs(batch)
        valid[..., :9, :] = 0
        inputs = (image, valid, torch.tensor(groups))
        feed = {name: value.numpy() for name, value in zip(predictor.input_names, inputs)}
        (given,) = session.run(["probabilities"], feed)
        with torch.inference_mode():
            np.testing.assert_allclose(given, predictor(*inputs).numpy(), atol=1e-5)


def test_file_is_a_valid_sealed_model_with_its_card(exported):
    path, sha256 = exported
    onnx.checker.check_model(path)
    assert verify(path) == sha256
    assert read_card(path) == CARD
    assert [item.name for item in path.parent.iterdir()] == ["model.onnx"]


def test_weights_are_put_back_where_onnx_expects_them():
    """y = x + a * b with the two initializers streamed beside the graph."""
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Mul", ["a", "b"], ["c"]), helper.make_node("Add", ["x", "c"], ["y"])],
        "test",
        [value("x", TensorProto.FLOAT, [2])],
        [value("y", TensorProto.FLOAT, [2])],
    )
    weights = [Weight("a", np.array([2.0, 3.0], "f")), Weight("b", np.array(10.0, "f"))]
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    file = io.BytesIO()
    write_model(file, model, weights)
    model = onnx.load_from_string(file.getvalue())
    stored = {item.name: numpy_helper.to_array(item).tolist() for item in model.graph.initializer}
    assert stored == {"a": [2, 3], "b": 10}
    session = onnxruntime.InferenceSession(file.getvalue())
    assert session.run(None, {"x": np.ones(2, "f")})[0].tolist() == [21, 31]


class Weight:
    """An array as the exporter hands it over; `nbytes` may be told larger than it is."""

    def __init__(self, name, values, nbytes=None):
        self.name, self.values = name, values
        self.shape, self.dtype = onnx_ir.Shape(values.shape), onnx_ir.DataType.FLOAT
        self.nbytes = nbytes or values.nbytes

    def tobytes(self):
        return self.values.tobytes()


def test_more_than_the_format_holds_is_refused_before_anything_is_written():
    file = io.BytesIO()
    with pytest.raises(InvalidParameter, match=r"needs 2\.6 GB.*\.safetensors"):
        write_model(file, onnx.ModelProto(), [Weight("a", np.zeros(1, "f"), int(2.6e9))])
    assert not file.getvalue()


def test_place_that_cannot_be_written(predictor, tmp_path):
    with pytest.raises(InvalidParameter, match=r"\.onnx"):
        export_streamed(predictor, CARD, tmp_path / "model.pt")
    with pytest.raises(OutputNotWritable):
        export_streamed(predictor, CARD, tmp_path / "none" / "model.onnx")
