from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from engine.errors import DeviceUnavailable, ModelInvalid, OutOfMemory
from engine.infer import kept_choices, onnx_backend
from engine.infer.backends import open_backend
from engine.infer.onnx_backend import GPU_BATCH, OnnxBackend
from engine.model_file import read_card

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
REAL = onnxruntime.InferenceSession


class Pretender:
    """A session that says it runs on a GPU: the processor's results plus an error, or none beyond a batch size."""

    error = 0.0
    largest = 10**9
    starts = True

    def __init__(self, path, options, providers):
        self._session = REAL(path, options, providers=[CPU])
        self._providers = providers if self.starts else [CPU]
        self._gpu = self._providers[0] == CUDA
        self.get_inputs, self.get_outputs = self._session.get_inputs, self._session.get_outputs

    def get_providers(self):
        return self._providers

    def run(self, names, feeds):
        if self._gpu and len(feeds["image"]) > self.largest:
            raise onnx_backend._state.RuntimeException("CUDA out of memory")
        (result,) = self._session.run(names, feeds)
        return [result + self.error if self._gpu else result]


@pytest.fixture
def pretend(monkeypatch, tmp_path):
    monkeypatch.setattr(kept_choices, "KEPT", tmp_path / "kept.json")

    def pretend(**traits):
        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, CPU])
        kind = type("Session", (Pretender,), traits)
        monkeypatch.setattr(onnxruntime, "InferenceSession", kind)

    return pretend


@pytest.fixture
def model(segmenter):
    path = Path(segmenter())
    return path, read_card(path)


def batch(count):
    return {"image": np.random.default_rng(0).random((count, 3, 16, 16), np.float32)}


def test_the_processor(model, softmax):
    backend = open_backend(*model, "cpu", 1)
    assert (backend.device, backend.batch) == ("cpu", 1)
    assert backend.name == f"ONNX Runtime {onnxruntime.__version__}, CPU"
    feeds = batch(2)
    feeds["valid"] = np.ones((2, 1, 16, 16), np.float32)  # not declared by this graph: not fed
    scores = backend.predict(feeds)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores[1], softmax(feeds["image"][1]), atol=1e-6)


@pytest.mark.parametrize("device", ["auto", "gpu"])
def test_a_gpu_that_computes_the_same_is_believed(model, pretend, recorder, device):
    pretend(error=1e-4)
    progress = recorder()
    backend = open_backend(*model, device, 1, progress)
    assert (backend.device, backend.batch) == ("gpu", GPU_BATCH)
    assert backend.name.endswith("CUDA")
    assert not progress.texts("warning")


@pytest.mark.parametrize("traits", [{"error": 0.3}, {"error": float("nan")}, {"starts": False}])
def test_a_gpu_that_does_not_is_left_with_a_word(model, pretend, recorder, traits):
    pretend(**traits)
    progress = recorder()
    assert open_backend(*model, "auto", 1, progress).device == "cpu"
    (warning,) = progress.texts("warning")
    assert "The processor is used instead" in warning and "CUDA" in warning
    with pytest.raises(DeviceUnavailable, match="none can be used: CUDA"):
        open_backend(*model, "gpu", 1, progress)


def test_no_gpu_is_no_reason_for_a_warning(model, monkeypatch, recorder):
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CPU])
    progress = recorder()
    assert open_backend(*model, "auto", 1, progress).device == "cpu"
    assert progress.events == []


def test_a_gpu_with_little_memory_takes_smaller_batches(model, pretend, recorder):
    pretend(largest=2)
    progress = recorder()
    backend = open_backend(*model, "gpu", 1, progress)
    feeds = batch(7)
    expected = REAL(str(model[0]), providers=[CPU]).run(None, feeds)[0]
    np.testing.assert_allclose(backend.predict(feeds), expected, atol=1e-6)
    assert (backend.device, backend.batch) == ("gpu", 2)
    assert len(progress.texts("warning")) == 2  # 8 to 4, 4 to 2


def test_a_gpu_without_memory_gives_way_to_the_processor(model, pretend, recorder, monkeypatch):
    pretend(largest=2)
    progress = recorder()
    backend = open_backend(*model, "gpu", 1, progress)
    monkeypatch.setattr(onnxruntime.InferenceSession, "largest", 0)
    assert backend.predict(batch(3)).shape == (3, 3, 16, 16)
    assert backend.device == "cpu"
    assert backend.name.endswith("CPU")
    assert "The GPU does not have" in progress.texts("warning")[-1]


def test_a_gpu_too_small_for_the_model_is_named(model, monkeypatch):
    def session(*_, **__):
        raise onnx_backend._state.RuntimeException("CUDA out of memory")

    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    with pytest.raises(OutOfMemory, match="The GPU does not have"):
        OnnxBackend(*model, CUDA, 1)
    with pytest.raises(OutOfMemory, match="The computer does not have"):
        OnnxBackend(*model, CPU, 1)


@pytest.mark.parametrize(
    "raised", [MemoryError(), onnx_backend._state.RuntimeException("Failed to allocate memory")]
)
def test_too_little_memory_for_the_processor(model, monkeypatch, raised):
    backend = open_backend(*model, "cpu", 1)

    def run(*_):
        raise raised

    monkeypatch.setattr(backend, "_session", type("Session", (), {"run": staticmethod(run)}))
    with pytest.raises(OutOfMemory, match="smaller model"):
        backend.predict(batch(1))


def test_a_graph_that_is_not_the_cards(segmenter, change_detector):
    """The card of one model with the graph of another: window, inputs, and number of classes."""
    large = read_card(Path(segmenter("large.onnx", window=32)))
    small = Path(segmenter("small.onnx", window=16))
    with pytest.raises(ModelInvalid, match=r"expects \[3, 16, 16\].*says \[3, 32, 32\]"):
        open_backend(small, large, "cpu", 1)
    with pytest.raises(ModelInvalid, match="needs image"):
        open_backend(Path(change_detector()), read_card(small), "cpu", 1)
    two = read_card(Path(segmenter("two.onnx", classes=read_card(small).classes[:2])))
    with pytest.raises(ModelInvalid, match="its card has 2 classes"):
        open_backend(small, two, "cpu", 1).predict(batch(1))


def test_a_file_that_is_no_graph(tmp_path, model):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"no graph")
    with pytest.raises(ModelInvalid, match="cannot load"):
        OnnxBackend(path, model[1], CPU, 1)
    with pytest.raises(ModelInvalid, match=r"cannot (load|be read)"):
        open_backend(path, model[1], "cpu", 1)
