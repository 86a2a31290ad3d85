"""Identifies the bands of a raster by names, descriptions and wavelengths.

Standard library only, like `bands`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .band_names import SENSORS, SENTINEL_2, Reading, Table, read_name, sentinel_id
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
    table, remark = _table(descriptors, readings, SENSORS.get(sensor))
    if table is not None:
        sensor = next(name for name, known in SENSORS.items() if known is table)
    identities = tuple(
        _identity(descriptor, reading, table) for descriptor, reading in zip(descriptors, readings)
    )
    return identities, sensor, remark


def _table(
    descriptors: Sequence[BandDescriptor], readings: Sequence[Reading], known: Table | None
) -> tuple[Table | None, str]:
    """The table that the numbers in the names refer to, or a remark why the numbers are ignored.

    Args:
        descriptors: All bands of the raster.
        readings: Their names.
        known: The sensor's table if something else than the names tells the sensor.
    """
    used = {reading.number for reading in readings} - {""}
    if not used:
        return None, ""
    in_order = all(r.number in ("", str(d.index)) for r, d in zip(readings, descriptors))
    if in_order and _may_only_count(readings, used, known):
        if _colours_agree(readings):
            return known or SENTINEL_2, ""
        return None, marked("the names are only band numbers")
    return (known, "") if known else _table_of(readings, used)


def _may_only_count(readings: Sequence[Reading], used: set[str], known: Table | None) -> bool:
    """Whether numbers that are the bands' positions too may be no more than that."""
    if all(reading.plain for reading in readings if reading.number):
        return True
    if known is None and not any(reading.zero or reading.surface for reading in readings):
        return True
    # In Sentinel-2's own order, B8A moves the bands after it by one.
    late = used & {"9", "10", "11", "12"}
    return known in (None, SENTINEL_2) and bool(late) and "8A" not in used


def _colours_agree(readings: Sequence[Reading]) -> bool:
    """Whether at least three names have number and colour ("Band 2 - Blue"), and all of these agree with Sentinel-2."""
    told = [r for r in readings if r.number and r.common]
    return len(told) >= 3 and all(SENTINEL_2[r.number][0] == r.common for r in told)


def _table_of(readings: Sequence[Reading], used: set[str]) -> tuple[Table | None, str]:
    """Infers the sensor's table from the band numbers if nothing else names the sensor, or returns a remark."""
    if any(reading.surface for reading in readings):
        if "6" in used:  # SR_B6 exists on OLI only; on TM and ETM+ band 6 is thermal
            return SENSORS["Landsat 8-9"], ""
        if {"1", "7"} <= used:
            return SENSORS["Landsat 4-7"], ""
        return None, marked("the SR_ names do not indicate which Landsat satellite it is")
    if "8A" in used or "12" in used or any(r.zero for r in readings) or _colours_agree(readings):
        return SENTINEL_2, ""
    if all(int(number) <= 7 for number in used):
        return None, marked("the names could be those of Sentinel-2 or Landsat")
    return SENTINEL_2, ""


def _identity(descriptor: BandDescriptor, reading: Reading, table: Table | None) -> Identity:
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
