"""Converts a file's values to reflectance, after finding out their unit from metadata and pixels.

The decision is logged as text, and every guess is a warning, as a map made from wrongly scaled
values looks fine but is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..language import marked

OFFSET = 1000.0  # digital numbers added to Sentinel-2 products since baseline 04.00
_DARK = 975.0  # with the offset, no band's darkest pixels are below this
_PLAIN_DARK = 500.0  # darkest pixels below this disprove the offset, even if the metadata name it
_VISIBLE = ("B02", "B03", "B04")
_SHORTWAVE = ("B11", "B12")
_BRIGHTEST = 2.0  # largest plausible 99th percentile of reflectance, with clouds and snow
_DARKEST = -0.5  # lowest plausible reflectance, after any atmospheric correction
_DIM = 1000.0  # smallest plausible 99th percentile of land, reflectance x 10000; radiance is lower
_EIGHT_BITS = ("uint8", "int8")
_LARGE = 65_536  # pixels; smaller chips may have no dark surface


@dataclass(frozen=True)
class Evidence:
    """What is known about the values of a file.

    Attributes:
        dtype: numpy type of the file.
        scales: Scales declared in the file, one for each used band.
        offsets: Offsets declared in the file, one for each used band.
        sensor: Name of the sensor, or empty.
        sentinel: Whether the bands are Sentinel-2's, as far as known.
        baseline: Sentinel-2 processing baseline, or None.
        offset: Offset in the metadata, in digital numbers, or None.
        low: Darkest values (0.1th percentile) by Sentinel-2 band name, as stored.
        high: Brightest value (99th percentile) of all used bands, as stored.
        least: Darkest value (0.1th percentile) of all used bands, as stored.
        pixels: Number of valid pixels in the sample.
        level1: Whether it is a top-of-atmosphere Landsat product by its name.
    """

    dtype: str
    scales: tuple[float, ...]
    offsets: tuple[float, ...]
    sensor: str = ""
    sentinel: bool = False
    baseline: float | None = None
    offset: float | None = None
    low: Mapping[str, float] | None = None
    high: float = 0.0
    least: float = 0.0
    pixels: int = 0
    level1: bool = False

    @property
    def scaled(self) -> bool:
        """Whether the file declares a scale or an offset."""
        return any(scale != 1 for scale in self.scales) or any(self.offsets)


@dataclass(frozen=True)
class Scaling:
    """The conversion value * factor + offset of each used band, and how it was found.

    Attributes:
        factors: Factor of each used band.
        offsets: Offset of each used band, in the target unit.
        text: The conversion as text for people.
        warnings: Guesses that the user should know of.
    """

    factors: tuple[float, ...]
    offsets: tuple[float, ...]
    text: str
    warnings: tuple[str, ...] = ()

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Scales stored values.

        Args:
            values: Stored values [bands, rows, columns], in the order of the used bands.

        Returns:
            A new array, float32 [bands, rows, columns].
        """
        scaled = values.astype(np.float32)
        # Band by band, so that a band is still in the CPU cache in the second step.
        for band, factor, offset in zip(scaled, self.factors, self.offsets):
            if factor != 1:
                band *= np.float32(factor)
            if offset:
                band += np.float32(offset)
        return scaled


def decide(evidence: Evidence, unit: str = "reflectance") -> Scaling:
    """Decides how stored values are converted to the model's unit.

    Args:
        evidence: What is known about the values.
        unit: The model's unit, "reflectance" or "raw".
    """
    bands = len(evidence.scales)
    if unit == "raw":
        return Scaling((1.0,) * bands, (0.0,) * bands, marked("values unchanged"))
    parts: list[str] = []
    warnings: list[str] = []
    if not _usable(evidence):
        warnings.append(
            "The scales and offsets in the file are invalid, as a scale is 0 or a value is not a number. They were "
            "ignored. Set the correct ones (gdal_edit.py -scale 0.0001 -offset 0), or remove them (-scale 1 -offset "
            "0)."
        )
        evidence = replace(evidence, scales=(1.0,) * bands, offsets=(0.0,) * bands)
    landsat = evidence.sensor.startswith("Landsat") and evidence.dtype == "uint16"
    if landsat and not evidence.scaled:
        scaling = _landsat(evidence)
        return replace(scaling, warnings=(*warnings, *scaling.warnings))
    factors, offsets = _to_reflectance(evidence, parts, warnings)
    if not any(evidence.offsets) and evidence.dtype not in _EIGHT_BITS:
        stored = 1e-4 / float(factors[0])  # stored units in one Sentinel-2 digital number
        removed = _added(evidence, stored, parts, warnings)
        offsets = offsets - removed * 1e-4
    _doubt(evidence, factors, offsets, warnings)
    return Scaling(
        tuple(map(float, factors)),
        tuple(map(float, offsets)),
        ", ".join(parts),
        tuple(warnings),
    )


def _to_reflectance(
    evidence: Evidence, parts: list[str], warnings: list[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Factors and offsets [bands]: those declared in the file, times a factor inferred from the values' magnitude."""
    bands, dtype = len(evidence.scales), evidence.dtype
    factors, offsets = np.ones(bands), np.zeros(bands)
    if evidence.scaled:
        factors, offsets = np.asarray(evidence.scales), np.asarray(evidence.offsets)
        same = len(set(evidence.scales)) == 1 and len(set(evidence.offsets)) == 1
        parts.append(
            marked(f"{dtype} with the scale {factors[0]:g} and offset {offsets[0]:g} of the file")
            if same
            else marked(f"{dtype} with the scales and offsets of the file")
        )
        high = evidence.high * float(factors.max()) + float(offsets.max())
        whole = _whole(high, "", parts, warnings)
    elif dtype in _EIGHT_BITS:
        whole = 1 / 255
        parts.append(marked(f"{dtype} values / 255"))
        warnings.append(
            "The raster has 8-bit values, which are usually stretched for display or uncalibrated. They were divided "
            "by 255 and treated as reflectance, so results may be poor. Use the original product if possible."
        )
    elif dtype.startswith("float"):
        whole = _whole(evidence.high, dtype, parts, warnings)
    else:
        whole = 1 / 10_000
        parts.append(marked(f"{dtype} values / 10000"))
    return factors * whole, offsets * whole


def _doubt(
    evidence: Evidence,
    factors: NDArray[np.float64],
    offsets: NDArray[np.float64],
    warnings: list[str],
) -> None:
    """Warns of implausible reflectances."""
    high = evidence.high * float(factors.max()) + float(offsets.max())
    if evidence.pixels and not 0 < high <= _BRIGHTEST:
        warnings.append(
            f"After scaling, the raster's values reach a reflectance of {high:.3g}, although about 0 to 1 is "
            "expected. Results may be wrong. Check the scale and offset of the file, or convert the values to "
            "reflectance (0 to 1) or reflectance x 10000."
        )
    least = evidence.least * float(factors.max()) + float(offsets.min())
    if least < _DARKEST < high:
        warnings.append(
            f"After scaling, some of the raster's values give an impossible reflectance of {least:.3g} "
            f"({evidence.least:g} in the file). They are probably no-data that the file does not declare, which would "
            "be mapped as land cover and distort the results around it. Set the value as additional no-data value of "
            "the layer, or in the file (gdal_edit.py -a_nodata)."
        )


def _usable(evidence: Evidence) -> bool:
    """Whether the scales and offsets declared in the file are possible: finite, and no scale 0."""
    return all(evidence.scales) and all(map(math.isfinite, (*evidence.scales, *evidence.offsets)))


def _whole(high: float, dtype: str, parts: list[str], warnings: list[str]) -> float:
    """The factor that converts values of this magnitude to reflectance 0..1."""
    if high <= 3:
        parts.append(
            marked(f"{dtype} values used as reflectance")
            if dtype
            else marked("which gives reflectance")
        )
        return 1.0
    if high > 150:
        parts.append(marked(f"{dtype} values / 10000") if dtype else "/ 10000")
        if high < _DIM:
            warnings.append(
                f"The raster's values reach {high:.3g}. They were treated as reflectance x 10000, but then even the "
                "brightest areas are dark. If the values are radiance, convert them to reflectance first."
            )
        return 1 / 10_000
    parts.append(marked(f"{dtype} values / 100") if dtype else "/ 100")
    warnings.append(
        f"The raster's values reach {high:.3g}. They were treated as percent and divided by 100. If this is wrong, "
        "convert them to reflectance (0 to 1) or reflectance x 10000."
    )
    return 1 / 100


def _landsat(evidence: Evidence) -> Scaling:
    """Scaling of Landsat's 16-bit products, whose scale is in a separate text file and not in the raster."""
    bands = len(evidence.scales)
    dark = min((evidence.low or {"": 0.0}).values(), default=0.0)
    if evidence.level1:
        factor, offset = 2e-5, -0.1
        text = marked(f"uint16 {evidence.sensor} Level-1 top-of-atmosphere values")
    elif dark >= 5000:
        factor, offset = 2.75e-5, -0.2
        text = marked(f"uint16 {evidence.sensor} Collection 2 surface reflectance values")
    else:
        factor, offset = 1e-4, 0.0
        text = marked(f"uint16 {evidence.sensor} values / 10000")
    if offset:
        text += f", x {factor:g} {offset:+g}"
    warning = (
        f"{text}: assumed from the product name and the values, as the file declares no scale."
    )
    return Scaling((factor,) * bands, (offset,) * bands, text, (warning,) if offset else ())


def _added(evidence: Evidence, stored: float, parts: list[str], warnings: list[str]) -> float:
    """Sentinel-2's added offset that must be removed, in digital numbers: 0, 1000, or that of the metadata."""
    if not evidence.sentinel:
        return 0.0
    low = {name: value / stored for name, value in (evidence.low or {}).items()}
    darkest = min(low.values(), default=0.0)
    told = evidence.offset
    source = marked("from the metadata")
    if told is None and evidence.baseline is not None:
        told = -OFFSET if evidence.baseline >= 4 else 0.0
        source = marked(f"processing baseline {evidence.baseline:05.2f}")
    if told is not None and told != 0:
        if low and darkest < _PLAIN_DARK:
            parts.append(
                marked(
                    f"dark pixels show that the offset of {abs(told):g} ({source}) has already been removed"
                )
            )
            return 0.0
        parts.append(marked(f"after removing the offset of {abs(told):g} ({source})"))
        return abs(told)
    if told == 0 or not low:
        return 0.0
    verdict = _seen(low, evidence.pixels)
    if verdict is None:
        warnings.append(
            "The file has no dark pixels that would show whether its values include the offset of 1000 (0.1 in "
            "reflectance) of Sentinel-2 products since processing baseline 04.00. No offset was removed. If the "
            "values include it, subtract it first, or keep the product name in the file name."
        )
        return 0.0
    if verdict:
        parts.append(marked("after removing the offset of 1000 indicated by dark pixels"))
        warnings.append(
            f"The darkest pixels of all bands have values of {darkest:.0f} or more (in units of 1/10000). The offset "
            "of 1000 of Sentinel-2 products since processing baseline 04.00 was therefore assumed and removed."
        )
        return OFFSET
    return 0.0


def _seen(low: Mapping[str, float], pixels: int) -> bool | None:
    """Whether the darkest pixels show the offset; None if they are inconclusive.

    The cirrus band is dark everywhere and decides alone. Otherwise some ground must be dark in the
    visible and in the short-wave infrared; on small chips also in the near infrared (water), as
    bright soil has no dark band at all.
    """
    if "B10" in low:
        return low["B10"] >= _DARK
    if min(low.values()) < _DARK:
        return False
    visible = min((low[name] for name in _VISIBLE if name in low), default=np.inf)
    shortwave = min((low[name] for name in _SHORTWAVE if name in low), default=np.inf)
    near = low.get("B08", low.get("B8A", np.inf))
    if visible < 1450 and shortwave < 1600 and (pixels >= _LARGE or near < 1900):
        return True
    return None
