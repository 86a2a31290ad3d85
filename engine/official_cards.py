"""Cards of the published checkpoints, from information in the papers, the code, and by the authors."""

from __future__ import annotations

import colorsys
from typing import Any

from .cards import Band, Card, ModelClass, Normalisation

# Sentinel-2A: common name, centre wavelength and full width at half maximum in micrometres.
_SENTINEL2 = {
    "B01": ("coastal", 0.443, 0.020),
    "B02": ("blue", 0.492, 0.066),
    "B03": ("green", 0.560, 0.036),
    "B04": ("red", 0.665, 0.031),
    "B05": ("rededge071", 0.704, 0.015),
    "B06": ("rededge075", 0.740, 0.015),
    "B07": ("rededge078", 0.783, 0.020),
    "B08": ("nir", 0.833, 0.106),
    "B8A": ("nir08", 0.865, 0.021),
    "B09": ("nir09", 0.945, 0.020),
    "B11": ("swir16", 1.614, 0.091),
    "B12": ("swir22", 2.202, 0.175),
}
OFFICIAL_BANDS = tuple(_SENTINEL2)
# As confirmed by the first author in issue 31 of the code; another loader has B01 instead of B08.
SEGMUNICH_BANDS = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12")
SEGMUNICH_MEANS = 2  # the mean of the ten bands is appended twice to get twelve

SEGMUNICH_CLASSES = (
    ModelClass(0, "background", "Background", "#bdbdbd"),
    ModelClass(1, "arable", "Arable land", "#f2e394"),
    ModelClass(2, "permanent_crops", "Permanent crops", "#e6a04a"),
    ModelClass(3, "pastures", "Pastures", "#b5e07a"),
    ModelClass(4, "forests", "Forests", "#1f7a2e"),
    ModelClass(5, "surface_water", "Surface water", "#2f6fdb"),
    ModelClass(6, "shrub", "Shrub", "#8a9a3b"),
    ModelClass(7, "open_spaces", "Open spaces", "#cdbfa6"),
    ModelClass(8, "wetlands", "Wetlands", "#6fc7c0"),
    ModelClass(9, "mine_dump", "Mines and dumps", "#7d5a9c"),
    ModelClass(10, "artificial_vegetation", "Artificial vegetation", "#57c785"),
    ModelClass(11, "urban_fabric", "Urban fabric", "#e0484d"),
    ModelClass(12, "buildings", "Buildings", "#8c1c2b"),
)
CHANGE_CLASSES = (
    ModelClass(0, "unchanged", "Unchanged", "#d9d9d9"),
    ModelClass(1, "changed", "Changed", "#d7191c"),
)

LICENCE = "CC-BY-4.0 (unverified)"
ATTRIBUTION = (
    "Weights: Hong et al., SpectralGPT: Spectral Remote Sensing Foundation Model, IEEE TPAMI 46(8), 2024, Zenodo "
    "record 8412455. Their licence, CC-BY-4.0, is known from a third party's table only: unverified."
)
_MINMAX = "Each window is scaled to 0..1 band by band, as in training."
_PRETRAINING = {
    96: ["fMoW-Sentinel-2"],
    128: ["fMoW-Sentinel-2", "BigEarthNet-S2"],
}


def official_card(
    kind: str, name: str, architecture: dict[str, Any], source: dict[str, Any]
) -> Card:
    """The card of an imported checkpoint.

    Args:
        kind: Task of the network.
        name: The model's name.
        architecture: The network's configuration.
        source: File name and SHA-256 of the checkpoint.
    """
    text, more = _DESCRIPTIONS[kind](architecture)
    bands, size = architecture["bands"], architecture["image_size"]
    fields: dict[str, Any] = {
        "bands": _sentinel2(OFFICIAL_BANDS) if bands == len(OFFICIAL_BANDS) else _unknown(bands),
        "architecture": architecture,
        "training": {"source": source, "pretraining": _PRETRAINING.get(size, [])},
    }
    if bands != len(OFFICIAL_BANDS):
        text += f" The meaning of its {bands} bands is not known: choose the raster bands manually."
    fields.update(more)
    return Card(
        name=name,
        task=kind,
        title=f"SpectralGPT {kind.replace('-', ' ')} ({size} px)",
        description=f"{text} {_MINMAX} Imported; none of its accuracy figures was checked here.",
        window=size,
        spectral_patch=architecture["spectral_patch"],
        normalisation=Normalisation("tile-minmax"),
        licence=LICENCE,
        attribution=ATTRIBUTION,
        **fields,
    )


def _backbone(architecture: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return (
        "Published SpectralGPT backbone for fine-tuning. It cannot make predictions by itself.",
        {},
    )


def _change(architecture: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    more = {
        "classes": CHANGE_CLASSES,
        "threshold": {"method": "fixed", "value": 0.5},
    }
    return "Published SpectralGPT change network, fine-tuned by its authors on OSCD.", more


def _segmentation(architecture: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    count = architecture["classes"]
    if count != len(SEGMUNICH_CLASSES) or architecture["bands"] != len(OFFICIAL_BANDS):
        text = f"SpectralGPT segmentation network with {count} classes whose names are not in the file."
        return text, {"classes": _numbered(count, first=0)}
    text = (
        "Published SpectralGPT segmentation network, fine-tuned by its authors on SegMunich. It uses ten bands and "
        "appends their mean twice. The sources disagree about which ten; these were confirmed by the first author."
    )
    return text, {
        "bands": _sentinel2(SEGMUNICH_BANDS),
        "classes": SEGMUNICH_CLASSES,
        "architecture": {**architecture, "appended_means": SEGMUNICH_MEANS},
    }


def _scenes(architecture: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    text = (
        "SpectralGPT scene classifier. Its class names and normalisation are not in the file: the names are numbers, "
        "and scaling by window is an assumption."
    )
    return text, {"classes": _numbered(architecture["classes"], first=1)}


_DESCRIPTIONS = {
    "backbone": _backbone,
    "change-detection": _change,
    "segmentation": _segmentation,
    "scene-classification": _scenes,
}


def _sentinel2(names: tuple[str, ...]) -> tuple[Band, ...]:
    return tuple(Band(name, *_SENTINEL2[name]) for name in names)


def _unknown(count: int) -> tuple[Band, ...]:
    return tuple(Band(f"band{number}") for number in range(1, count + 1))


def _numbered(count: int, first: int) -> tuple[ModelClass, ...]:
    """Numbered classes, with colours from around the colour circle."""
    return tuple(
        ModelClass(
            first + index, f"class_{first + index}", f"Class {first + index}", _hue(index / count)
        )
        for index in range(count)
    )


def _hue(turn: float) -> str:
    red, green, blue = colorsys.hsv_to_rgb(turn, 0.6, 0.85)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"
