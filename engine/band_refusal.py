"""The error message for a raster whose bands do not suit a model: given and missing bands, and the remedy.

Standard library only.
"""

from __future__ import annotations

from collections.abc import Sequence

from .band_identity import BandDescriptor
from .cards import Band
from .language import marked

STACKS = {  # usual band orders of Sentinel-2 stacks, by number of bands
    10: {"without the 60 m bands": "B02 B03 B04 B05 B06 B07 B08 B8A B11 B12"},
    12: {"Sentinel-2 L2A": "B01 B02 B03 B04 B05 B06 B07 B08 B8A B09 B11 B12"},
    13: {
        "Sentinel-2 L1C": "B01 B02 B03 B04 B05 B06 B07 B08 B8A B09 B10 B11 B12",
        "B8A last, as in EuroSAT": "B01 B02 B03 B04 B05 B06 B07 B08 B09 B10 B11 B12 B8A",
    },
}


def refusal(
    descriptors: Sequence[BandDescriptor],
    wanted: Sequence[tuple[Band, str]],
    missing: Sequence[Band],
    required: int,
    remark: str = "",
) -> str:
    """Says which bands the raster has, which are missing, and what to do.

    Args:
        descriptors: All bands of the raster.
        wanted: The model's bands, each with its Sentinel-2 name or "".
        missing: Bands of required groups that were not found.
        required: Number of bands that the model requires.
        remark: Why names were ignored, or empty.
    """
    given, needs = _given(descriptors, remark), ", ".join(band.name for band, _ in wanted)
    lacking = ", ".join(map(_described, missing))
    text = f"{given}. The model needs {needs}, but these were not found: {lacking}. "
    return text + _remedy(len(descriptors), wanted, required)


def _given(descriptors: Sequence[BandDescriptor], remark: str) -> str:
    if len(descriptors) == 1:
        return marked(f"The raster has only one band, {_shown(descriptors[0])}")
    if not any(d.name or d.wavelength for d in descriptors):
        return marked(f"The raster has {len(descriptors)} bands with neither names nor wavelengths")
    shown = ", ".join(f"{d.index} {_shown(d)}" for d in descriptors[:14])
    shown += ", ..." if len(descriptors) > 14 else ""
    shown += f"; {remark}" if remark else ""
    return marked(f"The raster has {len(descriptors)} bands: {shown}")


def _remedy(count: int, wanted: Sequence[tuple[Band, str]], required: int) -> str:
    """What to do with a raster of `count` bands; see `refusal`."""
    if count == 1 < required:  # most products are delivered with one file per band
        return (
            f"At least {required} bands are needed in one raster. If this is a file of a satellite product "
            "(Sentinel-2, Landsat, HLS), 'Open satellite product' makes one raster of all its bands. Otherwise stack "
            "band files with Raster > Miscellaneous > Build Virtual Raster, each file as a separate band."
        )
    if count < required:
        return f"At least {required} bands are needed. Use a raster with all of them, or another model."
    text = (
        "Give the bands descriptions such as B02, or specify the raster's band numbers in BANDS, in the order of the "
        "model."
    )
    for title, order in STACKS.get(count, {}).items():
        names = order.split()
        if all(sentinel in names for _, sentinel in wanted):
            numbers = ",".join(str(names.index(sentinel) + 1) for _, sentinel in wanted)
            text += f" If the order is {', '.join(names)} ({title}), set BANDS to {numbers}."
    return text


def _described(band: Band) -> str:
    parts = [band.common_name] if band.common_name else []
    if band.center_wavelength:
        parts.append(f"{round(band.center_wavelength * 1000)} nm")
    return f"{band.name} ({', '.join(parts)})" if parts else band.name


def _shown(descriptor: BandDescriptor) -> str:
    if descriptor.name:
        return quoted(descriptor.name)
    if descriptor.wavelength:
        return f"{round(descriptor.wavelength * 1000)} nm"
    return "(no name)"


def quoted(text: str) -> str:
    """A name in quotation marks, truncated if long."""
    return f'"{text}"' if len(text) <= 40 else f'"{text[:37]}..."'


def ranges(numbers: Sequence[int]) -> str:
    """Band numbers as text: "1, 3" or "1 to 12"."""
    if len(numbers) > 4 and numbers[-1] - numbers[0] == len(numbers) - 1:
        return f"{numbers[0]} to {numbers[-1]}"
    return ", ".join(map(str, numbers))
