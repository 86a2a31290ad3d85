"""A layer of labels, and the labelled pixels or scenes that it gives on each raster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from ..cards import ModelClass
from ..errors import EmptyArea, LabelsInvalid
from .grid import Grid
from .label_draw import Draw
from .label_fingerprints import fingerprints
from .label_raster import RasterPixels
from .label_shapes import PAIRS, ShapePixels
from .scene_conflicts import conflicting_pairs
from .vectors import POLYGONS, Features

_CONTESTED = 0.01  # share of labelled pixels that may lie in polygons of different classes
_PIXELS = 2_000_000


@dataclass(frozen=True)
class LabelledPixels:
    """Labelled pixels of a raster, sorted by row and column; no pixel twice.

    Attributes:
        row: Row of each, int64 [N].
        column: Column of each, int64 [N].
        label: Class index 0..K-1, uint8 [N].
        unit: Number of the polygon or point in the layer, the same on every raster; for a class
            raster the number of the region, valid for one call; int32 [N].
        totals: Labelled pixels of each class before sampling [K].
    """

    row: NDArray[np.int64]
    column: NDArray[np.int64]
    label: NDArray[np.uint8]
    unit: NDArray[np.int32]
    totals: tuple[int, ...] = ()

    def __len__(self) -> int:
        """Number of pixels."""
        return len(self.row)


@dataclass(frozen=True)
class LabelledScenes:
    """Labelled scenes of a raster.

    Attributes:
        geometries: Polygons or points in the raster's CRS [N].
        label: Class index, int64 [N]; with several labels per scene float32 [N, K], 1 for each of its classes.
        unit: Number of the feature in the layer, int32 [N].
    """

    geometries: NDArray[Any]
    label: NDArray[Any]
    unit: NDArray[np.int32]

    def __len__(self) -> int:
        """Number of scenes."""
        return len(self.geometries)

    def only(self, chosen: NDArray[np.bool_]) -> LabelledScenes:
        """Some of the scenes, by a mask [N]."""
        return LabelledScenes(self.geometries[chosen], self.label[chosen], self.unit[chosen])


@dataclass(frozen=True)
class Legend:
    """The classes of a layer and their frequencies.

    Attributes:
        classes: The classes [K].
        labels: Each class's label in the file [K]; for a class raster, its value.
        counts: Number of features of each class [K]; for a class raster, of pixels.
    """

    classes: tuple[ModelClass, ...]
    labels: tuple[str, ...]
    counts: tuple[int, ...]


class LabelLayer:
    """Labels of a file, made by `labels.read_labels`.

    Attributes:
        classes: The classes [K]; text labels alphabetically with the values 1..K, integers
            ascending, which keep their value if it fits into a byte.
        labels: Each class's label in the file [K]; for a class raster, its value.
        counts: Number of features of each class [K]; for a class raster, of pixels.
        kind: "polygons", "points" or "raster".
        multilabel: Whether a scene may have several labels.
        source: The file.
    """

    def __init__(
        self,
        legend: Legend,
        warnings: tuple[str, ...],
        source: str,
        purpose: str,
        features: Features | None = None,
        owned: list[tuple[int, ...]] | None = None,
        multilabel: bool = False,
    ) -> None:
        """Stores what `labels.read_labels` found; call that instead.

        Args:
            legend: The classes.
            warnings: Warnings to the user about the file.
            source: The file.
            purpose: What the labels are for, in messages: "labels" or "reference".
            features: Polygons and points; None for a class raster.
            owned: Class indices of each feature.
            multilabel: Whether a scene may have several labels.
        """
        self.classes, self.labels, self.counts = legend.classes, legend.labels, legend.counts
        self.source = source
        self.multilabel = multilabel
        self.kind = "raster"
        self._purpose, self._features, self._owned = purpose, features, owned or []
        self._fids = np.zeros(0, np.int64) if features is None else features.fids
        self._warnings = list(warnings)
        if features is not None:
            polygonal = np.isin(shapely.get_type_id(features.geometries), POLYGONS)
            self.kind = "polygons" if polygonal.any() else "points"

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings to the user, from reading the file and from all calls of `pixels` so far."""
        return tuple(self._warnings)

    def fingerprints(self) -> list[str]:
        """The fingerprints of the polygons or points; none for a class raster."""
        return [] if self._features is None else fingerprints(self._features)

    def pixels(self, grid: Grid, limit: int = _PIXELS, seed: int = 0) -> LabelledPixels:
        """Labelled pixels of a raster.

        A polygon labels the pixels whose centres lie in it, at least one; a point labels the pixel
        that it lies in; with a class raster each pixel gets the class at its centre. Memory grows
        with the labels, not with the raster.

        Args:
            grid: The raster's grid.
            limit: Most pixels to keep; of more, a random sample that favours small classes, with a warning.
            seed: Seed of the sample.

        Raises:
            EmptyArea: The labels do not intersect the raster, or label no pixel of it.
            LabelsInvalid: Features of different classes overlap, or a scene has several labels.
        """
        if self.multilabel:
            raise LabelsInvalid(
                f"The {self._purpose} {self.source} assign several labels to the same place, but each pixel can have "
                "only one. Choose a field with one class, or train on scenes."
            )
        draw = Draw(len(self.classes), limit, seed)
        if self._features is None:
            values = [int(label) for label in self.labels]
            raster = RasterPixels(self.source, values, grid, self._purpose)
            for batch in raster:
                draw.add(*batch)
            self._warn(*raster.warnings)
            places: NDArray[Any] | None = None
        else:
            shapes, places = self._features.on(grid)
            drawn = ShapePixels(shapes, [self._owned[place][0] for place in places], grid)
            for batch in drawn:
                draw.add(*batch)
            self._judge_overlap(drawn, int(draw.totals.sum()), places)
        total = int(draw.totals.sum())
        if total == 0:
            raise EmptyArea(
                f"The {self._purpose} {self.source} do not cover any valid pixel of the raster: they only touch its "
                "edge, or the raster has no data there. Draw labels on the raster."
            )
        row, column, label, unit = draw.take()
        if len(row) < total:
            self._warn(
                f"The {self._purpose} {self.source} cover {total} pixels. A random {len(row)} of them were used, "
                "including all pixels of small classes."
            )
        unit = np.unique(unit, return_inverse=True)[1] if places is None else places[unit]
        return LabelledPixels(
            row.astype(np.int64),
            column.astype(np.int64),
            label.astype(np.uint8),
            unit.astype(np.int32),
            tuple(int(count) for count in draw.totals),
        )

    def scenes(self, grid: Grid) -> LabelledScenes:
        """Labelled scenes of a raster: polygons, or points around which windows are placed.

        With one label per scene, scenes that are drawn twice with different labels are left out, with a warning.

        Args:
            grid: The raster's grid.

        Raises:
            EmptyArea: No feature touches the raster.
            LabelsInvalid: The labels are a class raster, or half of the scenes contradict each other.
        """
        if self._features is None:
            raise LabelsInvalid(
                f"The {self._purpose} {self.source} are a class raster, but scenes need polygons or points with a "
                "class field. Choose a vector layer, or train a segmentation model."
            )
        shapes, places = self._features.on(grid)
        owned = [self._owned[place] for place in places]
        if not self.multilabel:
            one = np.array([classes[0] for classes in owned], np.int64)
            scenes = LabelledScenes(shapes, one, places.astype(np.int32))
            return self._without_conflicts(scenes, grid)
        label = np.zeros((len(owned), len(self.classes)), np.float32)
        for place, classes in enumerate(owned):
            label[place, list(classes)] = 1
        return LabelledScenes(shapes, label, places.astype(np.int32))

    def _without_conflicts(self, scenes: LabelledScenes, grid: Grid) -> LabelledScenes:
        """Removes scenes whose place is labelled with another class too, and warns of them."""
        pairs = conflicting_pairs(scenes.geometries, scenes.label, grid)
        clear = np.ones(len(scenes), bool)
        clear[pairs] = False
        out, total = int((~clear).sum()), len(clear)
        if not out:
            return scenes
        told = self._pairs_told(scenes.unit[pairs[:PAIRS]].tolist())
        if out * 2 >= total:
            raise LabelsInvalid(
                f"{out} of {total} scenes of the {self._purpose} {self.source} were drawn twice with different "
                f"classes, such as {told}, but a scene can have only one class. Correct the features with these IDs, "
                "or tick 'A scene may have several labels' and give one feature all of its labels, separated by "
                "semicolons."
            )
        self._warn(
            f"{out} of {total} scenes of the {self._purpose} {self.source} were drawn twice with different classes, "
            f"such as {told}. None of them is used for training. Correct the features with these IDs."
        )
        return scenes.only(clear)

    def _judge_overlap(self, drawn: ShapePixels, sure: int, places: NDArray[np.int64]) -> None:
        """Refuses features of different classes on the same pixels, or warns if there are few such pixels."""
        if not drawn.contested:
            return
        pairs = self._pairs_told([(places[one], places[two]) for one, two in drawn.pairs])
        told = (
            f"{drawn.contested} of {sure + drawn.contested} labelled pixels of the "
            f"{self._purpose} {self.source} lie in features of different classes, such as {pairs}"
        )
        if drawn.contested >= _CONTESTED * (sure + drawn.contested):
            raise LabelsInvalid(
                f"{told}, but each pixel can have only one class. Correct the features with these IDs, or remove the "
                "overlap with the tool 'Difference'."
            )
        self._warn(f"{told}. These pixels are ignored.")

    def _pairs_told(self, pairs: Sequence[Sequence[int]]) -> str:
        """Ids and classes of contradicting features, for messages; features are given by their index in the layer."""
        return ", ".join(f"{self._told(one)} and {self._told(two)}" for one, two in pairs)

    def _told(self, place: int) -> str:
        return f"{self._fids[place]} ({self.classes[self._owned[place][0]].title})"

    def _warn(self, *texts: str) -> None:
        self._warnings += [text for text in texts if text not in self._warnings]
