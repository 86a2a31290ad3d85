"""Matches a raster's bands with a model's, by name, description or wavelength.

Bands are never matched by position: a raster without band metadata is refused, with the numbers to type
for the usual orders. Standard library only, so that the plugin can show a match without the engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from .band_identity import CONTRADICTION, BandDescriptor, Identity, identify
from .band_names import SENTINEL_2, common_name, read_name, sentinel_id
from .band_refusal import quoted, ranges, refusal
from .cards import Band
from .errors import BandMismatch
from .language import marked

# Broad and narrow near infrared are so similar that each may replace the other.
_STAND_INS = {"B08": "B8A", "B8A": "B08"}
_NEAREST = 0.010  # micrometres; such a difference is accepted however narrow the wanted band is


@dataclass(frozen=True)
class BandEntry:
    """A model band, the raster band that is used for it (None: left out), and why."""

    model: str
    raster: int | None
    by: str

    def __str__(self) -> str:
        """For example "B04: band 3, name"; only the reason if the band is left out."""
        return f"{self.model}: " + (
            self.by if self.raster is None else f"band {self.raster}, {self.by}"
        )


@dataclass(frozen=True)
class BandMatch:
    """A match of a raster's bands with a model's.

    Attributes:
        entries: One entry for each model band, in the model's order.
        groups: Ascending indices of the model's spectral groups that are present.
        identities: The presumed identity of every raster band, matched or not.
        sensor: Name of the sensor, or empty.
    """

    entries: tuple[BandEntry, ...]
    groups: tuple[int, ...]
    identities: tuple[Identity, ...] = ()
    sensor: str = ""

    @property
    def positions(self) -> tuple[int, ...]:
        """Positions of the matched bands among the model's bands."""
        return tuple(k for k, entry in enumerate(self.entries) if entry.raster is not None)

    @property
    def indexes(self) -> tuple[int, ...]:
        """Raster band numbers for `positions`, in the same order."""
        return tuple(entry.raster for entry in self.entries if entry.raster is not None)

    def to_list(self) -> list[dict[str, Any]]:
        """The match in the form of the protocol."""
        return [{"model": e.model, "raster": e.raster, "by": e.by} for e in self.entries]


def match_bands(
    descriptors: Sequence[BandDescriptor],
    wanted: Sequence[Band],
    spectral_patch: int = 3,
    optional_groups: Sequence[int] = (),
    *,
    explicit: Sequence[int] = (),
    sensor: str = "",
) -> BandMatch:
    """Finds the raster band for every model band.

    Args:
        descriptors: All bands of the raster except alpha.
        wanted: The model's bands.
        spectral_patch: Number of bands in a spectral group.
        optional_groups: Indices of groups that may be left out as a whole.
        explicit: Raster band numbers in the order of `wanted`, or of `wanted` without the optional
            groups; empty means automatic.
        sensor: The sensor known from file names or metadata, or empty.

    Raises:
        BandMismatch: A required band is missing or ambiguous, or `explicit` is wrong.
    """
    identities, sensor, remark = identify(descriptors, sensor)
    if explicit:
        entries = _explicit(descriptors, wanted, spectral_patch, optional_groups, explicit)
    else:
        entries = _automatic(identities, wanted)
    entries, groups, missing = _by_groups(entries, wanted, spectral_patch, optional_groups)
    if missing:
        raise BandMismatch(
            refusal(
                descriptors,
                [(band, _wanted_id(band)) for band in wanted],
                missing,
                sum(k // spectral_patch not in optional_groups for k in range(len(wanted))),
                remark,
            ),
            details="; ".join(map(str, entries)),
            missing=missing,
        )
    return BandMatch(tuple(entries), groups, identities, sensor)


def _explicit(
    descriptors: Sequence[BandDescriptor],
    wanted: Sequence[Band],
    spectral_patch: int,
    optional_groups: Sequence[int],
    explicit: Sequence[int],
) -> list[BandEntry]:
    names = [band.name for band in wanted]
    required = [k for k in range(len(wanted)) if k // spectral_patch not in optional_groups]
    positions = list(range(len(wanted))) if len(explicit) == len(wanted) else required
    if len(explicit) != len(positions):
        shorter = ""
        if len(required) < len(wanted):
            shorter = f", or {len(required)} ({', '.join(names[k] for k in required)})"
        raise BandMismatch(
            f"BANDS has {len(explicit)} numbers, but the model needs {len(wanted)} "
            f"({', '.join(names)}){shorter}. Give one raster band number for each, in this order."
        )
    known = {descriptor.index for descriptor in descriptors}
    wrong = [number for number in explicit if number not in known]
    if wrong:
        raise BandMismatch(
            f"BANDS names band {wrong[0]}, but the raster's bands are {ranges(sorted(known))}. "
            "Band numbers count from 1, and an alpha band cannot be used."
        )
    by_number: dict[int, str] = {}
    for position, number in zip(positions, explicit):
        first = by_number.setdefault(number, names[position])
        if first != names[position] and _STAND_INS.get(_wanted_id(wanted[position])) != first:
            raise BandMismatch(
                f"BANDS gives raster band {number} twice, for {first} and for {names[position]}. "
                "Every model band needs a raster band of its own."
            )
    entries = [BandEntry(name, None, marked("not in BANDS")) for name in names]
    for place, (position, number) in enumerate(zip(positions, explicit), start=1):
        entries[position] = BandEntry(names[position], number, marked(f"BANDS, place {place}"))
    return entries


def _wanted_id(band: Band) -> str:
    """Sentinel-2's name of a model band; empty if it is not one of Sentinel-2's."""
    reading = read_name(band.name)
    known = SENTINEL_2.get(reading.number)
    if known is None:
        return ""
    off = band.center_wavelength and abs(band.center_wavelength - known[1]) > CONTRADICTION
    return "" if off else sentinel_id(reading.number)


def _automatic(identities: Sequence[Identity], wanted: Sequence[Band]) -> list[BandEntry]:
    entries = []
    for band in wanted:
        sentinel = _wanted_id(band)
        entry = _by_name(identities, band, sentinel)
        if entry is None and sentinel in _STAND_INS:
            other = replace(band, name=_STAND_INS[sentinel], common_name="", center_wavelength=0.0)
            entry = _by_name(identities, other, _STAND_INS[sentinel])
            if entry is not None:
                by = f"{entry.by}, " + marked(f"stands in for {band.name}")
                entry = BandEntry(band.name, entry.raster, by)
        entry = entry or _by_wavelength(identities, band)
        entries.append(entry or BandEntry(band.name, None, marked("not found")))
    return entries


def _by_name(identities: Sequence[Identity], band: Band, sentinel: str) -> BandEntry | None:
    """The band with a model band's name; several of that name are refused unless wavelengths decide."""
    common = SENTINEL_2[read_name(band.name).number][0] if sentinel else ""
    common = common or common_name(band.common_name) or common_name(band.name)
    for key, value in (("sentinel", sentinel), ("common", common)):
        found = [i for i in identities if value and getattr(i, key) == value]
        if key == "common":  # exclude bands that are known to be another one of Sentinel-2's
            found = [i for i in found if not (sentinel and i.sentinel)]
        if len(found) > 1 and band.center_wavelength and all(i.wavelength for i in found):
            distance = {i.index: abs((i.wavelength or 0) - band.center_wavelength) for i in found}
            if len(set(distance.values())) > 1:
                found = [min(found, key=lambda i: distance[i.index])]
        if len(found) > 1:
            raise BandMismatch(
                f"Raster bands {ranges([i.index for i in found])} could all be the model's "
                f"{band.name}: {', '.join(quoted(i.text) for i in found[:4])}. "
                "Say which one to use with BANDS."
            )
        if found:
            return BandEntry(band.name, found[0].index, marked(f"name {quoted(found[0].text)}"))
    return None


def _by_wavelength(identities: Sequence[Identity], band: Band) -> BandEntry | None:
    """The band nearest in wavelength, within half the wanted band's width or `_NEAREST`."""
    near = [i for i in identities if i.wavelength is not None]
    if not near or not band.center_wavelength:
        return None
    centre = band.center_wavelength
    best = min(near, key=lambda i: abs((i.wavelength or 0.0) - centre))
    distance = abs((best.wavelength or 0.0) - centre)
    if distance > max(_NEAREST, band.full_width_half_max / 2):
        return None
    nanometres = round((best.wavelength or 0.0) * 1000)
    return BandEntry(band.name, best.index, marked(f"wavelength {nanometres} nm"))


def _by_groups(
    entries: list[BandEntry],
    wanted: Sequence[Band],
    spectral_patch: int,
    optional_groups: Sequence[int],
) -> tuple[list[BandEntry], tuple[int, ...], list[Band]]:
    """Leaves out incomplete optional groups as a whole, and lists the missing bands of required groups."""
    entries, groups, missing = list(entries), [], []
    for group, start in enumerate(range(0, len(wanted), spectral_patch)):
        members = range(start, min(start + spectral_patch, len(wanted)))
        lacking = [k for k in members if entries[k].raster is None]
        if not lacking:
            groups.append(group)
        elif group in optional_groups:
            names = ", ".join(wanted[k].name for k in lacking)
            for k in members:
                entries[k] = BandEntry(wanted[k].name, None, marked(f"left out: no {names}"))
        else:
            missing += [wanted[k] for k in lacking]
    if not groups and not missing:
        missing = list(wanted)
    return entries, tuple(groups), missing
