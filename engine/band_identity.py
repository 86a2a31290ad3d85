"""Identifies the bands of a raster by names, descriptions and wavelengths.

Standard library only, like `bands`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .band_names import SENSORS, SENTINEL_2, Reading, read_name, sentinel_id
from .language import marked

CONTRADICTION = 0.030  # micrometres; a name is ignored if a known wavelength differs by more


@dataclass(frozen=True)
class BandDescriptor:
    """Metadata of a raster band.

    Attributes:
        index: Raster band number, from 1.
        name: Description, metadata name or source file name; may be empty.
        wavelength: Centre wavelength from the metadata, micrometres, or None.
    """

    index: int
    name: str = ""
    wavelength: float | None = None


@dataclass(frozen=True)
class Identity:
    """The presumed identity of a raster band; empty fields are unknown."""

    index: int
    text: str = ""
    sentinel: str = ""
    common: str = ""
    wavelength: float | None = None


def identify(
    descriptors: Sequence[BandDescriptor], sensor: str = ""
) -> tuple[tuple[Identity, ...], str, str]:
    """Identifies each band of a raster.

    Args:
        descriptors: All bands of the raster.
        sensor: A name in `SENSORS` if known from file names or metadata, or empty.

    Returns:
        The identities, the sensor, and a remark for a refusal if names were ignored.
    """
    readings = [read_name(descriptor.name) for descriptor in descriptors]
    numbers = [reading.number for reading in readings]
    indices = [str(descriptor.index) for descriptor in descriptors]
    used = set(numbers) - {""}
    counting = bool(used) and all(n in ("", i) for n, i in zip(numbers, indices))
    remark, table = "", SENSORS.get(sensor)
    if not used:
        table = None
    elif counting and (
        all(r.plain for r in readings if r.number)
        or (table in (None, SENTINEL_2) and used & {"9", "10", "11", "12"} and "8A" not in used)
        or (table is None and not any(r.zero or r.surface for r in readings))
    ):
        if not _colours_agree(readings):
            remark = marked("the names only number the bands")
            table = None
        else:
            table = table or SENTINEL_2
    elif table is None:
        table, remark = _table_of(readings, used)
    if table is not None:
        sensor = next(name for name, known in SENSORS.items() if known is table)
    identities = tuple(
        _identity(descriptor, reading, table) for descriptor, reading in zip(descriptors, readings)
    )
    return identities, sensor, remark


def _colours_agree(readings: Sequence[Reading]) -> bool:
    """Whether at least three names have number and colour ("Band 2 - Blue"), and all of these agree with Sentinel-2."""
    told = [r for r in readings if r.number and r.common]
    return len(told) >= 3 and all(SENTINEL_2[r.number][0] == r.common for r in told)


def _table_of(
    readings: Sequence[Reading], used: set[str]
) -> tuple[dict[str, tuple[str, float]] | None, str]:
    """Infers the sensor's table from the band numbers if nothing else names the sensor, or returns a remark."""
    if any(reading.surface for reading in readings):
        if "6" in used:  # SR_B6 exists on OLI only; on TM and ETM+ band 6 is thermal
            return SENSORS["Landsat 8-9"], ""
        if {"1", "7"} <= used:
            return SENSORS["Landsat 4-7"], ""
        return None, marked("the SR_ names do not tell which Landsat it is")
    if "8A" in used or "12" in used or any(r.zero for r in readings) or _colours_agree(readings):
        return SENTINEL_2, ""
    if all(int(number) <= 7 for number in used):
        return None, marked("the names could be Sentinel-2's or Landsat's")
    return SENTINEL_2, ""


def _identity(
    descriptor: BandDescriptor, reading: Reading, table: dict[str, tuple[str, float]] | None
) -> Identity:
    """The identity of a band; colours and wavelengths take precedence over a contradicting number."""
    wavelength = descriptor.wavelength or reading.wavelength
    sentinel, common = "", reading.common
    known = table.get(reading.number) if table and reading.number else None
    if known:
        word_differs = bool(common) and common.rstrip("123") != known[0].rstrip("123")
        both_near_infrared = {common, known[0]} == {"nir", "nir-narrow"}
        far = wavelength is not None and abs(wavelength - known[1]) > CONTRADICTION + 0.01
        if not far and (not word_differs or both_near_infrared):
            common = known[0]
            wavelength = wavelength or known[1]
            sentinel = sentinel_id(reading.number) if table is SENTINEL_2 else ""
    return Identity(descriptor.index, descriptor.name, sentinel, common, wavelength)
