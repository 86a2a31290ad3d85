import dataclasses

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, numpy_helper
from torch import nn

from engine.cards import Band, Card, ModelClass, Normalisation
from engine.errors import InvalidParameter, ModelInvalid, OutputNotWritable
from engine.export.onnx import IR_VERSION, OPSET, export_onnx
from engine.model.change import ChangeNetwork
from engine.model.classifier import SceneClassifier
from engine.model.config import SpectralGPTConfig
from engine.model.predictor import Predictor
from engine.model.segmentation import SegmentationNetwork
from engine.model_file import read_card, verify
from tests.engine.recorded import recorded_once

SIDE = 32
CONFIG = SpectralGPTConfig(
    bands=9, image_size=SIDE, patch=8, dim=32, depth=2, heads=2, decoder_dim=16, decoder_heads=2
)


def card(task, classes, **settings):
    return Card(
        name="trial",
        task=task,
        title="Trial",
        bands=tuple(Band(f"B{n}", "", 0.5 + n / 10, 0.05) for n in range(9)),
        window=SIDE,
        normalisation=Normalisation("statistics", (0.4,) * 9, (0.3,) * 9),
        optional_groups=(1,),
        classes=tuple(ModelClass(n + 1, f"c{n}", f"Class {n}", "#102030") for n in range(classes)),
        **settings,
    )


def classifier(**settings):
    torch.manual_seed(0)
    network = SceneClassifier(CONFIG, 4)
    nn.init.normal_(network.head.weight, std=0.5)
    return Predictor(network, card("scene-classification", 4, **settings))


def segmentation():
    torch.manual_seed(0)
    return Predictor(SegmentationNetwork(CONFIG, 3, width=16), card("segmentation", 3))


def change():
    torch.manual_seed(0)
    return Predictor(ChangeNetwork(CONFIG, width=16), card("change-detection", 2))


@pytest.fixture(scope="module", autouse=True)
def recorded():
    with recorded_once():
        yield


@pytest.fixture(scope="module", params=[classifier, segmentation, change], ids=lambda f: f.__name__)
def exported(request, tmp_path_factory):
    predictor = request.param()
    path = tmp_path_factory.mktemp("export") / "trial.onnx"
    return predictor, export_onnx(predictor, predictor.card, path)


def test_any_batch_any_groups_and_no_data_agree_with_torch(exported):
    """What an export is checked on is not all: other batches, values and holes agree too."""
    predictor, result = exported
    session = onnxruntime.InferenceSession(result.path)
    assert [item.name for item in session.get_inputs()] == list(predictor.input_names)
    assert [item.name for item in session.get_outputs()] == ["probabilities"]
    for batch, groups in ((1, [0, 2]), (4, [0, 1, 2]), (2, [0])):
        inputs = [torch.rand(batch, 9, SIDE, SIDE) for _ in predictor.images]
        valid = (torch.rand(batch, 1, SIDE, SIDE) > 0.3).float()
        inputs = (*inputs, valid, torch.tensor(groups))
        feed = {name: value.numpy() for name, value in zip(predictor.input_names, inputs)}
        (given,) = session.run(None, feed)
        with torch.inference_mode():
            expected = predictor(*inputs).numpy()
        assert np.abs(given - expected).max() < 1e-4
        assert given.sum(axis=1) == pytest.approx(1, abs=1e-4)
    assert result.difference < 1e-4


def test_the_file_carries_its_card_and_seal(exported):
    predictor, result = exported
    assert read_card(result.path) == predictor.card
    assert verify(result.path) == result.sha256
    proto = onnx.load(result.path)
    assert proto.ir_version == IR_VERSION
    assert [item.version for item in proto.opset_import if item.domain == ""] == [OPSET]
    onnx.checker.check_model(proto)
    assert [file.name for file in result.path.parent.iterdir()] == ["trial.onnx"]


def test_nothing_of_this_machine_stays_in_the_file(exported):
    """The exporter notes the source line of every node, with paths."""
    _, result = exported
    content = result.path.read_bytes()
    assert b"Traceback" not in content
    assert b".py" not in content


def test_half_weights_take_half_the_file_and_are_computed_with_as_float32(tmp_path):
    predictor = classifier()
    whole = export_onnx(predictor, predictor.card, tmp_path / "whole.onnx")
    half = export_onnx(predictor, predictor.card, tmp_path / "half.onnx", half=True)
    assert half.path.stat().st_size < 0.65 * whole.path.stat().st_size
    assert half.difference < 1e-3
    proto = onnx.load(half.path)
    stored = {tensor.name: tensor for tensor in proto.graph.initializer}
    large = [t for t in stored.values() if numpy_helper.to_array(t).size >= 1024]
    assert {t.data_type for t in large if t.data_type != TensorProto.INT64} == {TensorProto.FLOAT16}
    casts = {node.input[0]: node for node in proto.graph.node if node.op_type == "Cast"}
    assert all(casts[t.name].attribute[0].i == TensorProto.FLOAT for t in large)


def test_a_difference_beyond_the_tolerance_is_refused_and_leaves_nothing(tmp_path):
    with pytest.raises(ModelInvalid, match=r"differ from those of the network by .*full weights"):
        predictor = classifier()
        path = tmp_path / "x.onnx"
        export_onnx(predictor, predictor.card, path, half=True, tolerance=1e-12)
    assert list(tmp_path.iterdir()) == []


def test_multilabel_and_tile_minmax_are_inside_the_graph(tmp_path):
    predictor = classifier(multilabel=True)
    card = dataclasses.replace(predictor.card, normalisation=Normalisation("tile-minmax"))
    predictor = Predictor(predictor.network, card)
    result = export_onnx(predictor, card, tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(result.path)
    image = np.random.default_rng(0).random((1, 9, SIDE, SIDE), dtype=np.float32)
    feed = {"valid": np.ones((1, 1, SIDE, SIDE), np.float32), "groups": np.arange(3)}
    (one,) = session.run(None, {"image": image, **feed})
    (other,) = session.run(None, {"image": 5 * image + 2, **feed})
    assert one == pytest.approx(other, abs=1e-4)
    assert one.sum() != pytest.approx(1, abs=1e-3)


class Plain(nn.Module):
    def forward(self, image, groups=None):
        return image.mean((2, 3))[:, :2]


@pytest.mark.parametrize(
    ("name", "error"),
    [("model.txt", InvalidParameter), ("missing/model.onnx", OutputNotWritable)],
)
def test_a_path_that_cannot_be_written_is_refused(tmp_path, name, error):
    trial = dataclasses.replace(card("scene-classification", 2), optional_groups=())
    with pytest.raises(error):
        export_onnx(Predictor(Plain(), trial), trial, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("make", [classifier, segmentation, change], ids=lambda f: f.__name__)
def test_a_graph_asked_for_quickly_gives_the_same_values(make, tmp_path):
    """Where the quick recording differs, as with pooling to odd sizes, the thorough one is taken."""
    predictor = make()
    exported = export_onnx(predictor, predictor.card, tmp_path / "quick.onnx", quick=True)
    assert exported.difference < 1e-3
    given = {item.name for item in onnxruntime.InferenceSession(str(exported.path)).get_inputs()}
    assert given <= set(predictor.input_names)
