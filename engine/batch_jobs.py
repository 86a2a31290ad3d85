"""The job that does another verb's work on many scenes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .parameters import DEVICES, Job, parameter

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
    model: str = parameter("name of an installed model, or a model file")
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
    bands: tuple[int, ...] = parameter(
        "raster bands (from 1) in the order of the model's bands; none = automatic", ()
    )
    nodata: tuple[float, ...] = parameter("additional no-data values", ())
    crs: str = parameter("CRS to assume when a file has none", "")
    overlap: int = parameter("overlap of windows, percent", 25, minimum=0, maximum=75)
    threshold: float | None = parameter(
        "detect-change: probability from 0 to 1; none = the model's own", None, minimum=0, maximum=1
    )
    cell_size: float = parameter(
        "classify: side of a grid cell in CRS units, 0 = the model's own window", 0.0, minimum=0
    )
    min_area: float = parameter(
        "regions smaller than this are merged into their neighbours, m2", 0.0, minimum=0
    )
    cog: bool = parameter("write Cloud Optimized GeoTIFFs", False)
    tiles: int = parameter(
        "side of tiles, pixels: each raster becomes a .vrt with its tiles in a folder beside it; 0 = one .tif",
        0,
        minimum=0,
        maximum=65536,
    )
    device: str = parameter("where to compute", "auto", choices=DEVICES)
    threads: int = parameter("processor threads, 0 = all", 0, minimum=0, maximum=1024)
    resume: bool = parameter("leave out what an earlier run has finished", True)
    scheduler: str = parameter(
        "Dask cluster to compute on: tcp://host:port, or 'local' for processes here; empty = this process",
        "",
    )
    workers: int = parameter(
        "processes of a local cluster, 0 = one for each processor", 0, minimum=0, maximum=1024
    )
