"""The jobs: one frozen dataclass a verb, checked before any work, and the function that does each.

The command line (`__main__`) and the protocol are both made from these classes.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Callable, ClassVar

from .assessment_jobs import BenchmarkJob, EvaluateJob, SampleJob
from .batch_jobs import BatchJob
from .errors import InvalidParameter, MissingDependency
from .model_jobs import ExportJob, RenameJob
from .parameters import DEVICES, Job, parameter
from .progress import Progress
from .training_jobs import FinetuneJob, PretrainJob

WORKERS = "processes of a local cluster, 0 = one for each processor; of another one: how many to count on, 0 = all"


@dataclass(frozen=True)
class SegmentJob(Job):
    """A class map of a raster."""

    verb: ClassVar[str] = "segment"
    summary: ClassVar[str] = "class map of a raster"

    input: str = parameter("raster to map: a path or a GDAL name")
    model: str = parameter("name of an installed model, or a model file")
    output: str = parameter("class map to write, .tif")
    bands: tuple[int, ...] = parameter(
        "raster bands (from 1) in the order of the model's bands; none = automatic", ()
    )
    extent: tuple[float, ...] | None = parameter("xmin ymin xmax ymax to limit the work to", None)
    extent_crs: str = parameter("CRS of the extent; empty = the raster's", "")
    mask: str = parameter("polygons to limit the work to: a vector file", "")
    nodata: tuple[float, ...] = parameter("additional no-data values", ())
    crs: str = parameter("CRS to assume when the file has none", "")
    overlap: int = parameter("overlap of windows, percent", 25, minimum=0, maximum=75)
    device: str = parameter("where to compute", "auto", choices=DEVICES)
    threads: int = parameter("processor threads, 0 = all", 0, minimum=0, maximum=1024)
    min_area: float = parameter(
        "regions smaller than this are merged into their neighbours, m2", 0.0, minimum=0
    )
    confidence: str = parameter("confidence raster to write (percent), .tif", "")
    output_vector: str = parameter("polygons to write, .gpkg", "")
    areas: str = parameter("table of areas to write, .csv", "")
    cog: bool = parameter("write Cloud Optimized GeoTIFFs", False)
    tiles: int = parameter(
        "side of tiles, pixels: each raster becomes a .vrt with its tiles in a folder beside it; 0 = one .tif",
        0,
        minimum=0,
        maximum=65536,
    )
    resume: bool = parameter("go on where a run that was killed stopped", True)
    scheduler: str = parameter(
        "Dask cluster to compute on: tcp://host:port, or 'local' for processes here; empty = this process",
        "",
    )
    workers: int = parameter(
        "processes of a local cluster, 0 = one for each processor; of another one: how many to count on, 0 = all",
        0,
        minimum=0,
        maximum=1024,
    )
    dry_run: bool = parameter(
        "only tell what the run would take: windows, time, memory, disk", False
    )
    quick_look: str = parameter("coarse map of the view to write before the map, .tif", "")
    quick_look_extent: tuple[float, ...] | None = parameter(
        "xmin ymin xmax ymax of the view; none = all of the raster", None
    )
    quick_look_crs: str = parameter("CRS of the view; empty = the raster's", "")


@dataclass(frozen=True)
class ClassifyJob(Job):
    """Labelled scenes: a grid over the raster, or given polygons."""

    verb: ClassVar[str] = "classify"
    summary: ClassVar[str] = "label the cells of a grid, or given polygons"

    input: str = parameter("raster to label: a path or a GDAL name")
    model: str = parameter("name of an installed model, or a model file")
    output: str = parameter("polygons to write, .gpkg")
    bands: tuple[int, ...] = parameter(
        "raster bands (from 1) in the order of the model's bands; none = automatic", ()
    )
    zones: str = parameter("polygons to label instead of a grid: a vector file", "")
    cell_size: float = parameter(
        "side of a grid cell in CRS units, 0 = the model's own window", 0.0, minimum=0
    )
    extent: tuple[float, ...] | None = parameter("xmin ymin xmax ymax to limit the work to", None)
    extent_crs: str = parameter("CRS of the extent; empty = the raster's", "")
    mask: str = parameter("polygons to limit the work to: a vector file", "")
    nodata: tuple[float, ...] = parameter("additional no-data values", ())
    crs: str = parameter("CRS to assume when the file has none", "")
    device: str = parameter("where to compute", "auto", choices=DEVICES)
    threads: int = parameter("processor threads, 0 = all", 0, minimum=0, maximum=1024)
    resume: bool = parameter("go on where a run that was killed stopped", True)
    scheduler: str = parameter(
        "Dask cluster to compute on: tcp://host:port, or 'local' for processes here; empty = this process",
        "",
    )
    workers: int = parameter(
        "processes of a local cluster, 0 = one for each processor; of another one: how many to count on, 0 = all",
        0,
        minimum=0,
        maximum=1024,
    )
    dry_run: bool = parameter(
        "only tell what the run would take: windows, time, memory, disk", False
    )


@dataclass(frozen=True)
class ChangeJob(Job):
    """Change between two dates, on the first one's grid."""

    verb: ClassVar[str] = "detect-change"
    summary: ClassVar[str] = "change between two dates"

    before: str = parameter("raster of the first date: a path or a GDAL name")
    after: str = parameter("raster of the second date")
    model: str = parameter("name of an installed model, or a model file")
    output: str = parameter("change map to write, .tif: 0 unchanged, 1 changed, 255 no data")
    bands: tuple[int, ...] = parameter(
        "first date's bands (from 1) in the model's order; none = automatic", ()
    )
    after_bands: tuple[int, ...] = parameter(
        "second date's bands; none = like the first one's, or automatic", ()
    )
    threshold: float | None = parameter(
        "probability of change from 0 to 1; none = the model's own", None, minimum=0, maximum=1
    )
    extent: tuple[float, ...] | None = parameter("xmin ymin xmax ymax to limit the work to", None)
    extent_crs: str = parameter("CRS of the extent; empty = the first raster's", "")
    mask: str = parameter("polygons to limit the work to: a vector file", "")
    nodata: tuple[float, ...] = parameter("additional no-data values", ())
    crs: str = parameter("CRS to assume when a file has none", "")
    overlap: int = parameter("overlap of windows, percent", 25, minimum=0, maximum=75)
    device: str = parameter("where to compute", "auto", choices=DEVICES)
    threads: int = parameter("processor threads, 0 = all", 0, minimum=0, maximum=1024)
    min_area: float = parameter("changes smaller than this are dropped, m2", 0.0, minimum=0)
    probability: str = parameter("raster of the probability of change to write, .tif", "")
    output_vector: str = parameter("polygons of change to write, .gpkg", "")
    areas: str = parameter("table of areas to write, .csv", "")
    cog: bool = parameter("write Cloud Optimized GeoTIFFs", False)
    tiles: int = parameter(
        "side of tiles, pixels: each raster becomes a .vrt with its tiles in a folder beside it; 0 = one .tif",
        0,
        minimum=0,
        maximum=65536,
    )
    resume: bool = parameter("go on where a run that was killed stopped", True)
    scheduler: str = parameter(
        "Dask cluster to compute on: tcp://host:port, or 'local' for processes here; empty = this process",
        "",
    )
    workers: int = parameter(
        "processes of a local cluster, 0 = one for each processor; of another one: how many to count on, 0 = all",
        0,
        minimum=0,
        maximum=1024,
    )
    dry_run: bool = parameter(
        "only tell what the run would take: windows, time, memory, disk", False
    )
    quick_look: str = parameter("coarse map of the view to write before the map, .tif", "")
    quick_look_extent: tuple[float, ...] | None = parameter(
        "xmin ymin xmax ymax of the view; none = all of the raster", None
    )
    quick_look_crs: str = parameter("CRS of the view; empty = the raster's", "")


@dataclass(frozen=True)
class UncertainPlacesJob(Job):
    """The places to label next: where a model is least sure."""

    verb: ClassVar[str] = "uncertain-places"
    summary: ClassVar[str] = "places to label next, where a model is least sure"

    input: str = parameter("raster to search: a path or a GDAL name")
    model: str = parameter("name of an installed model, or a model file")
    output: str = parameter("places to write, .gpkg")
    count: int = parameter("places wanted", 20, minimum=1, maximum=1000)
    size: float = parameter("side of a place in CRS units, 0 = 10 pixels", 0.0, minimum=0)
    labels: str = parameter(
        "labels there are: places on them are left out; a vector file or a class raster", ""
    )
    bands: tuple[int, ...] = parameter(
        "raster bands (from 1) in the order of the model's bands; none = automatic", ()
    )
    extent: tuple[float, ...] | None = parameter("xmin ymin xmax ymax to limit the work to", None)
    extent_crs: str = parameter("CRS of the extent; empty = the raster's", "")
    mask: str = parameter("polygons to limit the work to: a vector file", "")
    nodata: tuple[float, ...] = parameter("additional no-data values", ())
    crs: str = parameter("CRS to assume when the file has none", "")
    overlap: int = parameter("overlap of windows, percent", 25, minimum=0, maximum=75)
    device: str = parameter("where to compute", "auto", choices=DEVICES)
    threads: int = parameter("processor threads, 0 = all", 0, minimum=0, maximum=1024)


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


@dataclass(frozen=True)
class DescribeJob(Job):
    """What a raster is to the models: its bands and values as recognised, and which models fit it."""

    verb: ClassVar[str] = "describe"
    summary: ClassVar[str] = "tell a raster's bands and values, and which installed models fit it"

    input: str = parameter("raster to look at: a path or a GDAL name")
    nodata: tuple[float, ...] = parameter("additional no-data values", ())
    crs: str = parameter("CRS to assume when the file has none", "")
    bands_only: bool = parameter("do not look at pixels: values stay undescribed", False)


@dataclass(frozen=True)
class DoctorJob(Job):
    """A self-test of the engine's environment."""

    verb: ClassVar[str] = "doctor"
    summary: ClassVar[str] = "check that the engine works on this machine"

    tier: str = parameter("what must work", "inference", choices=("inference", "training"))


# verb -> job class, module that holds the function, its name. The module is imported only when its verb runs.
VERBS: dict[str, tuple[type[Job], str, str]] = {
    "segment": (SegmentJob, ".infer.segment", "segment"),
    "classify": (ClassifyJob, ".infer.classify", "classify"),
    "detect-change": (ChangeJob, ".infer.detect_change", "detect_change"),
    "uncertain-places": (
        UncertainPlacesJob,
        ".infer.uncertain_places",
        "find_uncertain_places",
    ),
    "batch": (BatchJob, ".infer.batch", "compute_scenes"),
    "finetune": (FinetuneJob, ".train.finetuning", "finetune_model"),
    "pretrain": (PretrainJob, ".train.pretraining", "pretrain_model"),
    "evaluate": (EvaluateJob, ".assess.evaluate", "evaluate"),
    "sample": (SampleJob, ".assess.sample", "draw_sample"),
    "benchmark": (BenchmarkJob, ".benchmark.kinds", "benchmark"),
    "import": (ImportJob, ".importing", "import_model"),
    "export": (ExportJob, ".export.exporting", "export_model"),
    "rename": (RenameJob, ".renaming", "rename_model"),
    "models": (ModelsJob, ".listing", "list_models"),
    "describe": (DescribeJob, ".describing", "describe_raster"),
    "doctor": (DoctorJob, ".doctor", "examine"),
}

_TRAINING_LIBRARIES = (
    "torch",
    "safetensors",
    "onnx",
    "onnxscript",
    "sklearn",
    "scipy",
    "accelerate",
)


def run_job(job: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Runs {"verb": ..., "parameters": {...}} and returns the result's fields.

    Raises:
        InvalidParameter: The job is not well formed.
        EngineError: What the verb raises.
    """
    verb, parameters = job.get("verb"), job.get("parameters", {})
    if verb not in VERBS:
        raise InvalidParameter(f"There is no verb '{verb}'. There are: {', '.join(VERBS)}.")
    if not isinstance(parameters, Mapping):
        raise InvalidParameter(f"The parameters of '{verb}' must be a JSON object.")
    job_class, module, function = VERBS[verb]
    checked = job_class.from_parameters(parameters)
    try:
        work: Callable[[Job, Progress], dict[str, Any]] = getattr(
            importlib.import_module(module, __package__), function
        )
    except ModuleNotFoundError as error:
        if (error.name or "engine").startswith("engine"):
            raise
        tier = "training" if error.name in _TRAINING_LIBRARIES else "inference"
        raise MissingDependency(
            f"'{verb}' needs the library '{error.name}', which this engine does not have. "
            f"Install the engine's {tier} libraries (in QGIS: SpectralGPT > Engine).",
            details=repr(error),
        ) from error
    return work(checked, progress)
