"""Gathers a dataset's metadata about its bands and product, from all places where GDAL keeps them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import PurePath
from typing import Any

from ..band_identity import BandDescriptor
from ..band_names import Reading, read_name, sensor_of
from ..errors import RasterUnreadable
from .far import is_far
from .nodata import alpha_band
from .opening import listed_files, open_raster
from .vrt_sources import sources_of

_BASELINE = re.compile(r"(?:^|_)N(\d{2})(\d{2})(?:_|\.|$)")
_OFFSET_TAGS = re.compile(r"(?:BOA|RADIO)_ADD_OFFSET")
_LEVELS = 3
_WAVELENGTH_TAGS = (
    "wavelength",
    "central_wavelength",
    "center_wavelength",
    "wavelength_nm",
    "wavelengths",
)
_UNIT_TAGS = ("wavelength_units", "wavelength_unit", "wavelength units")
_SENSOR_TAGS: tuple[str, ...] = (
    "spacecraft_id",
    "spacecraft_name",
    "sensor_id",
    "sensor",
    "sensor_type",
    "satelliteid",
    "satellite",
    "platform",
    "product_uri",
    "product_id",
    "mission_id",
    "landsat_product_id",
    "landsat_scene_id",
    "tifftag_imagedescription",
)


@dataclass(frozen=True)
class Description:
    """Metadata of a dataset.

    Attributes:
        descriptors: One for each band other than alpha.
        sensor: One of band_names.SENSORS, or empty.
        baseline: Sentinel-2 processing baseline such as 4.0; None if unknown.
        offset: Offset in the metadata (RADIO_ADD_OFFSET), in digital numbers; None if there is none.
        texts: Names of files and products, which may hint at the processing level.
    """

    descriptors: tuple[BandDescriptor, ...]
    sensor: str = ""
    baseline: float | None = None
    offset: float | None = None
    texts: tuple[str, ...] = ()


def describe(dataset: Any, path: str, levels: int = _LEVELS) -> Description:
    """Gathers names, wavelengths and product hints of an open rasterio dataset.

    Args:
        dataset: The open dataset.
        path: Path of its file.
        levels: Depth of nested virtual rasters to search for metadata that the outer ones lack.
    """
    tags = _lower(dataset.tags())
    tags.update(_lower(dataset.tags(ns="ENVI")))
    per_band = [_lower(dataset.tags(index)) for index in dataset.indexes]
    computed = _computed(dataset)
    descriptors = _own(dataset, tags, per_band, computed)
    if levels and dataset.driver == "VRT":
        descriptors = _inherited(dataset, descriptors, computed, levels - 1)
    hints = [d.name for d in descriptors] + [tags[key] for key in _SENSOR_TAGS if key in tags]
    texts = (*hints, *reversed(_file_names(dataset, path)))
    return Description(
        tuple(descriptors),
        sensor_of(texts),
        _baseline(tags, texts),
        _offset((tags, *per_band)),
        texts,
    )


def _own(
    dataset: Any, tags: dict[str, str], per_band: Sequence[dict[str, str]], computed: set[int]
) -> list[BandDescriptor]:
    """The bands other than alpha, by the dataset's own metadata.

    Args:
        dataset: The open dataset.
        tags: Its tags, keys in lower case.
        per_band: The tags of each band, likewise.
        computed: Numbers of the bands that are derived.
    """
    listed = _numbers(tags.get("wavelength", ""))
    if len(listed) != dataset.count:
        listed = [math.nan] * dataset.count
    alpha = alpha_band(dataset)
    descriptors = []
    for index, band in zip(dataset.indexes, per_band):
        if index == alpha:
            continue
        imagery = _lower(dataset.tags(index, ns="IMAGERY"))
        wavelength = _wavelength(band, imagery, tags, listed[index - 1])
        names = (
            dataset.descriptions[index - 1] or "",
            *(band.get(key, "") for key in ("bandname", "band_name", "long_name")),
            _source(dataset, index, index in computed),
        )
        descriptors.append(BandDescriptor(index, _telling(names), wavelength))
    return descriptors


def _file_names(dataset: Any, path: str) -> list[str]:
    """Names of the dataset's files, of a VRT's sources, and of the two folders around each."""
    files = [path, *listed_files(dataset)]
    for index in dataset.indexes:
        files += [source.name for source in islice(sources_of(dataset, index), 1)]
    names = [part for file in files for part in PurePath(file.replace("\\", "/")).parts[-3:]]
    return list(dict.fromkeys(names))


def _computed(dataset: Any) -> set[int]:
    """Numbers of a VRT's derived bands, which a pixel function computes, such as an index of two bands."""
    if dataset.driver != "VRT":
        return set()
    bands = re.findall("<VRTRasterBand [^>]*>", dataset.tags(ns="xml:VRT").get("xml:VRT", ""))
    return {
        int(number[1])
        for band in bands
        if "VRTDerivedRasterBand" in band and (number := re.search(r'band="(\d+)"', band))
    }


def _source(dataset: Any, index: int, computed: bool) -> str:
    """File name of the source of a VRT's band, if it is the first band of that file; else empty.

    A derived band has one if all its sources are the same band, for instance on several dates.
    """
    names = []
    for source in islice(sources_of(dataset, index), None if computed else 1):
        if source.band != 1:
            return ""
        name = source.name.partition("?")[0] if is_far(source.name) else source.name
        names.append(PurePath(name.replace("\\", "/")).name)
    return names[0] if names and len(set(map(read_name, names))) == 1 else ""


def _inherited(
    dataset: Any, descriptors: list[BandDescriptor], computed: set[int], levels: int
) -> list[BandDescriptor]:
    """Completes the bands of a VRT with the metadata of their first sources, which gdalbuildvrt drops."""
    known: dict[str, Mapping[int, BandDescriptor]] = {}
    found = []
    for band in descriptors:
        source = next(sources_of(dataset, band.index), None)
        silent = band.wavelength is None and not _tells(band.name)
        if source and silent and band.index not in computed:
            if source.path not in known:
                known[source.path] = _bands_of(source.path, levels)
            below = known[source.path].get(source.band)
            if below is not None and (_tells(below.name) or below.wavelength is not None):
                band = replace(below, index=band.index)
        found.append(band)
    return found


def _bands_of(path: str, levels: int) -> dict[int, BandDescriptor]:
    """The bands of a raster by number; empty if it cannot be opened."""
    with suppress(RasterUnreadable), open_raster(path) as source:
        return {band.index: band for band in describe(source, path, levels).descriptors}
    return {}


def _tells(text: str) -> bool:
    """Whether a text names a band."""
    reading = read_name(text)
    return reading != Reading() and not reading.plain


def _telling(candidates: Iterable[str]) -> str:
    """The first text that names a band; else the first text, for messages."""
    texts = [text.strip() for text in candidates if text and text.strip()]
    for text in texts:
        if _tells(text):
            return text
    return texts[0] if texts else ""


def _wavelength(
    band: dict[str, str], imagery: dict[str, str], tags: dict[str, str], listed: float
) -> float | None:
    """Centre wavelength in micrometres, from a band's metadata in any unit."""
    micrometres = _numbers(imagery.get("central_wavelength_um", ""))
    if micrometres:
        return micrometres[0]
    values = [n for key in _WAVELENGTH_TAGS for n in _numbers(band.get(key, ""))[:1]]
    values += [] if math.isnan(listed) else [listed]
    if not values or values[0] <= 0:
        return None
    unit = next((o[key] for o in (band, tags) for key in _UNIT_TAGS if o.get(key)), "").lower()
    value = values[0]
    if unit.startswith("n") or (not unit.startswith(("u", "µ", "μ", "mic")) and value > 100):
        value /= 1000
    return value if 0.2 <= value <= 20 else None


def _baseline(tags: dict[str, str], texts: Iterable[str]) -> float | None:
    told = _numbers(tags.get("processing_baseline", ""))
    if told:
        return told[0]
    for text in texts:
        found = _BASELINE.search(text)
        if found and found[0].strip("_.") != "N9999":  # 99.99 marks reprocessed data: no baseline
            return int(found[1]) + int(found[2]) / 100
    return None


def _offset(all_tags: Iterable[dict[str, str]]) -> float | None:
    for tags in all_tags:
        for key, value in tags.items():
            if _OFFSET_TAGS.search(key.upper()):
                numbers = _numbers(value)
                if numbers:
                    return numbers[0]
    return None


def _numbers(text: str) -> list[float]:
    return [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?", text)]


def _lower(tags: dict[str, str]) -> dict[str, str]:
    return {key.lower(): value for key, value in tags.items()}
