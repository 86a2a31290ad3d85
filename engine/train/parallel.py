"""Training by one process, or by several that `torchrun` started, on one or more machines.

Each of several processes holds the whole network and a part of every batch; gradients are averaged
by Hugging Face accelerate. Code that writes files or reports checks `main` first.
"""

from __future__ import annotations

import os
from typing import Any

import torch
from torch import Tensor, nn

from ..progress import Progress
from .device import choose_device


class Alone:
    """A single process.

    Attributes:
        rank: Number of this process, from 0.
        count: Number of processes.
    """

    rank = 0
    count = 1

    @property
    def main(self) -> bool:
        """Whether this process writes and reports."""
        return self.rank == 0

    def device(self, name: str) -> torch.device:
        """The torch device for "auto", "cpu" or "gpu"."""
        return choose_device(name)

    def wrap(self, model: nn.Module) -> nn.Module:
        """The model to call in training, whose gradients are those of the whole batch."""
        return model

    def mean(self, value: Tensor) -> float:
        """The mean of a scalar over the processes."""
        return float(value)

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process; all processes must call it."""
        return flag

    def wait(self) -> None:
        """Waits until all processes have called it."""


class Several(Alone):
    """One of several processes."""

    def __init__(self, device: str = "auto") -> None:
        """Connects to the other processes.

        Args:
            device: "auto", "cpu" or "gpu".

        Raises:
            DeviceUnavailable: A GPU is requested, but there is none.
        """
        from accelerate import Accelerator  # imported here, as a single process does not need it

        on_cpu = choose_device(device).type == "cpu"
        self._accelerator: Any = Accelerator(cpu=on_cpu, mixed_precision="no")
        self.rank = int(self._accelerator.process_index)
        self.count = int(self._accelerator.num_processes)
        self._wrapped: nn.Module | None = None
        self._weights: tuple[int, ...] = ()

    def device(self, name: str) -> torch.device:
        """This process's own device."""
        return torch.device(self._accelerator.device)

    def wrap(self, model: nn.Module) -> nn.Module:
        """The model with gradients averaged over the processes."""
        weights = tuple(id(value) for value in model.parameters())
        if self._wrapped is None or weights != self._weights:
            self._accelerator.free_memory()
            self._wrapped, self._weights = self._accelerator.prepare(model), weights
        return self._wrapped

    def mean(self, value: Tensor) -> float:
        """The mean of a scalar over the processes."""
        return float(self._accelerator.reduce(value.detach().clone(), reduction="mean"))

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process."""
        told = torch.tensor(float(flag), device=self._accelerator.device)
        return float(self._accelerator.reduce(told, reduction="sum")) > 0

    def wait(self) -> None:
        """Waits until all processes have called it."""
        self._accelerator.wait_for_everyone()


def join_workers(device: str = "auto") -> Alone:
    """Joins the processes that `torchrun` started, or returns a single process."""
    return Several(device) if int(os.environ.get("WORLD_SIZE", "1")) > 1 else Alone()


class Quiet(Progress):
    """Progress of a process that does not report, but can be cancelled like the whole run."""

    def __init__(self, whole: Progress) -> None:
        """Takes cancels from `whole`, and reports nothing to it."""
        super().__init__()
        self._whole = whole

    def check(self) -> None:
        """Raises `Cancelled` if the user has cancelled."""
        self._whole.check()
