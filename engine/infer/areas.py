"""How much ground each class covers: pixels, true ellipsoidal area, share."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from ..cards import ModelClass
from ..data.grid import Grid
from .staging import CSV_ENCODING, write_error

COLUMNS = ("value", "name", "pixels", "area_m2", "area_ha", "share")


class AreaTable:
    """Adds up the area of each class of a map, row by row."""

    def __init__(self, grid: Grid, classes: Sequence[ModelClass]) -> None:
        """Starts at zero.

        Args:
            grid: The map's grid.
            classes: The classes; each becomes a row of the table.
        """
        self._grid, self._classes = grid, classes
        size = max(item.value for item in classes) + 1
        self._pixels = np.zeros(size, np.int64)
        self._square_metres = np.zeros(size)
        self._is_class = np.zeros(size, bool)
        self._is_class[[item.value for item in classes]] = True

    def add(self, top: int, rows: NDArray[np.integer[Any]]) -> None:
        """Counts rows of the map.

        Args:
            top: Index of the first row.
            rows: Class values [n, width]; values of no class are not counted.
        """
        known = rows < len(self._pixels)
        known[known] = self._is_class[rows[known]]
        values = rows[known]
        if values.size:
            window = Window(0, top, self._grid.width, len(rows))
            area = self._grid.pixel_area(window)[known]
            self._pixels += np.bincount(values, minlength=len(self._pixels))
            self._square_metres += np.bincount(values, area, minlength=len(self._pixels))

    def records(self) -> list[dict[str, Any]]:
        """One {"value", "name", "pixels", "area_m2"} for each class, in their order."""
        return [
            {
                "value": item.value,
                "name": item.word,
                "pixels": int(self._pixels[item.value]),
                "area_m2": round(float(self._square_metres[item.value]), 2),
            }
            for item in self._classes
        ]


def write_areas(path: Path, records: Sequence[dict[str, Any]]) -> None:
    """Writes the table as CSV: `COLUMNS`, share of the classified area from 0 to 1.

    Args:
        path: File to write.
        records: From `AreaTable.records`.

    Raises:
        OutputNotWritable: It cannot be written.
        DiskFull: The disk has no room.
    """
    total = sum(record["area_m2"] for record in records)
    try:
        with path.open("w", newline="", encoding=CSV_ENCODING) as file:
            table = csv.writer(file)
            table.writerow(COLUMNS)
            for record in records:
                area = record["area_m2"]
                share = area / total if total else 0.0
                table.writerow(
                    [
                        record["value"],
                        record["name"],
                        record["pixels"],
                        f"{area:.2f}",
                        f"{area / 10_000:.4f}",
                        f"{share:.6f}",
                    ]
                )
    except OSError as error:
        raise write_error(path, error) from error
