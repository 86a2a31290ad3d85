"""The jobs that make maps of rasters, and that find places to label next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from . import common_parameters as common
from .parameters import Job, parameter


@dataclass(frozen=True)
class SegmentJob(Job):
    """A class map of a raster."""

    verb: ClassVar[str] = "segment"
    model_task: ClassVar[str] = "segmentation"  # as its card names it
    summary: ClassVar[str] = "class map of a raster"

    input: str = parameter("raster to map: a path or a GDAL name")
    model: str = common.model()
    output: str = parameter("class map to write, .tif")
    bands: tuple[int, ...] = common.bands()
    extent: tuple[float, ...] | None = common.extent()
    extent_crs: str = common.extent_crs()
    mask: str = common.mask()
    nodata: tuple[float, ...] = common.nodata()
    crs: str = common.assumed_crs()
    overlap: int = common.overlap()
    device: str = common.device()
    threads: int = common.threads()
    min_area: float = parameter(
        "regions smaller than this are merged into their neighbours, m2", 0.0, minimum=0
    )
    confidence: str = parameter("confidence raster to write (percent), .tif", "")
    output_vector: str = parameter("polygons to write, .gpkg", "")
    areas: str = parameter("table of areas to write, .csv", "")
    cog: bool = common.cog()
    tiles: int = common.tiles()
    resume: bool = common.resume()
    scheduler: str = common.scheduler()
    workers: int = common.workers()
    dry_run: bool = common.dry_run()
    quick_look: str = common.quick_look()
    quick_look_extent: tuple[float, ...] | None = common.quick_look_extent()
    quick_look_crs: str = common.quick_look_crs()


@dataclass(frozen=True)
class ClassifyJob(Job):
    """Labelled scenes: a grid over the raster, or given polygons."""

    verb: ClassVar[str] = "classify"
    model_task: ClassVar[str] = "scene-classification"  # as its card names it
    summary: ClassVar[str] = "label the cells of a grid, or given polygons"

    input: str = parameter("raster to label: a path or a GDAL name")
    model: str = common.model()
    output: str = parameter("polygons to write, .gpkg")
    bands: tuple[int, ...] = common.bands()
    zones: str = parameter("polygons to label instead of a grid: a vector file", "")
    cell_size: float = parameter(
        "side of a grid cell in CRS units, 0 = the model's own window", 0.0, minimum=0
    )
    extent: tuple[float, ...] | None = common.extent()
    extent_crs: str = common.extent_crs()
    mask: str = common.mask()
    nodata: tuple[float, ...] = common.nodata()
    crs: str = common.assumed_crs()
    device: str = common.device()
    threads: int = common.threads()
    resume: bool = common.resume()
    scheduler: str = common.scheduler()
    workers: int = common.workers()
    dry_run: bool = common.dry_run()


@dataclass(frozen=True)
class ChangeJob(Job):
    """Change between two dates, on the first one's grid."""

    verb: ClassVar[str] = "detect-change"
    model_task: ClassVar[str] = "change-detection"  # as its card names it
    summary: ClassVar[str] = "change between two dates"

    before: str = parameter("raster of the first date: a path or a GDAL name")
    after: str = parameter("raster of the second date")
    model: str = common.model()
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
    extent: tuple[float, ...] | None = common.extent()
    extent_crs: str = common.extent_crs("first raster")
    mask: str = common.mask()
    nodata: tuple[float, ...] = common.nodata()
    crs: str = common.assumed_crs()
    overlap: int = common.overlap()
    device: str = common.device()
    threads: int = common.threads()
    min_area: float = parameter("changes smaller than this are dropped, m2", 0.0, minimum=0)
    probability: str = parameter("raster of the probability of change to write, .tif", "")
    output_vector: str = parameter("polygons of change to write, .gpkg", "")
    areas: str = parameter("table of areas to write, .csv", "")
    cog: bool = common.cog()
    tiles: int = common.tiles()
    resume: bool = common.resume()
    scheduler: str = common.scheduler()
    workers: int = common.workers()
    dry_run: bool = common.dry_run()
    quick_look: str = common.quick_look()
    quick_look_extent: tuple[float, ...] | None = common.quick_look_extent()
    quick_look_crs: str = common.quick_look_crs()


@dataclass(frozen=True)
class UncertainPlacesJob(Job):
    """The places to label next: where a model is least sure."""

    verb: ClassVar[str] = "uncertain-places"
    model_task: ClassVar[str] = "segmentation"  # as its card names it
    summary: ClassVar[str] = "places to label next, where a model is least sure"

    input: str = parameter("raster to search: a path or a GDAL name")
    model: str = common.model()
    output: str = parameter("places to write, .gpkg")
    count: int = parameter("places wanted", 20, minimum=1, maximum=1000)
    size: float = parameter("side of a place in CRS units, 0 = 10 pixels", 0.0, minimum=0)
    labels: str = parameter(
        "labels there are: places on them are left out; a vector file or a class raster", ""
    )
    bands: tuple[int, ...] = common.bands()
    extent: tuple[float, ...] | None = common.extent()
    extent_crs: str = common.extent_crs()
    mask: str = common.mask()
    nodata: tuple[float, ...] = common.nodata()
    crs: str = common.assumed_crs()
    overlap: int = common.overlap()
    device: str = common.device()
    threads: int = common.threads()
