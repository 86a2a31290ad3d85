"""The backends on the processor besides ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path

from ..cards import Card
from .backend import Backend, lanes_of
from .kept_choices import choice_key

Open = Callable[[], Backend]


def other_backends(path: Path, card: Card, threads: int) -> dict[str, Open]:
    """The other backends that work on this processor.

    Args:
        path: An .onnx file.
        card: Its card.
        threads: Processor threads, 0 = all.

    Returns:
        A function that opens the backend, by name.
    """
    if find_spec("openvino") is None:
        return {}
    try:
        from .openvino_backend import OpenVinoBackend, precisions

        able = precisions()
    except (ImportError, OSError, RuntimeError):  # its libraries fail to load or to start here
        return {}

    def opener(precision: str) -> Open:
        return lambda: OpenVinoBackend(path, card, precision, threads)

    return {f"openvino-{precision}": opener(precision) for precision in able}


def processor_key(path: Path, others: Iterable[str], threads: int) -> str:
    """The key under which the choice among them is remembered.

    Args:
        path: Path of the model.
        others: Their names.
        threads: Processor threads, 0 = all.
    """
    lanes, share = lanes_of(threads)
    return choice_key(path, "openvino", f"{lanes} lanes of {share} threads, {', '.join(others)}")
