"""All verbs, each with the frozen dataclass that checks its job and the function that runs it.

Both the command line and the protocol are generated from these classes.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Callable, ClassVar

from . import common_parameters as common
from .assessment_jobs import BenchmarkJob, EvaluateJob, SampleJob
from .batch_jobs import BatchJob
from .errors import InvalidParameter, MissingDependency
from .map_jobs import ChangeJob, ClassifyJob, SegmentJob, UncertainPlacesJob
from .model_jobs import ExportJob, ImportJob, ModelsJob, RenameJob
from .parameters import Job, parameter
from .product_jobs import OpenProductJob
from .progress import Progress
from .training_jobs import FinetuneJob, PretrainJob


@dataclass(frozen=True)
class DescribeJob(Job):
    """A raster as the models see it: its bands and values as recognised, and which models fit it."""

    verb: ClassVar[str] = "describe"
    summary: ClassVar[str] = "tell a raster's bands and values, and which installed models fit it"

    input: str = parameter("raster to look at: a path or a GDAL name")
    nodata: tuple[float, ...] = common.nodata()
    crs: str = common.assumed_crs()
    bands_only: bool = parameter("do not look at pixels: values stay undescribed", False)


@dataclass(frozen=True)
class DoctorJob(Job):
    """A self-test of the engine's environment."""

    verb: ClassVar[str] = "doctor"
    summary: ClassVar[str] = "check that the engine works on this machine"

    tier: str = parameter("what must work", "inference", choices=("inference", "training"))


# Verb -> job class, module and name of the function. The module is imported only when its verb runs.
VERBS: dict[str, tuple[type[Job], str, str]] = {
    "open-product": (OpenProductJob, ".product.open_product", "open_product"),
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
        InvalidParameter: The job is malformed.
        EngineError: Any error that the verb raises.
    """
    verb, parameters = job.get("verb"), job.get("parameters", {})
    if not isinstance(verb, str) or verb not in VERBS:
        raise InvalidParameter(f"There is no command '{verb}'. Available: {', '.join(VERBS)}.")
    if not isinstance(parameters, Mapping):
        raise InvalidParameter(f"The parameters of '{verb}' must be a JSON object.")
    job_class, module, function = VERBS[verb]
    checked = job_class.from_parameters(parameters)
    try:
        if isinstance(checked, (SegmentJob, ClassifyJob, ChangeJob)):
            importlib.import_module(".infer.compile_ahead", __package__).begin(checked)
        work: Callable[[Job, Progress], dict[str, Any]] = getattr(
            importlib.import_module(module, __package__), function
        )
    except ModuleNotFoundError as error:
        if (error.name or "engine").startswith("engine"):
            raise
        tier = "training" if error.name in _TRAINING_LIBRARIES else "inference"
        raise MissingDependency(
            f"'{verb}' needs the library '{error.name}', which is not installed in this engine. Install the engine's "
            f"{tier} libraries (in QGIS: SpectralGPT > Engine).",
            details=repr(error),
        ) from error
    return work(checked, progress)
