"""Reads the next items in a background thread while the caller works on the current one."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
from typing import Any, TypeVar

import rasterio

Item = TypeVar("Item")
_PATIENCE_S = 0.1


def read_ahead(items: Iterable[Item], depth: int = 2) -> Generator[Item, None, None]:
    """Yields the items of `items`, which a background thread reads at most `depth` items ahead.

    Nothing else may read from the same source until the generator is exhausted or closed, which also
    ends the thread.

    Args:
        items: Iterated in the thread; its exceptions are raised here.
        depth: Most items in the queue.
    """
    waiting: queue.Queue[tuple[str, Any]] = queue.Queue(depth)
    stop = threading.Event()

    def put(kind: str, value: Any) -> None:
        while not stop.is_set():
            try:
                waiting.put((kind, value), timeout=_PATIENCE_S)
                return
            except queue.Full:
                continue

    def work() -> None:
        # One environment around everything, so that rasters may be opened and closed inside it in any order.
        with rasterio.Env():
            try:
                for item in items:
                    put("item", item)
                    if stop.is_set():
                        return
                put("end", None)
            except BaseException as error:  # re-raised in the thread that consumes the items
                put("error", error)

    thread = threading.Thread(target=work, name="read-ahead", daemon=True)
    thread.start()
    try:
        while True:
            kind, value = waiting.get()
            if kind == "end":
                return
            if kind == "error":
                raise value
            yield value
    finally:
        stop.set()
        thread.join()
