"""Reads the chips of labelled scenes: the windows that inference would use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.windows import Window

from ..cards import Card
from ..data.blocks import Positions
from ..data.grid import Grid
from ..data.label_layer import LabelLayer, LabelledScenes
from ..data.source import RasterSource
from ..errors import EmptyArea
from ..infer.cell_windows import outline
from ..infer.model_inputs import SingleDate
from ..infer.region import Region
from ..infer.scene_windows import SceneWindow
from ..infer.zone_windows import ZoneWindows, zone_region
from ..progress import Progress

SMALLEST, AROUND_POINTS = 32, 64  # pixels
MOST_WINDOWS = 9  # per scene; more of the same place add little


@dataclass(frozen=True)
class SceneChips:
    """Windows of labelled scenes; a large scene has several.

    Attributes:
        image: float32 [N, C, S, S] in the card's unit, 0 where invalid or missing.
        valid: 1 where valid, float32 [N, 1, S, S].
        groups: Ascending indices of the spectral groups that all rasters have, int64 [G'].
        scene: Scene of each window, 0..M-1 ascending [N].
        weight: Valid pixels of its scene that each window shows [N].
        label: Class index int64 [M]; with several labels per scene float32 [M, K].
        row: Row of each scene's centre in its raster's pixels [M].
        column: Column of each scene's centre [M].
        unit: Number of the feature in the layer [M].
        raster: Number of the raster [M]; rasters on the same grid share it.
        classes: Number of classes K.
    """

    image: NDArray[np.float32]
    valid: NDArray[np.float32]
    groups: NDArray[np.int64]
    scene: NDArray[np.int64]
    weight: NDArray[np.float64]
    label: NDArray[Any]
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    unit: NDArray[np.int64]
    raster: NDArray[np.int64]
    classes: int

    def __len__(self) -> int:
        """Number of scenes."""
        return len(self.label)

    @property
    def window(self) -> int:
        """Side of the windows, pixels."""
        return int(self.image.shape[-1])

    @property
    def positions(self) -> Positions:
        """Positions of the scenes."""
        return Positions(self.row, self.column, self.unit, self.raster)

    def only(self, chosen: NDArray[np.bool_]) -> SceneChips:
        """Selects scenes by a mask [M]."""
        windows = chosen[self.scene]
        number = np.cumsum(chosen) - 1
        return replace(
            self,
            image=self.image[windows],
            valid=self.valid[windows],
            scene=number[self.scene[windows]],
            weight=self.weight[windows],
            **{
                name: getattr(self, name)[chosen]
                for name in ("label", "row", "column", "unit", "raster")
            },
        )


def read_chips(
    sources: Sequence[RasterSource],
    layer: LabelLayer,
    card: Card,
    progress: Progress | None = None,
    *,
    patch: int = 8,
) -> SceneChips:
    """Reads the windows of all labelled scenes that are at least half valid.

    Args:
        sources: Rasters at the model's pixel scale (`infer.scaled_source.open_scaled`).
        layer: Polygons or points with classes.
        card: Card of the future model, with the layer's classes and the base's window, which is the
            largest possible one.
        progress: Takes the progress, and a warning about scenes that are left out.
        patch: Side of the encoder's tokens, pixels; the window is a multiple of it.

    Raises:
        EmptyArea: No scene touches a raster, or none has enough valid pixels.
        LabelsInvalid: The labels are a class raster.
    """
    progress = progress or Progress()
    found = _labelled(sources, layer, progress)
    sides = [_side(source.grid, shape) for source, scenes in found for shape in scenes.geometries]
    window = choose_window(sides, card.window, patch)
    groups = sorted(set.intersection(*(set(source.groups) for source, _ in found)))
    grids: list[Grid] = []
    parts: list[SceneChips] = []
    sparse = 0
    for number, (source, scenes) in enumerate(found):
        if source.grid not in grids:
            grids.append(source.grid)
        zones = np.array([_zone(source.grid, shape, window) for shape in scenes.geometries], object)
        scenes = replace(scenes, geometries=zones)
        part = progress.part(number / len(found), (number + 1) / len(found))
        windows, enough = _zone_windows(source, zones, window, card, part)
        sparse += int(np.count_nonzero(~enough))
        if windows:
            which = grids.index(source.grid)
            parts.append(_chips(windows, scenes, groups, card, source.grid, which))
    if sparse:
        progress.warning(
            f"{sparse} labelled scenes are left out, because less than half of their pixels are valid."
        )
    if not parts:
        raise EmptyArea(
            "No labelled scene can be used: in all of them, less than half of the pixels are valid. Label scenes "
            "where the raster has valid pixels, or check its no-data value."
        )
    return joined(parts)


def _labelled(
    sources: Sequence[RasterSource], layer: LabelLayer, progress: Progress
) -> list[tuple[RasterSource, LabelledScenes]]:
    """The rasters with labels, each with its scenes."""
    found: list[tuple[RasterSource, LabelledScenes]] = []
    for source in sources:
        try:
            scenes = layer.scenes(source.grid)
        except EmptyArea as error:
            if len(sources) == 1:
                raise
            progress.warning(f"{source.path} is left out: {error.message}")
            continue
        frame = shapely.box(*source.grid.bounds)
        inside = [shapely.relate_pattern(shape, frame, "T********") for shape in scenes.geometries]
        found.append((source, scenes.only(np.array(inside, bool))))
    if not found:
        raise EmptyArea(
            f"The labels {layer.source} do not overlap any of the {len(sources)} rasters. Choose rasters of the "
            "labelled area, or check the CRS of both."
        )
    return found


def choose_window(sides: Sequence[float], largest: int, patch: int) -> int:
    """Chooses the side of the windows: near the scenes' median side, and a multiple of the patch.

    Args:
        sides: Sides of the scenes, pixels; 0 for a point.
        largest: The base's window, pixels.
        patch: Side of a token, pixels.
    """
    extended = [side for side in sides if side > 0]
    wanted = float(np.median(extended)) if extended else float(AROUND_POINTS)
    return int(min(max(round(wanted / patch) * patch, SMALLEST), largest))


def joined(parts: Sequence[SceneChips]) -> SceneChips:
    """Concatenates the chips of several rasters."""
    starts = np.cumsum([0, *(len(part) for part in parts)])
    scene = np.concatenate([part.scene + start for part, start in zip(parts, starts)])
    names = ("image", "valid", "weight", "label", "row", "column", "unit", "raster")
    values = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return SceneChips(groups=parts[0].groups, scene=scene, classes=parts[0].classes, **values)


def _zone_windows(
    source: RasterSource, zones: NDArray[Any], window: int, card: Card, progress: Progress
) -> tuple[dict[int, list[SceneWindow]], NDArray[np.bool_]]:
    """The windows of each zone with enough valid pixels, and a mask of these zones [n]."""
    region = Region(source.grid, source.grid.window)
    covering = ZoneWindows(source.grid, window, zones, region, SingleDate(source, card))
    by_zone: dict[int, list[SceneWindow]] = {}
    for found in covering(progress):
        mine = by_zone.setdefault(found.feature, [])
        mine.append(found)
        if len(mine) > 2 * MOST_WINDOWS:
            del mine[1::2]  # the rest is still spread over the zone
    enough = covering.enough
    return {place: mine for place, mine in by_zone.items() if enough[place]}, enough


def _chips(
    windows: dict[int, list[SceneWindow]],
    scenes: LabelledScenes,
    groups: Sequence[int],
    card: Card,
    grid: Grid,
    raster: int,
) -> SceneChips:
    """Makes the chips of one raster from the windows of its scenes."""
    kept = sorted(windows)
    thinned = [windows[place][:: -(-len(windows[place]) // MOST_WINDOWS)] for place in kept]
    chosen = [window for mine in thinned for window in mine]
    image = np.stack([window.feeds["image"] for window in chosen])
    image[:, card.bands_outside(groups)] = 0
    centres = shapely.centroid(scenes.geometries[kept])
    column, row = grid.column_row(shapely.get_x(centres), shapely.get_y(centres))
    return SceneChips(
        image.astype(np.float32),
        np.stack([window.feeds["valid"] for window in chosen]).astype(np.float32),
        np.array(groups, np.int64),
        np.repeat(np.arange(len(kept)), [len(mine) for mine in thinned]),
        np.array([window.weight for window in chosen]),
        scenes.label[kept],
        np.floor(row).astype(np.int64),
        np.floor(column).astype(np.int64),
        scenes.unit[kept].astype(np.int64),
        np.full(len(kept), raster),
        len(card.classes),
    )


def _side(grid: Grid, shape: Any) -> float:
    """Side of a scene in pixels, 0 for a point."""
    if shapely.get_dimensions(shape) < 2:
        return 0.0
    bounds = zone_region(grid, shape).bounds
    return float(bounds.width * bounds.height) ** 0.5


def _zone(grid: Grid, shape: Any, window: int) -> Any:
    """The scene as a polygon; for a point, the window around it."""
    if shapely.get_dimensions(shape) == 2:
        return shape
    centre = shapely.centroid(shape)
    column, row = (int(value // 1) for value in grid.column_row(centre.x, centre.y))
    return outline(grid, Window(column - window // 2, row - window // 2, window, window))


def array_chips(
    images: NDArray[np.float32],
    label: NDArray[Any],
    classes: int,
    groups: Sequence[int],
) -> SceneChips:
    """Makes chips from images without no-data, each of which is a scene at a place of its own.

    Args:
        images: Images in the card's unit [N, C, S, S].
        label: Class index int64 [N]; with several labels per scene float32 [N, K].
        classes: Number of classes K.
        groups: Ascending indices of the spectral groups that the images have.
    """
    count, side = len(images), images.shape[-1]
    number = np.arange(count)
    return SceneChips(
        np.asarray(images, np.float32),
        np.ones((count, 1, side, side), np.float32),
        np.array(groups, np.int64),
        number,
        np.ones(count),
        label,
        number * 10 * side,
        np.zeros(count, np.int64),
        number,
        np.zeros(count, np.int64),
        classes,
    )
