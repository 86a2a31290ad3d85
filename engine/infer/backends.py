"""Which backend runs a model: a GPU that computes right, else the fastest on this processor that does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime

from ..cards import Card
from ..errors import DeviceUnavailable, EngineError
from ..progress import Progress
from .backend import Backend
from .backend_choice import fastest
from .backend_samples import random_windows
from .onnx_backend import CPU, GPU_PROVIDERS, FallingBackBackend, OnnxBackend

# Probabilities of reduced-precision matrix units differ by less than this; a broken driver by far more.
AGREEMENT = 0.02


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
    providers = [name for name in GPU_PROVIDERS if name in onnxruntime.get_available_providers()]
    if device == "cpu" or (device == "auto" and not providers):
        return fastest(path, card, threads, progress)
    processor = OnnxBackend(path, card, CPU, threads)
    reasons = []
    for provider in providers:
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
            "engine for your GPU.",
            details=why,
        )
    for reason in reasons:
        progress.warning(f"The GPU is not used, the processor is. {reason}")
    return fastest(path, card, threads, progress)


def _difference(processor: Backend, gpu: Backend, card: Card) -> float:
    """Largest difference of the probabilities of one random batch."""
    feeds = random_windows(card, 2)
    difference = np.abs(processor.predict(feeds) - gpu.predict(feeds)).max()
    return float(difference) if np.isfinite(difference) else float("inf")
