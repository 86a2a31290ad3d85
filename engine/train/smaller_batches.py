"""Retries work with smaller batches when memory runs out."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import TypeVar

import torch

from ..errors import OutOfMemory
from ..progress import Progress

Result = TypeVar("Result")
_SIGNS = ("out of memory", "can't allocate memory", "not enough memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of torch or Python says that memory ran out."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in _SIGNS)


def with_smaller_batches(
    work: Callable[[int], Result], batch: int, progress: Progress, least: int = 1
) -> Result:
    """Runs a piece of work, halving the batch each time memory runs out.

    Args:
        work: Takes the batch size; must start from the beginning each time.
        batch: Batch size to try first.
        progress: Takes a warning for each reduction.
        least: Smallest batch size to try.

    Raises:
        OutOfMemory: Memory does not suffice even for the smallest batch.
    """
    while True:
        try:
            return work(batch)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            details = repr(error)
        # Only outside the except block are the failed attempt's frames freed, with the tensors that they hold.
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if batch // 2 < least:
            raise OutOfMemory(
                f"There is not enough memory even for a batch of {batch}. Choose a smaller network or window, close "
                "other programs, or use another device.",
                details=details,
            )
        progress.warning(f"There is not enough memory for a batch of {batch}: trying {batch // 2}.")
        batch //= 2
