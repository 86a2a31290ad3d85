"""The GPU part of the speed benchmark: the published size compared with the card's peak, and a whole scene."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from ...cards import Card
from ...errors import DeviceUnavailable
from ...gpu.torch_backend import PRECISIONS, TorchBackend, load_predictor
from ...infer.agreement import agreement
from ...infer.backend_samples import sample_windows
from ...infer.onnx_backend import CPU, OnnxBackend
from ...progress import Progress
from .base_model import write_base_model
from .figures import Figures
from .parts import Bench

PEAK_SIDE = 8192  # side of the square matrices whose product defines the peak
_ROUNDS = 10


def gpu(bench: Bench, progress: Progress) -> Figures:
    """Measures the base size, model only and from raster to map, and then the model of the other parts."""
    if not torch.cuda.is_available():
        raise DeviceUnavailable(
            f"The part 'gpu' needs an NVIDIA GPU; PyTorch {torch.__version__} finds none here. Leave it out with "
            "--parts."
        )
    figures = Figures(
        f"GPU: {torch.cuda.get_device_name()}",
        "Base with random weights, 12 bands, 128 px, ten classes. Model only: inputs on the GPU, batches as in the "
        "product. Maps: the product as a process of its own, raster in to map and confidence out.",
    )
    path = write_base_model(bench.folder)
    base = Bench(str(path), bench.side, bench.repeats, bench.threads, bench.folder)
    peak = figures.add(
        f"matrix product {PEAK_SIDE}, bfloat16", "TFLOP/s", _matrix_products(torch.bfloat16)
    )
    for precision, title in PRECISIONS.items():
        progress.check()
        rates, batch = _model_only(path, base.card, precision)
        row = figures.add(f"base, model only, {title}", "TFLOP/s", rates, f"batch {batch}")
        figures.ratio(f"base, {title}, by the peak", row, peak)
    _agreement(figures, path, base.card)
    for subject in (base, bench):
        _map(figures, subject, progress)
    return figures


def _timed(work: Callable[[], object]) -> list[float]:
    """Seconds of each run, including waiting for the GPU."""
    for _ in range(3):
        work()
    taken = []
    for _ in range(_ROUNDS):
        torch.cuda.synchronize()
        started = time.perf_counter()
        work()
        torch.cuda.synchronize()
        taken.append(time.perf_counter() - started)
    return taken


def _matrix_products(dtype: torch.dtype) -> list[float]:
    """TFLOP/s of the product of two random square matrices, for each run."""
    one, other = (torch.randn(PEAK_SIDE, PEAK_SIDE, device="cuda", dtype=dtype) for _ in range(2))
    return [2 * PEAK_SIDE**3 / seconds / 1e12 for seconds in _timed(lambda: one @ other)]


def _model_only(path: Path, card: Card, precision: str) -> tuple[list[float], int]:
    """TFLOP/s of the network with its normalisation and softmax, for each run, and the batch size."""
    backend = TorchBackend(path, card, precision)
    inputs = backend.example(backend.batch)
    work = backend.batch * flops(path, card)
    rates = [work / seconds / 1e12 for seconds in _timed(lambda: backend.compute(inputs))]
    return rates, backend.batch


def flops(path: Path, card: Card) -> int:
    """Floating-point operations of one window, by PyTorch's own counter."""
    predictor = load_predictor(path, card).eval()
    # The counter does not know fused attention, so use plain matrix products.
    plain = sdpa_kernel(SDPBackend.MATH)
    with torch.inference_mode(), plain, FlopCounterMode(display=False) as counter:
        predictor(*predictor.example_inputs(1))
    return int(counter.get_total_flops())


def _agreement(figures: Figures, path: Path, card: Card) -> None:
    """Compares each precision with float32 on the CPU, on windows of the sample."""
    windows = sample_windows(card)
    reference = OnnxBackend(path, card, CPU, 0)
    expected = [reference.predict(window) for window in windows]
    for precision, title in PRECISIONS.items():
        backend = TorchBackend(path, card, precision)
        found = agreement(expected, [backend.predict(window) for window in windows])
        figures.add(f"base, {title}, same class", "", [found.same], str(found))


def _map(figures: Figures, bench: Bench, progress: Progress) -> None:
    """Maps a whole scene, after a small one for which the engine chooses a backend and stores the choice."""
    confidence = ("--confidence", str(bench.folder / "confidence.tif"))
    bench.segment(bench.scene(512, 512), *confidence, device="gpu")
    progress.log(f"{bench.card.name}: {bench.side} x {bench.side} px on the GPU")
    run = bench.segment(bench.scene(bench.side, bench.side), *confidence, device="gpu")
    windows = run.result["windows"]["run"]
    share = run.result["model_seconds"] / run.result["seconds"]
    note = (
        f"{run.result['backend']}; {windows} windows, {windows / run.seconds:.0f} a second; "
        f"{share:.0%} of the time in the model; host memory {run.peak_mb:.0f} MB"
    )
    figures.add(f"{bench.card.name}, {bench.side} x {bench.side} px", "s", [run.seconds], note)
