"""The ONNX Runtime backend, on the processor or on a GPU: the one that is always available."""

from __future__ import annotations

from pathlib import Path

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as _state

from ..cards import Card
from ..errors import DeviceUnavailable, EngineError, ModelInvalid, OutOfMemory
from .backend import Arrays, Backend, Floats, check_graph, checked_scores, lanes_of

GPU_PROVIDERS = {
    "CUDAExecutionProvider": "CUDA",
    "DmlExecutionProvider": "DirectML",
    "CoreMLExecutionProvider": "Core ML",
}
GPU_BATCH = 8
CPU = "CPUExecutionProvider"
_QUIET = 3
_MEMORY_WORDS = ("alloc", "out of memory", "outofmemory", "e_outofmemory")
_RUNTIME_ERRORS: tuple[type[Exception], ...] = tuple(
    kind for kind in vars(_state).values() if isinstance(kind, type) and issubclass(kind, Exception)
)
_FAILURES: tuple[type[Exception], ...] = (MemoryError, *_RUNTIME_ERRORS)
_LOAD_FAILURES: tuple[type[Exception], ...] = (ValueError, *_FAILURES)


class OnnxBackend(Backend):
    """A model in ONNX Runtime."""

    def __init__(self, path: Path, card: Card, provider: str, threads: int) -> None:
        """Loads the model.

        Args:
            path: An .onnx file.
            card: Its card.
            provider: ONNX Runtime's name of the provider.
            threads: Processor threads, 0 = all.

        Raises:
            ModelInvalid: The file is no graph, or not the one its card describes.
            DeviceUnavailable: The provider did not start.
            OutOfMemory: The model does not fit.
        """
        self._path, self._card, self._provider, self._threads = path, card, provider, threads
        # Two runs of one thread each are faster than one run of two threads.
        self.lanes, share = lanes_of(threads) if provider == CPU else (1, threads)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = share
        options.log_severity_level = _QUIET
        # The arena never gives memory back; without it memory stays flat.
        options.enable_cpu_mem_arena = False
        options.enable_mem_pattern = provider != "DmlExecutionProvider"
        providers = [provider] if provider == CPU else [provider, CPU]
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=providers)
        except _LOAD_FAILURES as error:
            raise _load_error(path, "cpu" if provider == CPU else "gpu", error) from error
        if self._session.get_providers()[0] != provider:
            raise DeviceUnavailable(
                f"ONNX Runtime could not start {GPU_PROVIDERS[provider]}: its driver or libraries are missing or "
                "outdated. Update the driver, or choose the processor."
            )
        self.device = "cpu" if provider == CPU else "gpu"
        self.batch = 1 if provider == CPU else GPU_BATCH
        label = "CPU" if provider == CPU else GPU_PROVIDERS[provider]
        self.name = f"ONNX Runtime {onnxruntime.__version__}, {label}"
        self.inputs = frozenset(item.name for item in self._session.get_inputs())
        check_graph(
            path,
            card,
            {item.name: item.shape for item in self._session.get_inputs()},
            {item.name for item in self._session.get_outputs()},
        )

    def predict(self, feeds: Arrays) -> Floats:
        """As `Backend.predict`."""
        try:
            (result,) = self._session.run(
                ["probabilities"], {name: feeds[name] for name in self.inputs}
            )
        except _FAILURES as error:
            raise _run_error(self._path, self.device, error) from error
        return checked_scores(result, self._path, self._card)


def _is_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or any(
        word in str(error).lower() for word in _MEMORY_WORDS
    )


def _load_error(path: Path, device: str, error: Exception) -> EngineError:
    if _is_memory(error):
        return _memory_error(path, device, error)
    return ModelInvalid(
        f"ONNX Runtime {onnxruntime.__version__} cannot load '{path}': the ONNX model is incomplete or needs a newer "
        "version. Copy the file again, or update the engine.",
        details=str(error),
    )


def _run_error(path: Path, device: str, error: Exception) -> EngineError:
    if _is_memory(error):
        return _memory_error(path, device, error)
    return ModelInvalid(
        f"The model '{path.name}' failed while running. Create or import it again. If it is one of the models that "
        "come with the plugin, please report this.",
        details=str(error),
    )


def _memory_error(path: Path, device: str, error: Exception) -> OutOfMemory:
    where = "computer" if device == "cpu" else "GPU"
    return OutOfMemory(
        f"The {where} does not have enough free memory for the model '{path.name}'. Close other programs, or choose a "
        "smaller model.",
        details=str(error),
    )
