"""Chooses the device and the precision to compute with."""

from __future__ import annotations

import torch

from ..errors import DeviceUnavailable


def choose_device(name: str) -> torch.device:
    """The torch device for "auto", "cpu" or "gpu".

    Raises:
        DeviceUnavailable: A GPU is requested, but there is none.
    """
    if name == "gpu" and not torch.cuda.is_available():
        raise DeviceUnavailable(
            "A GPU was requested, but PyTorch cannot find one. Choose the device 'auto' or 'cpu', or install a "
            "version of PyTorch that fits the GPU driver."
        )
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """The data type of matrix products.

    "auto" chooses bfloat16 only where the hardware supports it natively: NVIDIA GPUs from compute
    capability 8, and CPUs with AMX. Emulated bfloat16 is several times slower than float32.
    """
    if name == "auto":
        if device.type == "cuda":
            fast = torch.cuda.get_device_capability(device)[0] >= 8
        else:
            fast = bool(torch.cpu.get_capabilities().get("amx_bf16", False))
        return torch.bfloat16 if fast else torch.float32
    return torch.bfloat16 if name == "bfloat16" else torch.float32
