"""Writes finished items in a background thread while the caller works on the next ones."""

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
    """Yields a function that hands items to a writing thread, which writes them in order.

    Nothing else may touch the output until the context is left. By then every item has been written or, after an
    error, the thread has stopped. An exception in `write` is raised by a later call, or on leaving the context.

    Args:
        write: Called in the thread for each item. The caller must not change an item that it has handed over.
        depth: Most items that may wait; the caller then blocks.
    """
    waiting: deque[Future[None]] = deque()

    def work(item: Item) -> None:
        # One environment around all, so that rasters may be opened and closed inside it in any order.
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
