"""The jobs of accuracy assessment: accuracy of a map, samples, benchmarks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from . import common_parameters as common
from .parameters import Job, parameter


@dataclass(frozen=True)
class EvaluateJob(Job):
    """Accuracy of a map, or of a model, against a reference."""

    verb: ClassVar[str] = "evaluate"
    summary: ClassVar[str] = "accuracy of a map or model against a reference"

    input: str = parameter("class map; or, with a model, the raster that it is to map")
    reference: str = parameter("what is true: a vector file of polygons or points, or a raster")
    field: str = parameter("field of the reference with the class, text or whole number", "")
    model: str = parameter(
        "segmentation model to judge, a name or a file; empty = input is a map", ""
    )
    design: str = parameter(
        "how the reference was drawn: stratified weights each class by its area in the map",
        "auto",
        choices=("auto", "simple", "stratified"),
    )
    confidence: int = parameter("of the intervals, percent", 95, minimum=50, maximum=99)
    output_report: str = parameter("report to write, .html", "")
    language: str = common.language()
    output_table: str = parameter("confusion matrix to write, .csv", "")
    bands: tuple[int, ...] = parameter(
        "with a model: raster bands (from 1) in the order of its bands; none = automatic", ()
    )
    nodata: tuple[float, ...] = common.nodata()
    crs: str = common.assumed_crs()
    device: str = common.device()
    threads: int = common.threads()


@dataclass(frozen=True)
class SampleJob(Job):
    """A stratified random sample of a map, to be labelled and given to `evaluate`."""

    verb: ClassVar[str] = "sample"
    summary: ClassVar[str] = "stratified random sample of a class map, to judge it by"

    input: str = parameter("class map")
    output: str = parameter("points to write, .gpkg")
    size: int = parameter(
        "points in all, 0 = as many as the standard error needs", 0, minimum=0, maximum=1000000
    )
    standard_error: float = parameter(
        "wanted standard error of the overall accuracy", 0.01, minimum=0.0005, maximum=0.2
    )
    expected_accuracy: float = parameter(
        "user's accuracy that is expected of every class", 0.8, minimum=0.01, maximum=0.99
    )
    allocation: str = parameter(
        "how points are shared among classes", "proportional", choices=("proportional", "equal")
    )
    minimum: int = parameter("least points of each class", 50, minimum=1, maximum=100000)
    seed: int = parameter("of the draw", 0, minimum=0)


@dataclass(frozen=True)
class BenchmarkJob(Job):
    """Measures the product and its baselines on inputs that anyone can get."""

    verb: ClassVar[str] = "benchmark"
    summary: ClassVar[str] = "measure accuracy or speed, with baselines"

    kind: str = parameter("what to measure", choices=("accuracy", "speed"), positional=True)
    data: str = parameter("accuracy: folder of the collections, see docs/accuracy.md", "")
    parts: tuple[str, ...] = parameter(
        "only these; accuracy: scenes, water, village, oscd, taizhou, cost; none = all. speed: model, start, "
        "polygons, map, area_of_interest, size, memory, scaling; none = these; only when named: gpu, processor, "
        "preflight, pipeline",
        (),
        words=True,
    )
    side: int = parameter("speed: side of the raster to map, pixels", 4096, minimum=256)
    model: str = parameter("speed: segmentation model, a name or a file", "landcover")
    models: str = parameter("folder with the backbone; empty = the shipped models", "")
    output: str = parameter("results to write, .json", "")
    repeats: int = parameter("draws or repeats of each experiment, 0 = as documented", 0, minimum=0)
    first_draw: int = parameter("village, water: number of the first draw", 0, minimum=0)
    fold_seconds: float = parameter(
        "oscd: training time of each method and fold, seconds", 180.0, minimum=1
    )
    device: str = common.device()
    threads: int = common.threads()
