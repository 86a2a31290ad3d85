"""Opens the backend that runs a model: a GPU that computes correctly, else the fastest on this processor."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..cards import Card
from ..errors import DeviceUnavailable
from ..progress import Progress
from .backend import Backend
from .backend_choice import fastest
from .gpu_choice import fastest_gpu, gpu_backends
from .onnx_backend import CPU, OnnxBackend

_opening = threading.Lock()
_kept: dict[tuple[object, ...], Backend] | None = None


@contextmanager
def backends_kept() -> Iterator[None]:
    """While it lasts, `open_backend` returns a model that is loaded already instead of loading it again."""
    global _kept
    _kept = {}
    try:
        yield
    finally:
        _kept = None


def open_backend(
    path: Path, card: Card, device: str, threads: int, progress: Progress | None = None
) -> Backend:
    """Loads a model on the requested device, or returns the one that `backends_kept` holds.

    A GPU is used only after it has computed test windows as the processor does.

    Args:
        path: An .onnx file.
        card: Its card.
        device: "auto", "cpu" or "gpu".
        threads: Processor threads, 0 = all.
        progress: Logs why a GPU is not used.

    Raises:
        DeviceUnavailable: device is "gpu" and there is none that computes correctly.
        ModelInvalid: The file is no graph, or not the one its card describes.
        OutOfMemory: The model does not fit.
    """
    progress = progress or Progress()
    kept = _kept
    if kept is None:
        return _open(path, card, device, threads, progress)
    with _opening:
        status = path.stat()
        key = (path, status.st_size, status.st_mtime_ns, device, threads)
        if key not in kept:
            kept[key] = _open(path, card, device, threads, progress)
        return kept[key]


def _open(path: Path, card: Card, device: str, threads: int, progress: Progress) -> Backend:
    openers = {} if device == "cpu" else gpu_backends(path, card, threads)
    if not openers and device != "gpu":
        return fastest(path, card, threads, progress)
    gpu, reasons = fastest_gpu(
        lambda: OnnxBackend(path, card, CPU, threads), openers, path, card, progress
    )
    if gpu is not None:
        return gpu
    if device == "gpu":
        why = "; ".join(reasons) or (
            "this engine's ONNX Runtime was built for the processor only, and there is no PyTorch that sees a GPU"
        )
        raise DeviceUnavailable(
            f"A GPU was requested, but none can be used: {why}. Choose the device 'auto' or 'cpu', or install the "
            "engine for your GPU.",
            details=why,
        )
    for reason in reasons:
        progress.warning(f"The processor is used instead of the GPU. {reason}")
    return fastest(path, card, threads, progress)
