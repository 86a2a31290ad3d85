"""Weights come back from a graph as they were, or not at all."""

import pytest
import torch

from engine.cards import Band, Card, ModelClass
from engine.errors import ModelInvalid
from engine.export.onnx import export_onnx
from engine.gpu.graph_weights import graph_weights
from engine.model.config import SpectralGPTConfig
from engine.model.predictor import Predictor
from engine.model.segmentation import SegmentationNetwork
from tests.engine.recorded import recorded_once

CONFIG = SpectralGPTConfig(bands=6, image_size=16, dim=16, depth=2, heads=2, decoder_dim=16)


@pytest.fixture(scope="module")
def recorded():
    with recorded_once():
        yield


@pytest.fixture(scope="module", params=[False, True], ids=["full", "half"])
def exported(request, tmp_path_factory, recorded):
    torch.manual_seed(0)
    card = Card(
        name="test",
        task="segmentation",
        bands=tuple(Band(f"B{n}") for n in range(6)),
        classes=tuple(ModelClass(n, f"c{n}", f"C{n}", "#0000ff") for n in (1, 2, 3)),
        window=16,
    )
    network = SegmentationNetwork(CONFIG, 3, width=16).eval()
    for weight in network.parameters():  # as after training: no two are alike
        torch.nn.init.normal_(weight, std=0.1)
    path = tmp_path_factory.mktemp("models") / "model.onnx"
    export_onnx(Predictor(network, card), card, path, half=request.param, quick=False)
    return path, network, 1e-3 if request.param else 0.0


def test_every_weight_comes_back(exported):
    path, network, tolerance = exported
    blocks = network.blocks.state_dict()
    wanted = {f"network.blocks.{name}": value for name, value in blocks.items()}
    assert any(name.endswith("attn.q.weight") for name in wanted)
    for name, value in graph_weights(path, wanted).items():
        assert value.dtype == torch.float32
        torch.testing.assert_close(value, wanted[name], atol=tolerance, rtol=tolerance)


def test_a_weight_that_is_not_there_is_named(exported):
    path, _, _ = exported
    with pytest.raises(ModelInvalid, match=r"'network.nothing.weight'.*\.safetensors"):
        graph_weights(path, {"network.nothing.weight": torch.zeros(2)})


def test_a_weight_of_another_shape_is_not_taken(exported):
    path, _, _ = exported
    with pytest.raises(ModelInvalid, match=r"'network\.blocks\.0\.norm1\.bias'"):
        graph_weights(path, {"network.blocks.0.norm1.bias": torch.zeros(17)})
