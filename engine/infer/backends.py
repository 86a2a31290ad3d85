"""Where a model computes: ONNX Runtime on the processor, or on a GPU that has shown that it computes the same."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as _state

from ..cards import Card
from ..errors import DeviceUnavailable, EngineError, ModelInvalid, OutOfMemory
from ..progress import Progress

Arrays = Mapping[str, NDArray[Any]]
Floats = NDArray[np.float32]

GPU_PROVIDERS = {
    "CUDAExecutionProvider": "CUDA",
    "DmlExecutionProvider": "DirectML",
    "CoreMLExecutionProvider": "Core ML",
}
GPU_BATCH = 8
# Probabilities of reduced-precision matrix units differ by less than this; a broken driver by far more.
AGREEMENT = 0.02

_CPU = "CPUExecutionProvider"
_QUIET = 3
_MEMORY_WORDS = ("alloc", "out of memory", "outofmemory", "e_outofmemory")
_RUNTIME_ERRORS: tuple[type[Exception], ...] = tuple(
    kind for kind in vars(_state).values() if isinstance(kind, type) and issubclass(kind, Exception)
)
_FAILURES: tuple[type[Exception], ...] = (MemoryError, *_RUNTIME_ERRORS)
_LOAD_FAILURES: tuple[type[Exception], ...] = (ValueError, *_FAILURES)


class Backend:
    """A loaded model on a device.

    Attributes:
        name: Library, version and provider, for the log.
        device: "cpu" or "gpu".
        batch: Windows that are best predicted together.
        inputs: Names of the inputs the graph has.
    """

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
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = _QUIET
        # The arena keeps the largest memory it ever needed, and more; without it memory is flat.
        options.enable_cpu_mem_arena = False
        options.enable_mem_pattern = provider != "DmlExecutionProvider"
        providers = [provider] if provider == _CPU else [provider, _CPU]
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=providers)
        except _LOAD_FAILURES as error:
            raise _load_error(path, error) from error
        if self._session.get_providers()[0] != provider:
            raise DeviceUnavailable(
                f"ONNX Runtime could not start {GPU_PROVIDERS[provider]}: its driver or libraries are missing or too "
                "old. Update the driver, or choose the processor."
            )
        self.device = "cpu" if provider == _CPU else "gpu"
        self.batch = 1 if provider == _CPU else GPU_BATCH
        label = "CPU" if provider == _CPU else GPU_PROVIDERS[provider]
        self.name = f"ONNX Runtime {onnxruntime.__version__}, {label}"
        self.inputs = frozenset(item.name for item in self._session.get_inputs())
        self._check_graph()

    def predict(self, feeds: Arrays) -> Floats:
        """Probabilities of a batch.

        Args:
            feeds: At least the graph's inputs, see the card: image or before and after float32 [B, C, S, S], valid
                float32 [B, 1, S, S], groups int64 [G]. Others are not passed on.

        Returns:
            float32 [B, K, S, S], or [B, K] for scenes.

        Raises:
            OutOfMemory: The device's memory does not suffice.
            ModelInvalid: The graph failed, or its output is not the card's classes.
        """
        try:
            (result,) = self._session.run(
                ["probabilities"], {name: feeds[name] for name in self.inputs}
            )
        except _FAILURES as error:
            raise _run_error(self._path, self.device, error) from error
        scores = np.asarray(result, np.float32)
        classes = len(self._card.classes)
        if scores.ndim not in (2, 4) or scores.shape[1] != classes:
            raise ModelInvalid(
                f"The model '{self._path.name}' gave scores of the shape {scores.shape}, its card has {classes} "
                "classes. The file does not fit its card: make or import it again."
            )
        return scores

    def _check_graph(self) -> None:
        dates = {"before", "after"} if self._card.task == "change-detection" else {"image"}
        known = dates | {"valid", "groups"}
        outputs = {item.name for item in self._session.get_outputs()}
        if not dates <= self.inputs <= known or "probabilities" not in outputs:
            raise ModelInvalid(
                f"The graph of '{self._path.name}' has the inputs {', '.join(sorted(self.inputs))} and the outputs "
                f"{', '.join(sorted(outputs))}; a model for {self._card.task} needs {', '.join(sorted(dates))} and "
                "gives probabilities. Import the model again."
            )
        size = [len(self._card.bands), self._card.window, self._card.window]
        for item in self._session.get_inputs():
            if item.name in dates:
                given = list(item.shape[1:])
                if len(given) != 3 or any(
                    isinstance(have, int) and have != want for have, want in zip(given, size)
                ):
                    raise ModelInvalid(
                        f"The graph of '{self._path.name}' takes {given} (bands, rows, columns), its card says {size}. "
                        "The file does not fit its card: make or import it again."
                    )


class FallingBackBackend(Backend):
    """A GPU that, when its memory is short, takes smaller batches and in the end gives way to the processor."""

    def __init__(
        self, path: Path, card: Card, provider: str, threads: int, progress: Progress
    ) -> None:
        """Loads the model on the GPU; warnings go to `progress`."""
        super().__init__(path, card, provider, threads)
        self._progress = progress
        self._processor: Backend | None = None

    def predict(self, feeds: Arrays) -> Floats:
        """As `Backend.predict`; never fails for lack of GPU memory."""
        if self._processor is not None:
            return self._processor.predict(feeds)
        count = len(next(feeds[name] for name in self.inputs if name != "groups"))
        try:
            return np.concatenate(
                [
                    super(FallingBackBackend, self).predict(_part(feeds, start, start + self.batch))
                    for start in range(0, count, self.batch)
                ]
            )
        except OutOfMemory:
            if self.batch > 1:
                self.batch = self.batch // 2
                self._progress.warning(
                    f"The GPU's memory is short: going on with {self.batch} windows at a time."
                )
            else:
                self._progress.warning(
                    "The GPU's memory does not suffice for one window: going on with the processor."
                )
                self._processor = Backend(self._path, self._card, _CPU, self._threads)
                self.device, self.name = self._processor.device, self._processor.name
            return self.predict(feeds)


def open_backend(
    path: Path, card: Card, device: str, threads: int, progress: Progress | None = None
) -> Backend:
    """Loads a model on the asked device.

    A GPU is believed only after it computed a random batch as the processor does.

    Args:
        path: An .onnx file.
        card: Its card.
        device: "auto", "cpu" or "gpu".
        threads: Processor threads, 0 = all.
        progress: Told why a GPU is not used.

    Raises:
        DeviceUnavailable: device is "gpu" and there is none that computes right.
        ModelInvalid: The file is no graph, or not the one its card describes.
        OutOfMemory: The model does not fit.
    """
    progress = progress or Progress()
    processor = Backend(path, card, _CPU, threads)
    if device == "cpu":
        return processor
    reasons = []
    for provider in (p for p in GPU_PROVIDERS if p in onnxruntime.get_available_providers()):
        label = GPU_PROVIDERS[provider]
        try:
            gpu = FallingBackBackend(path, card, provider, threads, progress)
            difference = _difference(processor, gpu, card)
        except EngineError as error:
            reasons.append(f"{label}: {error.message}")
            continue
        if gpu.device == "gpu" and difference <= AGREEMENT:
            return gpu
        reasons.append(
            f"{label}: a test batch differs from the processor's by {difference:.3g} (up to {AGREEMENT} is normal)"
        )
    if device == "gpu":
        why = "; ".join(reasons) or "this engine's ONNX Runtime was built for the processor only"
        raise DeviceUnavailable(
            f"A GPU was asked for and none can be used: {why}. Choose the device 'auto' or 'cpu', or install the "
            "engine for your GPU."
        )
    for reason in reasons:
        progress.warning(f"The GPU is not used, the processor is. {reason}")
    return processor


def _difference(processor: Backend, gpu: Backend, card: Card) -> float:
    """Largest difference of the probabilities of one random batch."""
    generator = np.random.default_rng(0)
    shape = (2, len(card.bands), card.window, card.window)
    feeds: dict[str, NDArray[Any]] = {
        name: generator.uniform(0.0, 0.5, shape).astype(np.float32)
        for name in ("image", "before", "after")
    }
    feeds["valid"] = np.ones((2, 1, card.window, card.window), np.float32)
    feeds["groups"] = np.arange(-(-len(card.bands) // card.spectral_patch), dtype=np.int64)
    difference = np.abs(processor.predict(feeds) - gpu.predict(feeds)).max()
    return float(difference) if np.isfinite(difference) else float("inf")


def _part(feeds: Arrays, start: int, stop: int) -> Arrays:
    return {name: a if name == "groups" else a[start:stop] for name, a in feeds.items()}


def _is_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or any(
        word in str(error).lower() for word in _MEMORY_WORDS
    )


def _load_error(path: Path, error: Exception) -> EngineError:
    if _is_memory(error):
        return _memory_error(path, "cpu", error)
    return ModelInvalid(
        f"ONNX Runtime {onnxruntime.__version__} cannot load '{path}': it is not a complete ONNX model, or needs a "
        "newer version. Copy the file again, or update the engine.",
        details=str(error),
    )


def _run_error(path: Path, device: str, error: Exception) -> EngineError:
    if _is_memory(error):
        return _memory_error(path, device, error)
    return ModelInvalid(
        f"The model '{path.name}' failed while it ran. Make or import it again; if it is one that ships, please report "
        "this.",
        details=str(error),
    )


def _memory_error(path: Path, device: str, error: Exception) -> OutOfMemory:
    where = "machine" if device == "cpu" else "GPU"
    return OutOfMemory(
        f"The {where} has too little free memory for the model '{path.name}'. Close other programs, or choose a "
        "smaller model.",
        details=str(error),
    )
