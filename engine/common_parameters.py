"""Parameters that several jobs share, with the same meaning, default and range for all verbs."""

from __future__ import annotations

from typing import Any

from .parameters import parameter

DEVICES = ("auto", "cpu", "gpu")


def model() -> Any:
    """The model that predicts."""
    return parameter("name of an installed model, or a model file")


def bands(of: str = "model") -> Any:
    """The raster bands to use, in the order of the bands of `of`."""
    return parameter(
        f"raster bands (from 1) in the order of the {of}'s bands; none = automatic", ()
    )


def extent() -> Any:
    """The rectangle to compute."""
    return parameter("xmin ymin xmax ymax to limit the work to", None)


def extent_crs(of: str = "raster") -> Any:
    """The CRS of `extent`."""
    return parameter(f"CRS of the extent; empty = the {of}'s", "")


def mask() -> Any:
    """The polygons to limit the computation to."""
    return parameter("polygons to limit the work to: a vector file", "")


def nodata() -> Any:
    """No-data values in addition to those that the file declares."""
    return parameter("additional no-data values", ())


def assumed_crs() -> Any:
    """The CRS to assume for a file without one."""
    return parameter("CRS to assume when a file has none", "")


def overlap() -> Any:
    """The overlap of neighbouring windows."""
    return parameter("overlap of windows, percent", 25, minimum=0, maximum=75)


def device() -> Any:
    """The device to compute on."""
    return parameter("where to compute", "auto", choices=DEVICES)


def threads() -> Any:
    """The number of CPU threads."""
    return parameter("processor threads, 0 = all", 0, minimum=0, maximum=1024)


def cog() -> Any:
    """Whether to write raster outputs as Cloud Optimized GeoTIFFs."""
    return parameter("write Cloud Optimized GeoTIFFs", False)


def tiles() -> Any:
    """Whether to write raster outputs as tiles, and their size."""
    return parameter(
        "side of tiles, pixels: each raster becomes a .vrt with its tiles in a folder beside it; 0 = one .tif",
        0,
        minimum=0,
        maximum=65536,
    )


def resume() -> Any:
    """Whether to resume an earlier run."""
    return parameter("go on where a run that was killed stopped", True)


def scheduler() -> Any:
    """The cluster to compute on."""
    return parameter(
        "Dask cluster to compute on: tcp://host:port, or 'local' for processes here; empty = this process",
        "",
    )


def workers() -> Any:
    """The number of processes of the cluster."""
    return parameter(
        "processes of a local cluster, 0 = one for each processor; of another one: how many to count on, 0 = all",
        0,
        minimum=0,
        maximum=1024,
    )


def dry_run() -> Any:
    """Whether to estimate only, without running."""
    return parameter("only tell what the run would take: windows, time, memory, disk", False)


def quick_look() -> Any:
    """The coarse map to write first."""
    return parameter("coarse map of the view to write before the map, .tif", "")


def quick_look_extent() -> Any:
    """The view of the coarse map."""
    return parameter("xmin ymin xmax ymax of the view; none = all of the raster", None)


def quick_look_crs() -> Any:
    """The CRS of `quick_look_extent`."""
    return parameter("CRS of the view; empty = the raster's", "")


def language() -> Any:
    """The language of a report."""
    return parameter(
        "language of the report, such as de, fr, es, pt or zh; empty = the environment's, else English",
        "",
    )
