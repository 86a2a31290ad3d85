"""Runs several predictions at a time and yields their results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    items: Iterable[Item], work: Callable[[Item], Result], lanes: int
) -> Generator[tuple[Item, Result], None, None]:
    """Maps `work` over items in threads, and yields each item with its result in the original order.

    Args:
        items: Iterated in the caller's thread, at most `lanes` + 1 items ahead of what is yielded.
        work: Called in a thread for each item; what it raises is raised here.
        lanes: Number of threads.
    """
    waiting: deque[tuple[Item, Future[Result]]] = deque()
    with ThreadPoolExecutor(lanes, thread_name_prefix="predict") as pool:
        try:
            for item in items:
                waiting.append((item, pool.submit(work, item)))
                if len(waiting) > lanes:
                    first, future = waiting.popleft()
                    yield first, future.result()
            while waiting:
                first, future = waiting.popleft()
                yield first, future.result()
        finally:
            for _, future in waiting:
                future.cancel()
