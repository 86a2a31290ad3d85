"""Finds out what this machine can compute on, by running a real model on it."""

from __future__ import annotations

import shutil
import subprocess  # nosec B404
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from .cards import Card
from .endings import ONNX, ending
from .errors import DeviceUnavailable, EngineError
from .model_file import installed_models, read_card
from .progress import Progress

_AGREEMENT = 1e-3  # relative difference; TF32 differs by less, a broken driver by far more
_ANSWER = 20  # seconds to wait for the driver's answer


def check_devices(tier: str) -> list[dict[str, Any]]:
    """Runs a model on the CPU and on the GPU and compares the results; lets each model choose its backend.

    Args:
        tier: "training" also tries PyTorch on a GPU.

    Returns:
        For each device and use {"device": "cpu" or "gpu", "use": "maps" or "training", "works": bool, "name": library
        and provider, "reason": why it does not work, and for maps "window": side in pixels, "milliseconds": for one}.
    """
    found = []
    models = _models()
    if models:
        found += [_try_backend(*models[0], device) for device in ("cpu", "gpu")]
    for path, card in models[1:]:  # so that no later run has to measure which backend is fastest
        _try_backend(path, card, "cpu")
    if tier == "training":
        found.append(_try_torch())
    return found


def graphics_cards() -> list[str]:
    """Name, driver and memory of each NVIDIA card, as reported by its driver; empty without one."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    query = [program, "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=_ANSWER)  # nosec B603
    except (OSError, subprocess.SubprocessError):
        return []
    if done.returncode:
        return []
    return [line.strip() for line in done.stdout.splitlines() if line.strip()]


def _models() -> list[tuple[Path, Card]]:
    """The installed models that can predict, the smallest first."""
    found = []
    for path in (path for path in installed_models() if ending(path) == ONNX):
        with suppress(EngineError):
            card = read_card(path)
            if card.classes:
                found.append((path, card))
    return sorted(found, key=lambda model: model[0].stat().st_size)


def _try_backend(path: Path, card: Card, device: str) -> dict[str, Any]:
    from .infer.backends import open_backend
    from .infer.made_up_windows import random_windows

    try:
        # Opening a backend on a GPU computes a batch and compares it with the CPU's result.
        backend = open_backend(path, card, device, 0, Progress())
        window = random_windows(card, 1)
        backend.predict(window)  # warm-up, as the first call is slow
        start = time.perf_counter()
        backend.predict(window)
    except EngineError as error:
        # Only why there is no GPU, without the advice to choose another device.
        reason = error.details if isinstance(error, DeviceUnavailable) else ""
        return _outcome(device, "maps", reason=reason or error.message)
    milliseconds = 1000 * (time.perf_counter() - start)
    speed = {"milliseconds": round(milliseconds), "window": card.window}
    return {**_outcome(device, "maps", name=backend.name), **speed}


def _try_torch() -> dict[str, Any]:
    import torch

    try:
        if not torch.cuda.is_available():
            raise DeviceUnavailable(
                f"PyTorch {torch.__version__} cannot find a usable GPU: it was built for the processor only, or the "
                "driver is missing or outdated."
            )
        generator = torch.Generator().manual_seed(0)
        values = torch.rand(256, 256, generator=generator)
        expected = values @ values
        difference = ((values.cuda() @ values.cuda()).cpu() - expected).abs().max()
        error = float(difference / expected.abs().max())
        if not error <= _AGREEMENT:
            raise DeviceUnavailable(
                f"A matrix product on the GPU differs from that of the processor by {error:.1e} of its size."
            )
        name = torch.cuda.get_device_name()
    except (EngineError, RuntimeError) as error:
        return _outcome("gpu", "training", reason=str(error))
    return _outcome("gpu", "training", name=f"PyTorch {torch.__version__}, {name}")


def _outcome(device: str, use: str, name: str = "", reason: str = "") -> dict[str, Any]:
    return {"device": device, "use": use, "works": not reason, "name": name, "reason": reason}
