"""Chooses the fastest GPU backend that keeps a model's results: measured once, later only checked."""

from __future__ import annotations

import ctypes
import functools
import sys
from collections.abc import Mapping
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnxruntime

from ..cards import Card
from ..errors import EngineError
from ..progress import Progress
from .agreement import agreement
from .backend import Arrays, Backend, Floats
from .backend_choice import seconds_a_window
from .backend_samples import sample_windows
from .falling_back import FallingBack
from .kept_choices import choice_key, keep, kept_choice
from .kept_scores import WINDOWS, expected_scores, some_scores
from .made_up_windows import random_windows
from .onnx_backend import GPU_PROVIDERS, OnnxBackend
from .processor_backends import Open

# Mean difference of probabilities on synthetic windows: half precision stays far below, a broken driver does not.
MOST_DIFFERENCE = 0.02


def gpu_backends(path: Path, card: Card, threads: int) -> dict[str, Open]:
    """The GPU backends that may run a model on this machine.

    Args:
        path: An .onnx file.
        card: Its card.
        threads: Processor threads, 0 = all.

    Returns:
        A function that opens the backend, by name.
    """

    def by_provider(provider: str) -> Open:
        return lambda: OnnxBackend(path, card, provider, threads)

    there = onnxruntime.get_available_providers()
    openers = {
        label: by_provider(provider)
        for provider, label in GPU_PROVIDERS.items()
        if provider in there
    }
    return {**openers, **_torch_backends(path, card)}


def _torch_backends(path: Path, card: Card) -> dict[str, Open]:
    """PyTorch's backends; none where it sees no GPU."""
    if not _torch_may_see_a_gpu():
        return {}
    import torch

    if not torch.cuda.is_available():
        return {}
    from ..gpu.torch_backend import PRECISIONS, TorchBackend

    def in_precision(precision: str) -> Open:
        return lambda: TorchBackend(path, card, precision)

    return {f"PyTorch {name}": in_precision(name) for name in PRECISIONS}


def _torch_may_see_a_gpu() -> bool:
    """Checks cheaply, without the seconds that importing PyTorch takes."""
    if any(find_spec(name) is None for name in ("torch", "onnx", "safetensors")):
        return False
    if "+cpu" in metadata.version("torch"):
        return False
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


def fastest_gpu(
    open_processor: Open, openers: dict[str, Open], path: Path, card: Card, progress: Progress
) -> tuple[Backend | None, list[str]]:
    """Opens the fastest GPU backend that computes what the processor computes.

    Args:
        open_processor: Opens the reference, which also takes over where the GPU's memory does not suffice.
        openers: From `gpu_backends`.
        path: An .onnx file.
        card: Its card.
        progress: Logs the measurements.

    Returns:
        The backend, or None; and the reasons why others are not used.
    """
    reasons: list[str] = []
    processor = functools.cache(open_processor)  # opened only when something has to be measured
    made_up = expected_scores(path, card, processor)
    key = choice_key(path, "torch", ", ".join(openers))
    kept = kept_choice(key)
    if kept in openers:
        backend = _checked(kept, openers[kept], made_up, card, reasons)
        if backend is not None:
            return FallingBack(backend, open_processor, progress), reasons
        openers = {name: opener for name, opener in openers.items() if name != kept}
    windows = sample_windows(card)  # none where the sample cannot serve the model
    expected = [processor().predict(window) for window in windows]
    found: dict[str, FallingBack] = {}
    for name, opener in openers.items():
        progress.check()
        backend = _checked(name, opener, made_up, card, reasons)
        if backend is None:
            continue
        found[name] = FallingBack(backend, open_processor, progress)
        if not windows:
            continue
        told = agreement(expected, [found[name].predict(window) for window in windows])
        if not told.good:
            progress.log(f"Speed test: {backend.name}: {told}; not used")
            reasons.append(f"{name}: {told}")
            del found[name]
    if not windows or not found:
        return next(iter(found.values()), None), reasons
    chosen = _fastest_of(found, windows, progress) if len(found) > 1 else next(iter(found))
    keep(key, chosen)
    return found[chosen], reasons


def _fastest_of(backends: Mapping[str, Backend], windows: list[Arrays], progress: Progress) -> str:
    """The name of the fastest one."""
    taken = seconds_a_window(list(backends.values()), windows)
    for backend, seconds in zip(backends.values(), taken):
        progress.log(f"Speed test: {backend.name}: {1000 * seconds:.2f} ms per window")
    return min(zip(taken, backends))[1]


def _checked(
    name: str, opener: Open, expected: Floats, card: Card, reasons: list[str]
) -> Backend | None:
    """A backend if it computes a synthetic batch correctly; else None, and a reason is added."""
    try:
        backend = opener()
        difference = _difference(expected, backend, card)
    except EngineError as error:
        reasons.append(f"{name}: {error.message}")
        return None
    if difference <= MOST_DIFFERENCE:
        return backend
    reasons.append(
        f"{name}: a test batch differs from the processor's by {difference:.3g} on average (up to "
        f"{MOST_DIFFERENCE} is normal)"
    )
    return None


def _difference(expected: Floats, gpu: Backend, card: Card) -> float:
    """Mean difference of the probabilities of one batch."""
    given = some_scores(gpu.predict(random_windows(card, WINDOWS)))
    difference = np.abs(expected - given).mean()
    return float(difference) if np.isfinite(difference) else float("inf")
