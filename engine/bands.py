"""Matches a raster's bands with a model's, by name, description or wavelength.

Bands are never matched by position: a raster without band metadata is refused, with the numbers to type
for the usual orders. Standard library only, so that the plugin can show a match without the engine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    model = _Wanted(wanted, spectral_patch, optional_groups)
    found = _explicit(descriptors, model, explicit) if explicit else _automatic(identities, wanted)
    entries, groups, missing = _by_groups(found, model)
    if missing:
        raise BandMismatch(
            refusal(
                descriptors,
                [(band, _wanted_id(band)) for band in wanted],
                missing,
                len(model.required),
                remark,
            ),
            details="; ".join(map(str, entries)),
            missing=missing,
        )
    return BandMatch(tuple(entries), groups, identities, sensor)


@dataclass(frozen=True)
class _Wanted:
    """A model's bands, and which of its spectral groups may be left out; see `match_bands`."""

    bands: Sequence[Band]
    spectral_patch: int
    optional_groups: Sequence[int]

    @property
    def required(self) -> list[int]:
        """Positions of the bands outside optional groups."""
        return [
            k
            for k in range(len(self.bands))
            if k // self.spectral_patch not in self.optional_groups
        ]

    def groups(self) -> Iterator[tuple[int, range]]:
        """Every spectral group, with the positions of its bands."""
        for group, start in enumerate(range(0, len(self.bands), self.spectral_patch)):
            yield group, range(start, min(start + self.spectral_patch, len(self.bands)))


def _explicit(
    descriptors: Sequence[BandDescriptor], wanted: _Wanted, explicit: Sequence[int]
) -> list[BandEntry]:
    """The bands that the user numbered."""
    names = [band.name for band in wanted.bands]
    positions = _numbered(wanted, names, len(explicit))
    known = {descriptor.index for descriptor in descriptors}
    wrong = [number for number in explicit if number not in known]
    if wrong:
        raise BandMismatch(
            f"BANDS contains band {wrong[0]}, but the raster's bands are {ranges(sorted(known))}. Band numbers start "
            "at 1, and an alpha band cannot be used."
        )
    entries = [BandEntry(name, None, marked("not in BANDS")) for name in names]
    by_number: dict[int, str] = {}
    for place, (position, number) in enumerate(zip(positions, explicit), start=1):
        name = names[position]
        first = by_number.setdefault(number, name)
        if first != name and _STAND_INS.get(_wanted_id(wanted.bands[position])) != first:
            raise BandMismatch(
                f"BANDS contains raster band {number} twice, for {first} and for {name}. Each band of the model needs "
                "a different raster band."
            )
        entries[position] = BandEntry(name, number, marked(f"position {place} in BANDS"))
    return entries


def _numbered(wanted: _Wanted, names: Sequence[str], count: int) -> Sequence[int]:
    """Positions of the model's bands that so many numbers stand for: all, or all required ones."""
    required = wanted.required
    if count == len(names):
        return range(count)
    if count == len(required):
        return required
    shorter = ""
    if len(required) < len(names):
        shorter = f", or {len(required)} ({', '.join(names[k] for k in required)})"
    raise BandMismatch(
        f"BANDS has {count} numbers, but the model needs {len(names)} ({', '.join(names)}){shorter}. Specify one "
        "raster band number for each, in this order."
    )


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
                by = f"{entry.by}, " + marked(f"used in place of {band.name}")
                entry = BandEntry(band.name, entry.raster, by)
        entry = entry or _by_wavelength(identities, band)
        entries.append(entry or BandEntry(band.name, None, marked("not found")))
    return entries


def _by_name(identities: Sequence[Identity], band: Band, sentinel: str) -> BandEntry | None:
    """The band with a model band's name; several of that name are refused unless wavelengths decide."""
    common = SENTINEL_2[read_name(band.name).number][0] if sentinel else ""
    common = common or common_name(band.common_name) or common_name(band.name)
    found = [i for i in identities if sentinel and i.sentinel == sentinel]
    if not found:
        # A band that is known to be another one of Sentinel-2's is not taken for its colour.
        open_to_colour = [i for i in identities if not (sentinel and i.sentinel)]
        found = [i for i in open_to_colour if common and i.common == common]
    if not found:
        return None
    one = _nearest(found, band)
    return BandEntry(band.name, one.index, marked(f"name {quoted(one.text)}"))


def _nearest(found: Sequence[Identity], band: Band) -> Identity:
    """The one of several bands with a model band's name that is nearest in wavelength.

    Raises:
        BandMismatch: Wavelengths are not known, or all the same.
    """
    if len(found) == 1:
        return found[0]
    if band.center_wavelength and all(i.wavelength for i in found):
        distances = [abs((i.wavelength or 0) - band.center_wavelength) for i in found]
        if len(set(distances)) > 1:
            return found[distances.index(min(distances))]
    raise BandMismatch(
        f"Several raster bands ({ranges([i.index for i in found])}) match the model's {band.name}: "
        f"{', '.join(quoted(i.text) for i in found[:4])}. Specify with BANDS which one to use."
    )


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
    entries: Sequence[BandEntry], wanted: _Wanted
) -> tuple[list[BandEntry], tuple[int, ...], list[Band]]:
    """Leaves out incomplete optional groups as a whole.

    Returns:
        The entries, the groups that are present, and the missing bands of required groups.
    """
    kept, groups, missing = list(entries), [], []
    for group, members in wanted.groups():
        lacking = [k for k in members if entries[k].raster is None]
        if not lacking:
            groups.append(group)
        elif group in wanted.optional_groups:
            names = ", ".join(wanted.bands[k].name for k in lacking)
            for k in members:
                kept[k] = BandEntry(wanted.bands[k].name, None, marked(f"left out: no {names}"))
        else:
            missing += [wanted.bands[k] for k in lacking]
    if not groups and not missing:
        missing = list(wanted.bands)
    return kept, tuple(groups), missing
