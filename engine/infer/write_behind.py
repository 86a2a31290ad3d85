"""Doing the writing of what is finished while the next is worked on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import rasterio

Item = TypeVar("Item")


@contextmanager
def write_behind(write: Callable[[Item], None], depth: int = 2) -> Iterator[Callable[[Item], None]]:
    """Gives what takes items, which a thread writes one after the other, in the order in which they come.

    Nothing else may use what the thread writes to until the context is left; then all is written, or after an error
    nothing is being written any more. What `write` raises is raised by a later call, or at the end.

    Args:
        write: Called in the thread for each item, which nobody may change any more.
        depth: Items that may wait.
    """
    waiting: deque[Future[None]] = deque()

    def work(item: Item) -> None:
        # Rasters opened and closed in any order within it: each restores the one around it.
        with rasterio.Env():
            write(item)

    with ThreadPoolExecutor(1, thread_name_prefix="write") as thread:

        def put(item: Item) -> None:
            while len(waiting) > depth:
                waiting.popleft().result()
            waiting.append(thread.submit(work, item))

        try:
            yield put
            while waiting:
                waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
