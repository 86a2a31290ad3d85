"""Turns probabilities of scenes into the columns of a table: class, confidence, and one for each class."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.windows import Window

from ..cards import Card
from ..data.grid import Grid
from .polygons import free_name


class Labels:
    """The labels of n features.

    Attributes:
        fields: Columns by name, each [n]; masked where NULL.
        chosen: bool [n, K], the classes each feature has; one at most when the model is single-label.
    """

    def __init__(self, card: Card, probabilities: NDArray[Any], known: NDArray[np.bool_]) -> None:
        """Labels features.

        Args:
            card: The model's card.
            probabilities: float [n, K].
            known: bool [n], false for features that could not be labelled.
        """
        values = np.array([item.value for item in card.classes], np.int32)
        names = np.array([item.word for item in card.classes], object)
        best = probabilities.argmax(axis=1)
        if card.multilabel:
            self.chosen = probabilities >= float(card.threshold.get("value", 0.5))
        else:
            self.chosen = np.eye(len(values), dtype=bool)[best]
        self.chosen &= known[:, None]
        labelled = self.chosen.any(axis=1)
        class_names = [", ".join(names[row]) if row.any() else None for row in self.chosen]
        self.fields: dict[str, NDArray[Any]] = {
            "class_value": np.ma.array(values[best], mask=~labelled),
            "class_name": np.array(class_names, object),
            "confidence": np.ma.array(np.round(probabilities.max(axis=1) * 100, 1), mask=~known),
        }
        for column, name in enumerate(names):
            field = free_name(
                "prob_" + re.sub(r"\W+", "_", str(name)).strip("_").lower(), self.fields
            )
            shares = np.round(probabilities[:, column].astype(np.float64), 4)
            self.fields[field] = np.ma.array(shares, mask=~known)

    def add(self, name: str, values: NDArray[Any]) -> None:
        """Adds a column that is never NULL."""
        self.fields[name] = values

    def beside(self, given: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Appends the columns to a layer's own ones; of equal names the later gets a number.

        Names of GeoPackage columns are not case-sensitive, those of some other formats are.
        """
        columns: dict[str, NDArray[Any]] = {}
        taken: set[str] = set()
        for name, values in [*given.items(), *self.fields.items()]:
            free = free_name(name, taken)
            taken.add(free.lower())
            columns[free] = values
        return columns


def ground_area(geometries: NDArray[Any], grid: Grid) -> NDArray[np.float64]:
    """True area of polygons [n], square metres: plane area, scaled by the true area of a pixel at the centroid."""
    plane = abs(grid.transform.determinant)
    areas = np.zeros(len(geometries))
    for place, shape in enumerate(geometries):
        middle = shapely.centroid(shape)
        column, row = grid.column_row(middle.x, middle.y)
        pixel = grid.pixel_area(Window(int(np.floor(column)), int(np.floor(row)), 1, 1))[0, 0]
        areas[place] = shapely.area(shape) / plane * float(pixel)
    return areas


def class_records(
    card: Card, labels: Labels, area: NDArray[np.float64], grid: Grid
) -> list[dict[str, Any]]:
    """One {"value", "name", "features", "pixels", "area_m2"} for each class."""
    middle = Window(grid.width // 2, grid.height // 2, 1, 1)
    pixel = float(grid.pixel_area(middle)[0, 0])
    records = []
    for column, item in enumerate(card.classes):
        own = area[labels.chosen[:, column]]
        records.append(
            {
                "value": item.value,
                "name": item.word,
                "features": len(own),
                "pixels": round(float(own.sum()) / pixel) if pixel > 0 else 0,
                "area_m2": round(float(own.sum()), 2),
            }
        )
    return records
