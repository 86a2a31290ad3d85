"""The jobs that hand a model on, or call it otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .parameters import Job, parameter


@dataclass(frozen=True)
class ExportJob(Job):
    """A model of ours as a file for use elsewhere."""

    verb: ClassVar[str] = "export"
    summary: ClassVar[str] = "write a model for use elsewhere"

    model: str = parameter("name of an installed model, or a model file")
    output: str = parameter("file to write: .onnx, or .safetensors for weights to train from")
    format: str = parameter(
        "onnx: for ONNX Runtime, with our card; deepness: ONNX as the QGIS plugin Deepness takes it; "
        "safetensors: weights to train from",
        "onnx",
        choices=("onnx", "deepness", "safetensors"),
    )


@dataclass(frozen=True)
class RenameJob(Job):
    """Another title or name for a model of the user's own."""

    verb: ClassVar[str] = "rename"
    summary: ClassVar[str] = "give a model of your own another title or name"

    model: str = parameter("name of an installed model, or a model file")
    title: str = parameter("what people shall read; empty = as it is", "")
    name: str = parameter("what its files shall be called; empty = as they are", "")
