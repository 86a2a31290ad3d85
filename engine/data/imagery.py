"""Surveys unlabelled imagery for a model: which rasters are usable, and their statistics."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rasterio.windows import Window

from ..cards import Normalisation
from ..endings import ending
from ..errors import EmptyArea, EngineError, InvalidParameter
from ..progress import Progress
from .lazy_patches import LazyRaster
from .raster_pool import RasterPool

SUFFIXES = (".tif", ".tiff", ".vrt", ".jp2", ".img")


@dataclass(frozen=True)
class Surveyed:
    """A usable raster.

    Attributes:
        raster: The raster, to draw patches from.
        mean: Mean of each model band over the valid pixels of a decimated read [C], 0 where missing.
        std: Their standard deviation [C], 1 where missing.
        present: Which of the model's bands it has [C].
        gsd: Side of a pixel on the ground, metres.
        crs: Its reference system, as text.
        scaling: How its values are converted to the model's unit, as text.
    """

    raster: LazyRaster
    mean: np.ndarray
    std: np.ndarray
    present: np.ndarray
    gsd: float
    crs: str
    scaling: str


@dataclass(frozen=True)
class Survey:
    """The result of a survey.

    Attributes:
        serving: The usable rasters, in the order given.
        refused: Names of the others, each with the reason.
    """

    serving: tuple[Surveyed, ...]
    refused: tuple[tuple[str, str], ...]

    @property
    def pixels(self) -> int:
        """Number of pixels of all usable rasters, valid or not."""
        return sum(int(np.prod(item.raster.shape)) for item in self.serving)

    def normalisation(self) -> Normalisation:
        """Mean and standard deviation of each band; rasters weigh by the root of their area, as patches are drawn."""
        weight = np.array([np.prod(item.raster.shape) ** 0.5 for item in self.serving])[:, None]
        present = np.stack([item.present for item in self.serving])  # [N, C]
        mean = np.stack([item.mean for item in self.serving])
        square = mean**2 + np.stack([item.std for item in self.serving]) ** 2
        share = weight * present
        total = np.maximum(share.sum(0), 1e-12)
        average = (share * mean).sum(0) / total
        spread = np.sqrt(np.maximum((share * square).sum(0) / total - average**2, 1e-8))
        spread[~present.any(0)] = 1.0  # a band that no raster has is never used
        return Normalisation(
            "statistics",
            tuple(round(float(value), 6) for value in average),
            tuple(max(1e-6, round(float(value), 6)) for value in spread),
        )


def list_rasters(inputs: Sequence[str]) -> list[str]:
    """Names of all rasters: folders are replaced by the rasters in them, sorted; other names stay.

    Raises:
        InvalidParameter: No input, or a folder without rasters.
    """
    names: list[str] = []
    for given in inputs:
        if not os.path.isdir(given) or given.lower().rstrip("/\\").endswith(".zarr"):
            names.append(given)
            continue
        inside = sorted(
            str(path)
            for path in Path(given).rglob("*")
            if ending(path) in SUFFIXES and not path.name.startswith(".")
        )
        if not inside:
            raise InvalidParameter(
                f"The folder {given} contains no raster with one of the file extensions {', '.join(SUFFIXES)}. Choose "
                "another folder, or add the rasters one by one."
            )
        names += inside
    if not names:
        raise InvalidParameter(
            "No imagery was specified. Choose the rasters or folders to learn from."
        )
    return list(dict.fromkeys(names))


def survey(names: Sequence[str], pool: RasterPool, progress: Progress | None = None) -> Survey:
    """Opens every raster and checks whether it is usable.

    Args:
        names: Paths or GDAL names.
        pool: Opens them.
        progress: Takes the progress, and a warning for every refused raster.

    Raises:
        EngineError: The only raster is not usable.
        EmptyArea: None of several rasters is usable.
    """
    progress = progress or Progress()
    serving, refused = [], []
    for number, name in enumerate(names):
        progress.update(number / len(names), f"Checking raster {number + 1} of {len(names)}")
        try:
            serving.append(_look(name, pool))
        except EngineError as error:
            if len(names) == 1:
                raise
            refused.append((name, error.message))
            progress.warning(f"Skipped: {name}. {error.message}")
    if not serving:
        first = "; ".join(f"{name}: {why}" for name, why in refused[:3])
        raise EmptyArea(
            f"None of the {len(names)} rasters is suitable for the model. {first} Choose rasters that have the "
            "model's bands."
        )
    return Survey(tuple(serving), tuple(refused))


def _look(name: str, pool: RasterPool) -> Surveyed:
    source = pool.get(name)
    grid = source.grid
    middle = grid.pixel_area(Window(grid.width // 2, grid.height // 2, 1, 1))
    mean, std = source.statistics()
    present = np.zeros(len(pool.card.bands), bool)
    present[list(source.match.positions)] = True
    return Surveyed(
        LazyRaster(name, pool, grid, source.groups),
        mean,
        std,
        present,
        float(middle[0, 0]) ** 0.5,
        grid.crs.to_string()[:40],
        source.scaling.text,
    )
