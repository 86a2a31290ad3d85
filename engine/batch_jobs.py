"""The job that runs another verb on many scenes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from . import common_parameters as common
from .parameters import Job, parameter

BESIDE = ("confidence", "probability", "vector", "areas")


@dataclass(frozen=True)
class BatchJob(Job):
    """Many scenes in one run: one that cannot be computed stops no other, and a later run does what is left."""

    verb: ClassVar[str] = "batch"
    summary: ClassVar[str] = "segment, classify or detect-change of many scenes in one run"

    task: str = parameter(
        "what to do with each scene",
        choices=("segment", "classify", "detect-change"),
        positional=True,
    )
    model: str = common.model()
    output_folder: str = parameter("folder of the outputs, each called as its scene; is made")
    inputs: tuple[str, ...] = parameter(
        "rasters; for detect-change in pairs: first date, second date", ()
    )
    inputs_list: str = parameter(
        "text file with a raster a line; for detect-change two, with a tab between them", ""
    )
    beside: tuple[str, ...] = parameter(
        f"what to write beside each output: {', '.join(BESIDE)}, as the task has it",
        (),
        words=True,
    )
    bands: tuple[int, ...] = common.bands()
    nodata: tuple[float, ...] = common.nodata()
    crs: str = common.assumed_crs()
    overlap: int = common.overlap()
    threshold: float | None = parameter(
        "detect-change: probability from 0 to 1; none = the model's own", None, minimum=0, maximum=1
    )
    cell_size: float = parameter(
        "classify: side of a grid cell in CRS units, 0 = the model's own window", 0.0, minimum=0
    )
    min_area: float = parameter(
        "regions smaller than this are merged into their neighbours, m2", 0.0, minimum=0
    )
    cog: bool = common.cog()
    tiles: int = common.tiles()
    device: str = common.device()
    threads: int = common.threads()
    resume: bool = parameter("leave out what an earlier run has finished", True)
    scheduler: str = common.scheduler()
    workers: int = common.workers()
