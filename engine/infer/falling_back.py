"""A GPU backend that retreats when memory is short: to smaller batches, and finally to the processor."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np

from ..errors import OutOfMemory
from ..progress import Progress
from .backend import Arrays, Backend, Floats


class FallingBack(Backend):
    """Wraps a GPU backend so that a run never fails for lack of GPU memory."""

    def __init__(self, gpu: Backend, processor: Callable[[], Backend], progress: Progress) -> None:
        """Wraps a backend.

        Args:
            gpu: Used as long as its memory suffices.
            processor: Opens the backend that takes over.
            progress: Takes warnings about smaller batches, and about falling back to the processor.
        """
        self._backend, self._open_processor, self._progress = gpu, processor, progress
        self._changing = threading.Lock()
        self.name, self.device, self.inputs = gpu.name, gpu.device, gpu.inputs
        self.batch, self.lanes = gpu.batch, gpu.lanes

    def predict(self, feeds: Arrays) -> Floats:
        """As `Backend.predict`."""
        count = len(next(feeds[name] for name in sorted(self.inputs) if name != "groups"))
        backend, batch = self._backend, self.batch
        try:
            if count <= batch:
                return backend.predict(feeds)
            return np.concatenate(
                [
                    backend.predict(_part(feeds, start, start + batch))
                    for start in range(0, count, batch)
                ]
            )
        except OutOfMemory:
            if backend.device != "gpu":
                raise
            self._retreat(backend, batch)
        return self.predict(feeds)

    def _retreat(self, backend: Backend, batch: int) -> None:
        """Takes one step back, unless another thread has already done so."""
        with self._changing:
            if self._backend is not backend or self.batch < batch:
                return
            if batch > 1:
                self.batch = batch // 2
                self._progress.warning(
                    f"The GPU is low on memory. Continuing with {self.batch} windows at a time."
                )
                return
            self._progress.warning(
                "The GPU does not have enough memory for even one window. Continuing on the processor."
            )
            self._backend = self._open_processor()
            self.name, self.device = self._backend.name, self._backend.device


def _part(feeds: Arrays, start: int, stop: int) -> Arrays:
    return {name: a if name == "groups" else a[start:stop] for name, a in feeds.items()}
