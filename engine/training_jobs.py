"""The jobs that make models: fine-tuning with labels, and pretraining without labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from . import common_parameters as common
from .parameters import Job, parameter

TASKS = ("segmentation", "scene-classification", "change-detection")
METHODS = ("auto", "quick", "adapters", "full")


@dataclass(frozen=True)
class FinetuneJob(Job):
    """A model of one's own from a few labels."""

    verb: ClassVar[str] = "finetune"
    summary: ClassVar[str] = "make a model from labels: polygons, points or a class raster"

    inputs: tuple[str, ...] = parameter("rasters with the labelled ground: paths or GDAL names")
    labels: str = parameter("labels: a vector file of polygons or points, or a class raster")
    output_model: str = parameter(
        "model to write, .onnx; a .safetensors to train on from is written beside it"
    )
    field: str = parameter(
        "field with the class, text or whole number; for several labels a scene, separated by ; or ,",
        "",
    )
    task: str = parameter("what the model shall do", "segmentation", choices=TASKS)
    after: tuple[str, ...] = parameter(
        "for change: rasters of the second date, one for each input", ()
    )
    base: str = parameter(
        "model to start from: a name or a file that can be trained on", "backbone"
    )
    method: str = parameter(
        "quick: frozen backbone, in seconds; adapters: few weights; full: all weights; "
        "auto: by the number of labels and the device",
        "auto",
        choices=METHODS,
    )
    epochs: int = parameter(
        "passes over the labels, 0 = by the method", 0, minimum=0, maximum=10000
    )
    multilabel: bool = parameter("for scenes: a scene may have several labels", False)
    classes: str = parameter(
        'how classes look: JSON list of {"label", "title", "color"}; empty = automatic', ""
    )
    use: str = parameter(
        "where the model is to work: anywhere, other dates included; here: only on these rasters, "
        "where it is then a little better",
        "anywhere",
        choices=("anywhere", "here"),
    )
    validation: int = parameter(
        "share of the labels to hold back for judging, percent", 20, minimum=0, maximum=50
    )
    name: str = parameter("name of the model; empty = the file's", "")
    output_report: str = parameter("report to write, .html", "")
    language: str = common.language()
    bands: tuple[int, ...] = common.bands("base")
    after_bands: tuple[int, ...] = parameter(
        "second date's bands; none = like the first one's, or automatic", ()
    )
    nodata: tuple[float, ...] = common.nodata()
    crs: str = common.assumed_crs()
    device: str = common.device()
    threads: int = common.threads()
    seed: int = parameter("of every random number", 0, minimum=0)


@dataclass(frozen=True)
class PretrainJob(Job):
    """A backbone of one's own, from imagery without labels."""

    verb: ClassVar[str] = "pretrain"
    summary: ClassVar[str] = "make a backbone from imagery without labels"

    inputs: tuple[str, ...] = parameter("rasters to learn from: paths, folders or GDAL names")
    output_model: str = parameter("backbone to write, .safetensors")
    base: str = parameter(
        "backbone to go on from: a name or a file; or a size to start fresh: tiny, small, base, "
        "large, huge",
        "backbone",
    )
    stages: str = parameter(
        "progressive stages WINDOW:EPOCHS[:LEARNING_RATE[:MASK_RATIO[:IMAGERY]]], separated by ;, "
        "for instance '64:20:1e-3; 128:10:5e-4'; IMAGERY is a pattern of input names; "
        "empty = by the size of the imagery",
        "",
    )
    mask_ratio: float = parameter("share of the tokens to hide", 0.9, minimum=0.1, maximum=0.99)
    epochs: int = parameter("epochs of every stage, 0 = as the stages say", 0, minimum=0)
    batch: int = parameter("patches a batch, 0 = by memory", 0, minimum=0, maximum=65536)
    steps: int = parameter("batches an epoch, 0 = by the size of the imagery", 0, minimum=0)
    loss: str = parameter(
        "terms of the reconstruction loss: preset of the model family",
        "token",
        choices=("token", "spectral-sum", "spectral-mean"),
    )
    positions: str = parameter(
        "position embeddings from one window size to the next",
        "interpolate",
        choices=("interpolate", "drop"),
    )
    checkpoint: str = parameter("folder to resume from after a kill; empty = none is kept", "")
    output_report: str = parameter("report to write, .html", "")
    language: str = common.language()
    output_reconstruction: str = parameter(
        "raster of a masked input, its reconstruction and error to write, .tif", ""
    )
    name: str = parameter("name of the backbone; empty = the file's", "")
    bands: tuple[int, ...] = common.bands("base")
    nodata: tuple[float, ...] = common.nodata()
    crs: str = common.assumed_crs()
    device: str = common.device()
    threads: int = common.threads()
    seed: int = parameter("of every random number", 0, minimum=0)
