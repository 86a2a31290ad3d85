"""Parses band names: number, colour, wavelength, and sensor.

Names come from band descriptions, metadata and the file names inside a VRT, in all spellings that we
have met: `B8A`, `B08A`, `Band 2 - Blue`, `sur_refl_b01`, `T31TCJ_20200101T105331_B02_10m.jp2`,
`B02 (490 nm)`, `rededge071`. Whether to trust a name is decided separately, in band_identity.py. Standard
library only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

# Number -> (common name, centre wavelength in micrometres). The common names are ours, one for all spellings.
Table = dict[str, tuple[str, float]]
SENTINEL_2: Table = {
    "1": ("coastal", 0.443),
    "2": ("blue", 0.492),
    "3": ("green", 0.560),
    "4": ("red", 0.665),
    "5": ("rededge1", 0.704),
    "6": ("rededge2", 0.740),
    "7": ("rededge3", 0.783),
    "8": ("nir", 0.833),
    "8A": ("nir-narrow", 0.865),
    "9": ("water-vapour", 0.945),
    "10": ("cirrus", 1.374),
    "11": ("swir1", 1.612),
    "12": ("swir2", 2.194),
}
LANDSAT_OLI = {
    "1": ("coastal", 0.443),
    "2": ("blue", 0.482),
    "3": ("green", 0.561),
    "4": ("red", 0.655),
    "5": ("nir", 0.865),
    "6": ("swir1", 1.609),
    "7": ("swir2", 2.201),
    "9": ("cirrus", 1.373),
}
LANDSAT_TM = {
    "1": ("blue", 0.485),
    "2": ("green", 0.560),
    "3": ("red", 0.660),
    "4": ("nir", 0.830),
    "5": ("swir1", 1.650),
    "7": ("swir2", 2.215),
}
MODIS = {
    "1": ("red", 0.645),
    "2": ("nir", 0.859),
    "3": ("blue", 0.469),
    "4": ("green", 0.555),
    "6": ("swir1", 1.640),
    "7": ("swir2", 2.130),
}
SENSORS = {
    "Sentinel-2": SENTINEL_2,
    "Landsat 8-9": LANDSAT_OLI,
    "Landsat 4-7": LANDSAT_TM,
    "MODIS": MODIS,
}

_EDGE = r"(?<![A-Za-z0-9])"
_END = r"(?![A-Za-z0-9])"
# The order matters: HLS.L30 is Landsat in Sentinel-2's tiles.
_SENSOR_PATTERNS = (
    ("MODIS", r"sur_refl_b|" + _EDGE + r"M[OY]D09"),
    (
        "Landsat 8-9",
        r"HLS\.L30|" + _EDGE + r"L[CO]0?[89]_|" + _EDGE + r"L[CO]8\d{6}|landsat[ _-]?(?:8|9)"
        r"|" + _EDGE + r"OLI" + _END + r"|OLI_TIRS",
    ),
    (
        "Landsat 4-7",
        _EDGE + r"L[TEM]0?[4-7]_|" + _EDGE + r"L[TE][4-7]\d{6}|" + _EDGE + r"L7[12]\d{6}"
        r"|landsat[ _-]?(?:4|5|7|e?tm)|" + _EDGE + r"ETM\+?(?![a-z0-9])|" + _EDGE + r"TM" + _END,
    ),
    (
        "Sentinel-2",
        r"HLS\.S30|" + _EDGE + r"S2[ABC]?(?:_|-|" + _END + r")|sentinel[ _-]?2|MSIL[12][AC]"
        r"|" + _EDGE + r"T\d{2}[A-Z]{3}_\d{8}T\d{6}",
    ),
)
_NUMBER = re.compile(
    r"(?<![A-Za-z0-9])b(?P<word>and)?[ _\-]*(?P<zero>0?)(?P<number>8a|1[0-2]|[1-9])(?![0-9a-z])",
    re.IGNORECASE,
)
_SUR_REFL = re.compile(r"sur_refl_b0?([1-7])(?![0-9])", re.IGNORECASE)
_BARE = re.compile(r"(?P<zero>0?)(?P<number>8a|1[0-2]|[1-9])", re.IGNORECASE)
_WAVELENGTH = re.compile(
    r"(?P<low>\d+(?:\.\d+)?)(?:\s*[-–]\s*(?P<high>\d+(?:\.\d+)?))?\s*"
    r"(?P<unit>nm|nanomet\w*|um|µm|μm|microns?|micromet\w*)(?![A-Za-z])",
    re.IGNORECASE,
)
# In order of precedence, for names in lower case with separators replaced by single spaces.
_COMMON_PATTERNS = tuple(
    (common, re.compile(pattern))
    for common, pattern in (
        ("water-vapour", r"\bwater vapou?r\b|\bnir ?09\b"),
        ("cirrus", r"\bcirrus\b"),
        ("coastal", r"\bcoastal\b|\bultra ?blue\b|^aerosols?$"),
        ("nir-narrow", r"\bnir ?(?:0?8|narrow|a|2)\b|\bnarrow (?:nir|near ?infra ?red)\b"),
        ("nir-narrow", r"\bnear ?infra ?red (?:narrow|2)\b|\b(?:red ?edge|re) ?4\b"),
        ("rededge1", r"\b(?:red ?edge|re) ?(?:0?1|071|70[0-9])\b"),
        ("rededge2", r"\b(?:red ?edge|re) ?(?:0?2|075|74[0-9])\b"),
        ("rededge3", r"\b(?:red ?edge|re) ?(?:0?3|078|78[0-9])\b"),
        ("swir1", r"\b(?:swir|short ?wave(?: ?length)? infra ?red) ?(?:0?1|16\d{0,2})\b"),
        ("swir2", r"\b(?:swir|short ?wave(?: ?length)? infra ?red) ?(?:0?2|2[12]\d{0,2})\b"),
        ("nir", r"\bnir ?1?\b|\bnear ?infra ?red\b"),
        ("blue", r"\bblue\b"),
        ("green", r"\bgreen\b"),
        ("red", r"\bred\b(?! ?edge)"),
    )
)


@dataclass(frozen=True)
class Reading:
    """The content of a band name, whether trustworthy or not.

    Attributes:
        number: "1".."12" or "8A"; empty if the name has none.
        zero: Whether the number has a leading zero, as Sentinel-2's do.
        plain: Whether the name is only a count, such as "Band 4" or "4".
        surface: Whether the name has Landsat's prefix SR_.
        common: One of our common names, or empty.
        wavelength: Centre wavelength in micrometres, or None.
    """

    number: str = ""
    zero: bool = False
    plain: bool = False
    surface: bool = False
    common: str = ""
    wavelength: float | None = None


def read_name(text: str) -> Reading:
    """Parses a band name; returns an empty `Reading` if nothing is recognised."""
    text = text.strip()
    stem = re.sub(r"\.(?:tiff?|jp2|img|vrt|png|bin|dat)$", "", text, flags=re.IGNORECASE)
    common, wavelength = common_name(stem), wavelength_in(text)
    bare = _BARE.fullmatch(stem)
    if bare:
        number, zero = bare["number"].upper(), bool(bare["zero"])
        counts_only = not zero and number != "8A"
        return Reading(number, zero, plain=counts_only, common=common, wavelength=wavelength)
    modis = _SUR_REFL.search(stem)
    if modis:
        return Reading(modis[1], common=common, wavelength=wavelength)
    found = list(_NUMBER.finditer(stem))
    if not found:
        return Reading(common=common, wavelength=wavelength)
    last = found[-1]
    return Reading(
        number=last["number"].upper(),
        zero=bool(last["zero"]) and last["number"].upper() != "8A",
        plain=bool(last["word"]) and last.group(0) == stem,
        surface=stem[: last.start()].lower().endswith("sr_"),
        common=common,
        wavelength=wavelength,
    )


def common_name(text: str) -> str:
    """Our common name for a colour in any spelling, including STAC's, or empty."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)  # RedEdge1, BlueBand
    words = re.sub(r"[^a-z0-9]+", " ", words.lower()).strip()
    for common, pattern in _COMMON_PATTERNS:
        if pattern.search(words):
            return common
    return ""


def wavelength_in(text: str) -> float | None:
    """The wavelength in a text, which must have a unit, in micrometres; the middle of a range."""
    found = _WAVELENGTH.search(text)
    if not found:
        return None
    low = float(found["low"])
    value = (low + float(found["high"])) / 2 if found["high"] else low
    value = value / 1000 if found["unit"].lower().startswith("n") else value
    return value if 0.3 <= value <= 20 else None


def sensor_of(texts: Iterable[str]) -> str:
    """The sensor that is named in file names, descriptions or metadata, or empty.

    Args:
        texts: Texts in order of reliability; the first that names a sensor decides.
    """
    for text in texts:
        for sensor, pattern in _SENSOR_PATTERNS:
            if re.search(pattern, text, re.IGNORECASE):
                return sensor
    return ""


def sentinel_id(number: str) -> str:
    """`B02` for "2", `B8A` for "8A"."""
    return f"B{number}" if number == "8A" else f"B{int(number):02d}"
