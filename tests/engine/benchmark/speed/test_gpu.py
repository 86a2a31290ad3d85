"""The GPU's part of the benchmark: what can be checked without a GPU, and the whole where there is one."""

from pathlib import Path

import pytest
import torch

from engine.benchmark.speed.base_model import write_base_model
from engine.benchmark.speed.gpu import flops, gpu
from engine.benchmark.speed.parts import Bench
from engine.cards import Band, Card, ModelClass
from engine.checkpoint import save
from engine.errors import DeviceUnavailable
from engine.model.classifier import SceneClassifier
from engine.model.config import SpectralGPTConfig
from engine.model_file import read_card
from engine.progress import Progress


def test_operations_of_a_network_small_enough_to_count(tmp_path):
    """One block of width 8 over 4 tokens, each of 3 x 8 x 8 values; two operations a multiplication.

    Tokens 4 x 192 x 8; q, k, v and their projection 4 x (4 x 8 x 8); attention twice 4 x 4 x 8;
    the block's two layers 2 x (4 x 8 x 32); two classes from the mean 8 x 2.
    """
    config = SpectralGPTConfig(
        bands=3, image_size=16, dim=8, depth=1, heads=1, decoder_dim=8, decoder_heads=1
    )
    card = Card(
        name="counted",
        task="scene-classification",
        bands=(Band("B02"), Band("B03"), Band("B04")),
        classes=(ModelClass(1, "a", "A", "#0000ff"), ModelClass(2, "b", "B", "#00ff00")),
        window=16,
    )
    save(tmp_path / "counted.safetensors", SceneClassifier(config, 2), card)
    products = 4 * 192 * 8 + 4 * (4 * 8 * 8) + 2 * (4 * 4 * 8) + 2 * (4 * 8 * 32) + 8 * 2
    assert flops(tmp_path / "counted.onnx", card) == 2 * products


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_without_a_gpu_it_says_so(tmp_path):
    with pytest.raises(DeviceUnavailable, match="needs an NVIDIA GPU"):
        gpu(Bench("landcover", 256, 1, 1, tmp_path), Progress())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU here")
def test_with_a_gpu_it_measures(tmp_path):
    figures = gpu(Bench("landcover", 512, 1, 0, Path(tmp_path)), Progress())
    names = [row.name for row in figures.rows]
    assert "base, 512 x 512 px" in names and "landcover, 512 x 512 px" in names
    assert all(0 < value < 1.2 for _, value in figures.ratios)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="minutes on a processor")
def test_the_base_model_is_of_the_published_size(tmp_path):
    card = read_card(write_base_model(tmp_path))
    assert (card.architecture["dim"], card.architecture["depth"], len(card.bands)) == (768, 12, 12)
