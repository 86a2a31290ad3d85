"""The verb `describe`: describes a raster as models see it, and rates every installed model for it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from .band_identity import BandDescriptor, Identity, identify
from .cards import Band, Card
from .data.describe import Description, describe
from .data.opening import grid_of, open_raster
from .data.source import RasterSource
from .endings import ONNX, ending
from .errors import ModelInvalid
from .infer.cells import ground_pixel
from .jobs import DescribeJob
from .model_file import installed_models, read_card
from .progress import Progress
from .suitability import Suitability, suitability


def describe_raster(job: DescribeJob, progress: Progress) -> dict[str, Any]:
    """Describes a raster as {"raster": {...}, "models": [...]}, with the best model first.

    The raster has "bands" (number, name, common_name, wavelength in micrometres or None), "remark" (why names were
    ignored), "sensor", "values" (how they are converted to reflectance, as text), "warnings" (about guesses), "nodata",
    "size" in pixels, "pixel" in CRS units, "pixel_metres" on the ground, and "crs". A model has "name", "path",
    "format", "task", "title", "gsd", "verdict" ("fits", "doubtful" or "unfit"), "scale", "missing", "left_out",
    "match" and "reason", see `Suitability`.

    Raises:
        RasterUnreadable: The raster is missing, damaged or not an image.
        GeoreferenceMissing: It has no georeference.
    """
    progress.update(0.1, "Opening the raster")
    with open_raster(job.input) as dataset:
        grid = grid_of(dataset, job.input, job.crs)
        description = describe(dataset, job.input)
    identities, sensor, remark = identify(description.descriptors, description.sensor)
    progress.update(0.3, "Reading its values")
    values, nodata, warnings = ("", "", ()) if job.bands_only else _values(job, identities)
    progress.check()
    progress.update(0.8, "Checking which models fit")
    across, down = ground_pixel(grid)
    models = _judged(description, math.sqrt(across * down), progress)
    return {
        "raster": {
            "bands": [_band(*pair) for pair in zip(description.descriptors, identities)],
            "remark": remark,
            "sensor": sensor,
            "values": values,
            "warnings": list(warnings),
            "nodata": nodata,
            "size": [grid.width, grid.height],
            "pixel": list(grid.resolution),
            "pixel_metres": [across, down],
            "crs": grid.crs.to_string(),
        },
        "models": models,
    }


def _values(job: DescribeJob, identities: tuple[Identity, ...]) -> tuple[str, str, tuple[str, ...]]:
    """How values are converted to reflectance and what counts as no-data, as texts, and warnings about guesses."""
    # Bands such as a cloud mask must not influence the guess of the unit.
    spectral = [item for item in identities if item.common or item.wavelength is not None]
    used = spectral or list(identities)
    bands = tuple(Band(item.sentinel or f"band {item.index}") for item in used)
    card = Card("all its bands", "segmentation", bands)
    numbers = [item.index for item in used]
    with RasterSource.open(
        job.input, card, bands=numbers, nodata=job.nodata, crs=job.crs
    ) as source:
        return source.scaling.text, source.nodata, source.warnings


def _judged(description: Description, pixel: float, progress: Progress) -> list[dict[str, Any]]:
    """All installed models with their suitability, the best first."""
    found = []
    for path in installed_models():
        try:
            card = read_card(path)
        except ModelInvalid as error:
            progress.warning(error.message)
            continue
        judged = suitability(card, description.descriptors, description.sensor, pixel)
        found.append((path, card, judged))
    # Among models that fit equally well, those that can predict come first.
    found.sort(key=lambda item: (item[2].rank[0], ending(item[0]) != ONNX, item[2].rank, item[0]))
    return [_model(*item) for item in found]


def _band(descriptor: BandDescriptor, identity: Identity) -> dict[str, Any]:
    return {
        "number": descriptor.index,
        "name": descriptor.name,
        "common_name": identity.common,
        "wavelength": identity.wavelength,
    }


def _model(path: Path, card: Card, judged: Suitability) -> dict[str, Any]:
    return {
        "name": path.stem,
        "path": str(path),
        "format": ending(path).lstrip("."),
        "task": card.task,
        "title": card.title or card.name,
        "gsd": card.gsd,
        "verdict": judged.verdict,
        "scale": judged.scale,
        "missing": [
            {"name": band.name, "wavelength": band.center_wavelength or None}
            for band in judged.missing
        ],
        "left_out": list(judged.left_out),
        "match": judged.match.to_list() if judged.match is not None else [],
        "reason": judged.reason,
    }
