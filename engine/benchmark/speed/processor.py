"""The CPU part of the speed benchmark: the published size, with different instruction sets.

Each instruction set is measured in a child process, as oneDNN, which computes for OpenVINO and PyTorch, reads its limit
at the start. ONNX Runtime has no such limit: in float32 it uses AVX-512 if available, regardless of VNNI and AMX. So a
limit to AVX-512 with VNNI is a fair comparison, and one to AVX2 would not be.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from ...infer.openvino_backend import PRECISIONS, precisions
from ...infer.processor import processor_name
from ...progress import Progress
from .base_model import write_base_model
from .figures import Figures, Row
from .gpu import flops
from .model_turns import PEAK_SIDE, PLAIN, Turns, take_turns
from .parts import Bench

_LIMIT = "ONEDNN_MAX_CPU_ISA"
_LEAST_ROUNDS = 5
_WIDE = "amx_bf16"  # part of the processor's name if it has AMX
_REDUCED = ("float32", "int8")  # run without emulation on a processor with VNNI only


def processor(bench: Bench, progress: Progress) -> Figures:
    """Measures the base size, model only, with all instructions and without AMX; then whole runs of the other model."""
    figures = Figures(
        "Processor",
        "Base with random weights, 12 bands, 128 px, ten classes: plain ONNX Runtime with all threads on one window, "
        "the product's backends with a window in each lane, and matrix products in turn. Work is what PyTorch counts "
        f"of the network as it is published. Peaks are products of {PEAK_SIDE} x {PEAK_SIDE} matrices.",
    )
    path = write_base_model(bench.folder)
    work = flops(path, Bench(str(path), 0, 1, 0, bench.folder).card) / 1e9
    rounds = max(_LEAST_ROUNDS, bench.repeats)
    cases = [("all instructions", "", precisions())]
    if _WIDE in processor_name():
        cases.append(("AVX-512 with VNNI, no AMX", "AVX512_CORE_VNNI", _REDUCED))
    peaks: dict[str, Row] = {}
    for number, (title, limit, kinds) in enumerate(cases):
        progress.update(number / (len(cases) + 1), title)
        progress.check()
        turns = in_a_child(path, bench.threads, rounds, kinds, limit)
        found = _add(figures, title, turns, work)
        peaks = peaks or found
    progress.update(len(cases) / (len(cases) + 1), "Whole chain")
    _chain(figures, bench, peaks)
    return figures


def in_a_child(
    path: Path,
    threads: int,
    rounds: int,
    kinds: tuple[str, ...],
    limit: str = "",
    side: int = PEAK_SIDE,
) -> Turns:
    """Runs `take_turns` in a process of its own, with oneDNN limited to an instruction set."""
    fresh = multiprocessing.get_context("spawn")
    with _limited(limit), ProcessPoolExecutor(1, mp_context=fresh) as child:
        return child.submit(take_turns, path, threads, rounds, kinds, side).result()


@contextmanager
def _limited(limit: str) -> Iterator[None]:
    before = os.environ.get(_LIMIT)
    if limit:
        os.environ[_LIMIT] = limit
    try:
        yield
    finally:
        os.environ.pop(_LIMIT, None)
        if before is not None:
            os.environ[_LIMIT] = before


def _add(figures: Figures, title: str, turns: Turns, work: float) -> dict[str, Row]:
    """Adds rows of an instruction set and their ratios to plain ONNX Runtime and the peaks; returns the peaks."""
    peaks = {
        name: figures.add(f"{title}: matrix product, {name}", "GFLOP/s", values)
        for name, values in turns.peaks.items()
    }
    plain = None
    for name, seconds in turns.windows.items():
        label = f"{title}: {name}"
        row = figures.add(f"{label}, a window", "s", seconds, turns.agreements.get(name, ""))
        peak = format_of(name)
        rate = Row(label, "GFLOP/s", tuple(work / value for value in seconds))
        if plain is not None:
            figures.ratio(f"{title}: {PLAIN} by {name}", plain, row)
        figures.ratio(f"{label}, by the peak in {peak}", rate, peaks[peak])
        plain = plain or row
    return peaks


def format_of(name: str) -> str:
    """The number format of most of a backend's work, from the backend's name."""
    if PRECISIONS["int8"] in name:
        return "int8"
    return "bfloat16" if "bfloat16" in name else "float32"


def _chain(figures: Figures, bench: Bench, peaks: dict[str, Row]) -> None:
    """Measures whole runs from raster to class raster, counting all overlapping windows and the process's full time."""
    raster = bench.scene(bench.side, bench.side)
    bench.segment(bench.scene(512, 512))  # the engine chooses a backend and stores the choice
    runs = [bench.segment(raster) for _ in range(bench.repeats)]
    backend, windows = runs[0].result["backend"], runs[0].result["windows"]["run"]
    work = windows * flops(bench.path, bench.card) / 1e9
    label = f"{bench.card.name}, {bench.side} x {bench.side} px"
    figures.add(
        f"{label}, whole run", "s", [run.seconds for run in runs], f"{backend}; {windows} windows"
    )
    rate = figures.add(f"{label}, whole run", "GFLOP/s", [work / run.seconds for run in runs])
    model = [work / run.result["model_seconds"] for run in runs]
    inside = figures.add(f"{label}, inside the model", "GFLOP/s", model)
    peak = format_of(backend)
    figures.ratio(f"{label}, whole run, by the peak in {peak}", rate, peaks[peak])
    figures.ratio(f"{label}, inside the model, by the peak in {peak}", inside, peaks[peak])
