"""Chooses the fastest backend on this processor that keeps a model's results: measured once, then remembered."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from ..cards import Card
from ..errors import EngineError
from ..memory_limit import memory_limit
from ..progress import Progress
from .agreement import agreement
from .backend import Arrays, Backend
from .backend_samples import sample_windows
from .compile_ahead import begun
from .kept_choices import keep, kept_choice
from .made_up_windows import random_windows
from .onnx_backend import CPU, OnnxBackend
from .processor_backends import Open, other_backends, processor_key

# With a model this fast, a run waits for the disk anyway.
NOT_WORTH_MEASURING_S = 0.005
# Largest share of the reference's time that a backend may take to be worth its rounding differences.
WORTHWHILE = 0.9
_PATIENCE_S = 2.0  # longest time spent on timing one backend
_ROUNDS = 5

ONNX = "onnxruntime"
_FLOAT32 = "openvino-float32"


def fastest(path: Path, card: Card, threads: int, progress: Progress) -> Backend:
    """Loads a model in the backend that is fastest here.

    The first time, every backend runs real windows, those of the sample that ships. A backend whose classes, areas
    or confidences differ from float32 in ONNX Runtime is rejected; the choice among the rest is remembered.

    Args:
        path: An .onnx file.
        card: Its card.
        threads: Processor threads, 0 = all.
        progress: Logs the measurements.

    Raises:
        ModelInvalid: The file is no graph, or not the one its card describes.
        OutOfMemory: The model does not fit.
    """
    ready = begun(path, threads)
    if ready is not None:
        return ready
    others = other_backends(path, card, threads)
    # Where memory is limited, ONNX Runtime fails with an error; other libraries may abort the process.
    if not others or memory_limit():
        return OnnxBackend(path, card, CPU, threads)
    key = processor_key(path, others, threads)
    kept = kept_choice(key)
    if kept in others:
        try:
            return others[kept]()
        except EngineError as error:
            progress.warning(f"{error.message} ONNX Runtime is used instead.")
    reference = OnnxBackend(path, card, CPU, threads)
    if kept is not None:
        return reference
    (once,) = seconds_a_window([reference], [random_windows(card, 1)])
    if once * reference.lanes < NOT_WORTH_MEASURING_S:
        return reference
    windows = sample_windows(card)
    if not windows:
        return reference
    chosen, backend = _measure(reference, others, windows, progress)
    keep(key, chosen)
    return backend


def _measure(
    reference: Backend, others: dict[str, Open], windows: list[Arrays], progress: Progress
) -> tuple[str, Backend]:
    """Name and backend of the fastest that agrees with the reference."""
    expected = [reference.predict(window) for window in windows]
    backends, told = {ONNX: reference}, {ONNX: ""}
    for name, opener in others.items():
        progress.check()
        try:
            backend = opener()
            found = agreement(expected, [backend.predict(window) for window in windows])
        except EngineError as error:
            progress.log(f"Speed test: {name} cannot run this model: {error.message}")
            continue
        if found.good:
            backends[name], told[name] = backend, f", {found}"
        else:
            progress.log(f"Speed test: {backend.name}: {found}; not used")
    seconds = seconds_a_window(list(backends.values()), windows)
    for (name, backend), took in zip(backends.items(), seconds):
        progress.log(f"Speed test: {backend.name}: {1000 * took:.1f} ms per window{told[name]}")
    chosen = worthwhile(dict(zip(backends, seconds)))
    return chosen, backends[chosen]


def worthwhile(seconds: dict[str, float]) -> str:
    """The backend to use, by seconds a window: each step further from the reference must gain at least a tenth.

    A reduced format that is no faster than float32 in the same library would only cost accuracy: int8 without the
    processor's instructions for it takes as long.
    """
    exact = {name: seconds[name] for name in (ONNX, _FLOAT32) if name in seconds}
    name = min(seconds, key=seconds.__getitem__)
    if seconds[name] < WORTHWHILE * min(exact.values()):
        return name
    name = min(exact, key=exact.__getitem__)
    return name if exact[name] < WORTHWHILE * seconds[ONNX] else ONNX


def seconds_a_window(backends: list[Backend], windows: list[Arrays]) -> list[float]:
    """Median seconds a window of each backend, with its own batch size and number of lanes.

    Backends take turns, so that other load on the machine affects all of them alike.

    Args:
        backends: What to measure.
        windows: Batches of one window.
    """
    with ThreadPoolExecutor(max(backend.lanes for backend in backends)) as pool:
        for backend in backends:
            _side_by_side(pool, backend, windows[0])  # the first run compiles
        taken: list[list[float]] = [[] for _ in backends]
        started = time.perf_counter()
        for window in windows * _ROUNDS:
            for backend, times in zip(backends, taken):
                times.append(_side_by_side(pool, backend, window))
            if time.perf_counter() - started > _PATIENCE_S * len(backends):
                break
    return [float(np.median(times)) for times in taken]


def _side_by_side(pool: ThreadPoolExecutor, backend: Backend, window: Arrays) -> float:
    """Seconds per window with a batch in every lane, as lanes slow each other down."""
    batch = _batch(window, backend.batch)
    begun = time.perf_counter()
    for call in [pool.submit(backend.predict, batch) for _ in range(backend.lanes)]:
        call.result()
    return (time.perf_counter() - begun) / (backend.batch * backend.lanes)


def _batch(window: Arrays, size: int) -> Arrays:
    """A batch that repeats one window."""
    return {
        name: array if name == "groups" else np.repeat(array, size, axis=0)
        for name, array in window.items()
    }
