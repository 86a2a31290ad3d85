"""Endings of file names, which identify the format of a model file."""

from __future__ import annotations

from pathlib import Path

ONNX = ".onnx"  # models for prediction
SAFETENSORS = ".safetensors"  # models for training


def ending(path: str | Path) -> str:
    """The ending of a file's name with its dot, in lower case; empty for none."""
    return Path(path).suffix.lower()
