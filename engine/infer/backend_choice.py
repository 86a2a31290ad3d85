"""The fastest backend on this processor that keeps a model's results: measured once, then kept."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnxruntime

from ..cards import Card
from ..errors import EngineError
from ..memory_limit import memory_limit
from ..model_file import SEAL_KEY, read_metadata
from ..progress import Progress
from .agreement import agreement
from .backend import Arrays, Backend, lanes_of
from .backend_samples import random_windows, sample_windows
from .onnx_backend import CPU, OnnxBackend
from .processor import processor_name

# With the environment, so that new libraries are measured anew.
KEPT = Path(sys.prefix) / "spectralgpt-backends.json"
# A model this fast waits for the disk, not for its backend.
NOT_WORTH_MEASURING_S = 0.005
# A backend that gains less is not worth its differences.
WORTHWHILE = 0.9
_PATIENCE_S = 2.0  # for timing, a backend
_ROUNDS = 5

ONNX = "onnxruntime"
_FLOAT32 = "openvino-float32"
Open = Callable[[], Backend]


def fastest(path: Path, card: Card, threads: int, progress: Progress) -> Backend:
    """Loads a model in the backend that is fastest here.

    The first time, every backend runs real windows (those of the sample that ships): one whose classes, areas or
    confidences are not those of float32 in ONNX Runtime is out. Of the others the one that is worthwhile is kept for
    next time.

    Args:
        path: An .onnx file.
        card: Its card.
        threads: Processor threads, 0 = all.
        progress: Told what was measured.

    Raises:
        ModelInvalid: The file is no graph, or not the one its card describes.
        OutOfMemory: The model does not fit.
    """
    others = other_backends(path, card, threads)
    # Where memory is short, ONNX Runtime says so; others may take the whole process with them.
    if not others or memory_limit():
        return OnnxBackend(path, card, CPU, threads)
    lanes, share = lanes_of(threads)
    among = f"{lanes} lanes of {share} threads, {', '.join(others)}"
    key = choice_key(path, "openvino", among)
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
    """The name of the backend that agrees and is worthwhile, and the backend."""
    expected = [reference.predict(window) for window in windows]
    backends, told = {ONNX: reference}, {ONNX: ""}
    for name, opener in others.items():
        progress.check()
        try:
            backend = opener()
            found = agreement(expected, [backend.predict(window) for window in windows])
        except EngineError as error:
            progress.log(f"Measured once: {name} does not run this model: {error.message}")
            continue
        if found.good:
            backends[name], told[name] = backend, f", {found}"
        else:
            progress.log(f"Measured once: {backend.name}: {found}; not used")
    seconds = seconds_a_window(list(backends.values()), windows)
    for (name, backend), took in zip(backends.items(), seconds):
        progress.log(f"Measured once: {backend.name}: {1000 * took:.1f} ms a window{told[name]}")
    chosen = worthwhile(dict(zip(backends, seconds)))
    return chosen, backends[chosen]


def worthwhile(seconds: dict[str, float]) -> str:
    """The backend to use by its seconds a window: each further step away from the reference has to gain its tenth.

    A reduced format that is no faster than float32 in the same library would only cost accuracy: int8 without the
    processor's instructions for it takes as long.
    """
    exact = {name: seconds[name] for name in (ONNX, _FLOAT32) if name in seconds}
    name = min(seconds, key=seconds.__getitem__)
    if seconds[name] < WORTHWHILE * min(exact.values()):
        return name
    name = min(exact, key=exact.__getitem__)
    return name if exact[name] < WORTHWHILE * seconds[ONNX] else ONNX


def other_backends(path: Path, card: Card, threads: int) -> dict[str, Open]:
    """What there is besides ONNX Runtime on this processor.

    Args:
        path: An .onnx file.
        card: Its card.
        threads: Processor threads, 0 = all.

    Returns:
        For each name what opens it.
    """
    if find_spec("openvino") is None:
        return {}
    try:
        from .openvino_backend import OpenVinoBackend, precisions
    except (ImportError, OSError, RuntimeError):  # its libraries do not load on this system
        return {}

    def opener(precision: str) -> Open:
        return lambda: OpenVinoBackend(path, card, precision, threads)

    return {f"openvino-{precision}": opener(precision) for precision in precisions()}


def seconds_a_window(backends: list[Backend], windows: list[Arrays]) -> list[float]:
    """Median seconds of a window in each backend, in batches and lanes as it wants them.

    They take turns, so that other work on the machine hits all.

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
    """Seconds a window with a batch in each lane: one that is fast alone may slow its neighbour."""
    batch = _batch(window, backend.batch)
    begun = time.perf_counter()
    for call in [pool.submit(backend.predict, batch) for _ in range(backend.lanes)]:
        call.result()
    return (time.perf_counter() - begun) / (backend.batch * backend.lanes)


def _batch(window: Arrays, size: int) -> Arrays:
    """A batch of the same window, again and again."""
    return {
        name: array if name == "groups" else np.repeat(array, size, axis=0)
        for name, array in window.items()
    }


def choice_key(path: Path, library: str, further: str) -> str:
    """What a choice depends on: the model, the processor, the libraries, and more.

    Args:
        path: Of the model.
        library: The package besides ONNX Runtime.
        further: Threads, or the backends there are.
    """
    sealed = read_metadata(path).get(SEAL_KEY, "")
    libraries = [f"{ONNX} {onnxruntime.__version__}", f"{library} {_version(library)}"]
    return " | ".join([sealed, processor_name(), *libraries, further])


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "missing"


def kept_choice(key: str) -> str | None:
    """The name that was kept, None where nothing was measured yet."""
    return _read().get(key)


def _read() -> dict[str, str]:
    try:
        kept = json.loads(KEPT.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def keep(key: str, chosen: str) -> None:
    """Keeps a name for next time.

    Two engines may do so at once: the file is replaced whole, and one entry lost is measured again.
    """
    part = KEPT.with_name(f"{KEPT.name}.{time.time_ns()}")
    try:
        part.write_text(json.dumps({**_read(), key: chosen}, indent=1) + "\n", encoding="utf-8")
        part.replace(KEPT)
    except OSError:
        part.unlink(missing_ok=True)  # an environment that may not be written: measured each time
