"""Measures a model in plain ONNX Runtime and in every backend, and matrix products of the CPU, in turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import onnxruntime
import torch

from ...cards import Card
from ...infer.agreement import agreement
from ...infer.backend import Arrays, Backend, Floats, checked_scores, processors
from ...infer.backend_samples import sample_windows
from ...infer.openvino_backend import PRECISIONS, OpenVinoBackend
from ...model_file import read_card

PEAK_SIDE = 4096  # side of the square matrices whose product defines the peak
PLAIN = "ONNX Runtime, float32, one window a call"
_COMPARED = 3  # windows


@dataclass(frozen=True)
class Turns:
    """Measurements with one value per turn.

    Attributes:
        peaks: GFLOP/s of a product of square matrices, by number format.
        windows: Seconds per window, by backend; `PLAIN` first.
        agreements: Agreement with `PLAIN` as text, by backend.
    """

    peaks: dict[str, list[float]]
    windows: dict[str, list[float]]
    agreements: dict[str, str]


def take_turns(
    path: Path, threads: int, rounds: int, precisions: Sequence[str], side: int = PEAK_SIDE
) -> Turns:
    """Measures everything once per round, so that other work on the machine affects all measurements alike.

    Backends run as in the product, with as many windows in parallel as they have lanes.

    Args:
        path: An .onnx file.
        threads: CPU threads for each measurement; 0 = all.
        rounds: Number of rounds.
        precisions: OpenVINO precisions; without bfloat16 among them, its matrix product is left out too, as it would be
            emulated.
        side: Side of the square matrices.
    """
    card = read_card(path)
    windows = sample_windows(card)[:_COMPARED]
    threads = threads or processors()
    torch.set_num_threads(threads)
    plain = _Plain(path, card, threads)
    backends: dict[str, Backend] = {
        f"OpenVINO, {PRECISIONS[name]}": OpenVinoBackend(path, card, name, threads)
        for name in precisions
    }
    expected = [plain.predict(window) for window in windows]
    agreements = {
        name: str(agreement(expected, [backend.predict(window) for window in windows]))
        for name, backend in backends.items()
    }
    formats = {
        name: _product(name, side)
        for name in ("float32", "bfloat16", "int8")
        if name != "bfloat16" or name in precisions
    }
    for multiply in formats.values():
        multiply()
    turns = Turns({name: [] for name in formats}, {PLAIN: []}, agreements)
    with ThreadPoolExecutor(threads) as lanes:
        for backend in backends.values():
            _side_by_side(backend, windows[0], lanes)  # warm-up: each lane creates its requests
        for number in range(rounds):
            window = windows[number % len(windows)]
            for name, multiply in formats.items():
                turns.peaks[name].append(2 * side**3 / _seconds(multiply) / 1e9)
            turns.windows[PLAIN].append(_seconds(lambda window=window: plain.predict(window)))  # type: ignore[misc]
            for name, backend in backends.items():
                taken = turns.windows.setdefault(name, [])
                taken.append(_side_by_side(backend, window, lanes))
    return turns


class _Plain:
    """ONNX Runtime with default settings, all threads for one window."""

    def __init__(self, path: Path, card: Card, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._path, self._card = path, card
        self._session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        self._inputs = [item.name for item in self._session.get_inputs()]

    def predict(self, feeds: Arrays) -> Floats:
        (scores,) = self._session.run(None, {name: feeds[name] for name in self._inputs})
        return checked_scores(scores, self._path, self._card)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _side_by_side(backend: Backend, window: Arrays, lanes: ThreadPoolExecutor) -> float:
    """Seconds per window of a backend with a window in each lane."""

    def run() -> None:
        calls = [lanes.submit(backend.predict, window) for _ in range(backend.lanes)]
        for call in calls:
            call.result()

    return _seconds(run) / backend.lanes


def _product(name: str, side: int) -> Callable[[], object]:
    """A function that multiplies two random square matrices of a format with PyTorch, by oneDNN (float32: MKL)."""
    if name == "int8":
        whole = torch.randint(-127, 128, (side, side), dtype=torch.int8)
        return lambda: torch._int_mm(whole, whole)
    matrix = torch.randn(side, side).to(getattr(torch, name))
    return lambda: matrix @ matrix
