"""A digest of all that a run's results depend on: equal when two runs compute the same rows or labels."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy
import onnxruntime
import rasterio

from ..data.source import RasterSource
from ..parameters import Job
from .backend import Backend
from .installed import InstalledModel
from .region import Region

ENGINE = Path(__file__).resolve().parent.parent
# Left out: where results go does not change them, and model, device, extent, mask and zones enter by content.
_APART = frozenset(
    {
        "output",
        "confidence",
        "probability",
        "output_vector",
        "areas",
        "resume",
        "dry_run",
        "quick_look",
        "quick_look_crs",
        "quick_look_extent",
        "scheduler",
        "tiles",
        "workers",
    }
    | {"model", "device", "extent", "extent_crs", "mask", "zones"}
)
# QGIS rewrites these files when it shows a raster; what matters in them enters by grid, bands, scaling and no-data.
_AUXILIARY = ".aux.xml"


def job_key(
    job: Job,
    model: InstalledModel,
    backend: Backend,
    sources: Sequence[RasterSource],
    region: Region,
    layers: Sequence[str],
) -> str:
    """A digest of all that the results depend on.

    Args:
        job: The checked job.
        model: The model.
        backend: Where it computes.
        sources: The rasters.
        region: The part to compute.
        layers: What is kept: types of a map's layers, or the polygons to label.

    Returns:
        Hexadecimal; empty when a raster is not stored in local files, whose changes could be detected.
    """
    rasters = [_raster(source) for source in sources]
    if not all(rasters):
        return ""
    given = dataclasses.asdict(job)  # type: ignore[call-overload]
    facts = {
        "verb": job.verb,
        "parameters": {name: given[name] for name in sorted(given.keys() - _APART)},
        "model": model.sha256,
        "backend": [backend.device, backend.name],
        "rasters": rasters,
        "region": region.digest(),
        "layers": list(layers),
        "engine": [stated(path) for path in sorted(ENGINE.rglob("*.py"))],
        "versions": [
            platform.python_version(),
            numpy.__version__,
            onnxruntime.__version__,
            rasterio.__version__,
            rasterio.__gdal_version__,
        ],
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _raster(source: RasterSource) -> list[Any]:
    """A raster's files and how they are read; empty when they cannot be inspected."""
    files = [file for file in source.files if not file.endswith(_AUXILIARY)]
    if not files or not all(map(os.path.isfile, files)):
        return []
    grid, scaling = source.grid, source.scaling
    return [
        [stated(Path(file)) for file in sorted(files)],
        [grid.crs.to_wkt(), list(grid.transform), grid.width, grid.height],
        [list(source.match.indexes), list(source.match.positions), list(source.groups)],
        [list(map(float, scaling.factors)), list(map(float, scaling.offsets))],
        source.nodata,
    ]


def stated(path: Path) -> list[Any]:
    """A file's path, size and modification time.

    Raises:
        OSError: The file does not exist.
    """
    status = path.stat()
    return [os.path.abspath(path), status.st_size, status.st_mtime_ns]
