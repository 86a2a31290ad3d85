"""What form a file has, told by the ending of its name."""

from __future__ import annotations

from pathlib import Path

ONNX = ".onnx"  # of a model that predicts
SAFETENSORS = ".safetensors"  # of one to train from


def ending(path: str | Path) -> str:
    """The ending of a file's name with its dot, in lower case; empty for none."""
    return Path(path).suffix.lower()
