"""Finds valid pixels by no-data values, NaN, mask bands, alpha, and undeclared zeros."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from rasterio.enums import ColorInterp, MaskFlags

from ..language import marked

_HUGE = 1e37  # conversions change no-data values of this size, so they are compared by size
# No measurement is this large, but fill values are: netCDF (9.97e36), CMIP (1e20), Esri (-3.4e38). Conversions to other
# formats often lose their declaration as no-data.
NO_MEASUREMENT = 1e20
# For these types rasterio gives no-data as a rounded float, or not at all; GDAL's own mask is exact.
_TOO_LONG = ("int64", "uint64")


def equals(values: np.ndarray, nodata: float) -> np.ndarray:
    """Compares values with a no-data value, allowing for the type of the band.

    A float32 band stores -3.4028234663852886e+38 or 0.1 rounded; an integer band cannot hold NaN
    or -9999.5 at all.
    """
    kind = values.dtype.kind
    if math.isnan(nodata):
        return np.isnan(values) if kind == "f" else np.zeros(values.shape, bool)
    if kind in "iu":
        limits = np.iinfo(values.dtype)
        if not math.isfinite(nodata) or nodata != int(nodata):
            return np.zeros(values.shape, bool)
        if not limits.min <= nodata <= limits.max:
            return np.zeros(values.shape, bool)
        return values == values.dtype.type(int(nodata))
    if abs(nodata) >= _HUGE:
        return values <= -_HUGE if nodata < 0 else values >= _HUGE
    return values == values.dtype.type(nodata)


def alpha_band(dataset: Any) -> int | None:
    """Number of the alpha band, by convention the last of several; GDAL honours it for 2 and 4 bands only."""
    last = dataset.count
    if last > 1 and dataset.colorinterp[last - 1] == ColorInterp.alpha:
        return int(last)
    return None


def _mask_bands(dataset: Any, indexes: Sequence[int]) -> list[int]:
    """Those of the used bands whose masks GDAL has to be asked for."""
    flags = {index: set(dataset.mask_flag_enums[index - 1]) for index in indexes}
    found = [
        index
        for index, flag in flags.items()
        if not flag & {MaskFlags.all_valid, MaskFlags.nodata, MaskFlags.per_dataset}
        or (MaskFlags.nodata in flag and dataset.dtypes[index - 1] in _TOO_LONG)
    ]
    shared = [index for index, flag in flags.items() if MaskFlags.per_dataset in flag]
    if any(MaskFlags.alpha in flag for flag in flags.values()):
        return found
    return found + shared[:1]  # one mask for all bands


class Validity:
    """Finds the valid pixels of a dataset; a pixel is valid if all used bands are."""

    def __init__(self, dataset: Any, indexes: Sequence[int], extra: Sequence[float] = ()) -> None:
        """Reads what the file declares about no-data.

        Args:
            dataset: Open rasterio dataset.
            indexes: Used bands, from 1.
            extra: Additional no-data values for every band, such as those of a QGIS layer.
        """
        self._dataset, self._indexes = dataset, list(indexes)
        declared = [dataset.nodatavals[index - 1] for index in indexes]
        self._values: list[tuple[float, ...]] = [
            tuple({float(v) for v in (value, *extra) if v is not None}) for value in declared
        ]
        self._mask_bands = _mask_bands(dataset, self._indexes)
        self._alpha = alpha_band(dataset)
        self.declared = sorted({value for value in declared if value is not None})
        self.extra = tuple(extra)
        # Many tools write 0 outside the scene and do not declare it. No sunlit ground is 0 in every
        # band, though dark water is in single bands.
        masked = bool(self._mask_bands) or self._alpha is not None
        unmarked = not self.declared and not masked and 0 not in extra
        self.zeros = unmarked and len(self._indexes) >= 3

    def __call__(self, values: np.ndarray, window: Any = None) -> np.ndarray:
        """The valid pixels of values just read.

        Args:
            values: Values as read [bands, rows, columns], in the order of the used bands.
            window: Their window, for mask bands; None is the whole raster.

        Returns:
            Valid pixels, bool [rows, columns].
        """
        valid = np.ones(values.shape[1:], bool)
        for band, nodata in zip(values, self._values):  # a single band fits into the CPU cache
            if band.dtype.kind == "f":
                valid &= np.abs(band) < NO_MEASUREMENT  # false for NaN too
            for value in nodata:
                valid &= ~equals(band, value)
        if self._alpha is not None:
            valid &= self._dataset.read(self._alpha, window=window, out_shape=values.shape[1:]) > 0
        if self._mask_bands:
            masks = self._dataset.read_masks(
                self._mask_bands,
                window=window,
                out_shape=(len(self._mask_bands), *values.shape[1:]),
            )
            valid &= (masks > 0).all(axis=0)
        if self.zeros:
            valid &= values.any(axis=0)
        return valid

    @property
    def text(self) -> str:
        """What counts as no-data, as text for people."""
        parts = []
        if self.declared:
            values = ", ".join(f"{value:g}" for value in self.declared)
            parts.append(marked(f"no-data value {values}"))
        if self.extra:
            values = ", ".join(f"{value:g}" for value in self.extra)
            parts.append(marked(f"additional no-data {values}"))
        if self._mask_bands:
            parts.append("mask band")
        if self._alpha is not None:
            parts.append("alpha band")
        if self.zeros:
            parts.append(
                marked(
                    "pixels with 0 in all bands used are treated as no-data, as the file declares no no-data value"
                )
            )
        return "; ".join(parts)
