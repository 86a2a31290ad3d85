"""The jobs that export, rename, import and list models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from . import common_parameters as common
from .parameters import Job, parameter


@dataclass(frozen=True)
class ExportJob(Job):
    """A model of ours as a file for use elsewhere."""

    verb: ClassVar[str] = "export"
    summary: ClassVar[str] = "write a model for use elsewhere"

    model: str = common.model()
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

    model: str = common.model()
    title: str = parameter("what people shall read; empty = as it is", "")
    name: str = parameter("what its files shall be called; empty = as they are", "")


@dataclass(frozen=True)
class ImportJob(Job):
    """A published checkpoint becomes a model of ours; a model of ours is checked and copied."""

    verb: ClassVar[str] = "import"
    summary: ClassVar[str] = "turn a published SpectralGPT checkpoint into a model of ours"

    input: str = parameter(
        "checkpoint: SpectralGPT.pth, SpectralGPT+.pth, or a published fine-tuned file; or a model of ours"
    )
    output: str = parameter("model to write: .safetensors to train from, .onnx to predict with")
    kind: str = parameter(
        "what the file holds",
        "auto",
        choices=("auto", "backbone", "segmentation", "change-detection"),
    )
    name: str = parameter("name of the model; empty = the file's", "")


@dataclass(frozen=True)
class ModelsJob(Job):
    """The installed models and their cards."""

    verb: ClassVar[str] = "models"
    summary: ClassVar[str] = "list the installed models"

    task: str = parameter(
        "only models for this task",
        "",
        choices=("", "backbone", "segmentation", "scene-classification", "change-detection"),
    )
    local: bool = parameter("leave shared folders out, which may be slow", False)
