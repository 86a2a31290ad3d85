"""The network behind a model file; on a machine with a GPU, what it computes there."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.cards import Band, Card, ModelClass
from engine.checkpoint import save
from engine.errors import ModelInvalid, OutOfMemory
from engine.gpu.torch_backend import PRECISIONS, HalfNetwork, TorchBackend, load_predictor
from engine.infer.agreement import agreement
from engine.infer.backend_samples import sample_windows
from engine.infer.backends import open_backend
from engine.infer.made_up_windows import random_windows
from engine.infer.onnx_backend import CPU, OnnxBackend
from engine.infer.segment import segment
from engine.jobs import SegmentJob
from engine.model.config import SpectralGPTConfig
from engine.model.segmentation import SegmentationNetwork
from engine.model_file import find_model, read_card
from engine.progress import Progress

CONFIG = SpectralGPTConfig(bands=6, image_size=16, dim=16, depth=1, heads=2, decoder_dim=16)
SAMPLE = Path(__file__).resolve().parents[3] / "resources" / "sample" / "boadella_2020-06-21.tif"

gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU here")


def shipped(name):
    path = find_model(name)
    return path, read_card(path)


class Warned(Progress):
    """Keeps the warnings."""

    def __init__(self):
        super().__init__()
        self.warnings = []

    def emit(self, event):
        if event["event"] == "warning":
            self.warnings.append(event["message"])


@pytest.fixture
def card():
    return Card(
        name="test",
        task="segmentation",
        bands=tuple(Band(f"B{n}") for n in range(6)),
        classes=(ModelClass(1, "a", "A", "#0000ff"), ModelClass(2, "b", "B", "#00ff00")),
        window=16,
    )


def test_a_shipped_graph_gives_back_its_network():
    """Without a file to train from beside it: the weights come from the graph, and compute what it computes."""
    path, card = shipped("landcover")
    assert not path.with_suffix(".safetensors").exists()
    window = sample_windows(card)[0]
    predictor = load_predictor(path, card).eval()
    with torch.inference_mode():
        given = predictor(*(torch.from_numpy(window[name]) for name in predictor.input_names))
    expected = OnnxBackend(path, card, CPU, 1).predict(window)
    np.testing.assert_allclose(given.numpy(), expected, atol=1e-4)


def test_the_weights_beside_the_graph_are_taken(tmp_path, card):
    network = SegmentationNetwork(CONFIG, 2, width=16).eval()
    save(tmp_path / "model.safetensors", network, card)
    path = tmp_path / "model.onnx"  # is not even read
    predictor = load_predictor(path, card)
    for name, value in network.state_dict().items():
        assert torch.equal(predictor.network.state_dict()[name], value), name


def test_another_model_of_the_same_name_beside_it_is_not_taken(tmp_path, card):
    other = dataclasses.replace(card, classes=(*card.classes, ModelClass(3, "c", "C", "#ff0000")))
    save(tmp_path / "landcover.safetensors", SegmentationNetwork(CONFIG, 3, width=16), other)
    path, its_card = shipped("landcover")
    copy = tmp_path / "landcover.onnx"
    copy.write_bytes(path.read_bytes())
    assert load_predictor(copy, its_card).network.network == its_card.architecture["network"]


def test_a_network_unknown_here_is_refused(tmp_path, card):
    with pytest.raises(ModelInvalid, match="Update the plugin"):
        load_predictor(tmp_path / "model.onnx", card)


def test_half_precision_takes_and_gives_float32():
    torch.manual_seed(0)
    network = SegmentationNetwork(CONFIG, 2, width=16).eval()
    image = torch.rand(2, 6, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = network(image=image)
        given = HalfNetwork(network)(image=image, groups=None)
    assert given.dtype == torch.float32
    error = float((given - expected).abs().max() / expected.abs().max())
    assert 1e-6 < error < 0.02  # eleven bits of significand, through some layers


@gpu
@pytest.mark.parametrize("name", ["landcover", "change"])
def test_shipped_models_on_the_gpu_agree_with_the_processor(name):
    path, card = shipped(name)
    windows = sample_windows(card)
    reference = OnnxBackend(path, card, CPU, 0)
    expected = [reference.predict(window) for window in windows]
    good = {}
    for precision in PRECISIONS:
        backend = TorchBackend(path, card, precision)
        assert backend.batch > 1
        good[precision] = agreement(expected, [backend.predict(window) for window in windows])
    assert good["float32"].good, good
    assert good["mixed"].good or good["half"].good, good


@gpu
def test_a_full_memory_halves_the_batch_and_the_run_goes_on():
    path, card = shipped("landcover")
    progress = Warned()
    backend = open_backend(path, card, "gpu", 0, progress)
    count = backend.batch
    feeds = random_windows(card, count)
    expected = backend.predict(feeds)
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    try:
        # What the process holds, and a little: a batch does not fit, a window does.
        torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 200e6) / total)
        given = backend.predict(feeds)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert backend.device == "gpu" and backend.batch < count
    assert any("The GPU is low on" in text for text in progress.warnings)
    np.testing.assert_allclose(given, expected, atol=0.02)


@gpu
def test_a_model_that_does_not_fit_at_all_says_so():
    path, card = shipped("landcover")
    torch.cuda.empty_cache()
    try:
        torch.cuda.set_per_process_memory_fraction(1e-5)
        with pytest.raises(OutOfMemory, match="smaller model"):
            TorchBackend(path, card, "float32")
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


@gpu
def test_a_map_made_on_the_gpu_says_so(tmp_path):
    import rasterio

    output = tmp_path / "map.tif"
    job = SegmentJob(input=str(SAMPLE), model="landcover", output=str(output), device="gpu")
    result = segment(job, Progress())
    assert result["device"] == "gpu"
    assert "PyTorch" in result["backend"] or "CUDA" in result["backend"]
    with rasterio.open(output) as dataset:
        assert any(result["backend"] in value for value in dataset.tags().values())
        on_gpu = dataset.read(1)
    segment(dataclasses.replace(job, device="cpu", output=str(tmp_path / "cpu.tif")), Progress())
    with rasterio.open(tmp_path / "cpu.tif") as dataset:
        assert np.mean(on_gpu == dataset.read(1)) > 0.99
