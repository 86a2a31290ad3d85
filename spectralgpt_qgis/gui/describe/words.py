"""Texts for the engine's description of a raster."""

from __future__ import annotations

import math
from typing import Any

from qgis.core import QgsRasterLayer, QgsUnitTypes

from ...engine_messages import in_users_language
from ...i18n import localised, tr

VERDICT_ICONS = {  # icons of QGIS; the best verdict first
    "fits": "/mIconSuccess.svg",
    "doubtful": "/mIconWarning.svg",
    "unfit": "/mIconCritical.svg",
}


def task_words(model: dict[str, Any]) -> str:
    """The task of a model."""
    if model["format"] == "safetensors":
        return tr("Fine-tuning")
    return {
        "segmentation": tr("Land-cover map"),
        "scene-classification": tr("Label scenes"),
        "change-detection": tr("Detect change"),
    }.get(model["task"], model["task"])


def verdict_words(model: dict[str, Any]) -> str:
    """The verdict on whether a model fits."""
    return {
        "fits": tr("Fits"),
        "doubtful": tr("Doubtful"),
        "unfit": tr("Does not fit"),
    }[model["verdict"]]


def reason_words(model: dict[str, Any]) -> str:
    """The reason for the verdict."""
    if model["missing"]:
        bands = ", ".join(map(_missing_band, model["missing"]))
        return tr("Missing: {}").format(bands)
    if model["verdict"] == "unfit":
        return model["reason"]
    parts = []
    if model["verdict"] == "doubtful":
        text = tr("Pixels of {pixel:.3g} m; the model was trained on {learned:.3g} m").format(
            pixel=model["scale"] * model["gsd"], learned=model["gsd"]
        )
        parts.append(localised(text))
    if model["left_out"]:
        parts.append(tr("Works without {}").format(", ".join(model["left_out"])))
    return "; ".join(parts) or tr("All of its bands were found")


def match_words(model: dict[str, Any]) -> str:
    """The raster band matched to each band of the model, one per line; empty if the model does not fit."""
    return "\n".join(
        tr("{model}: band {band}, by {how}").format(
            model=entry["model"], band=entry["raster"], how=in_users_language(entry["by"])
        )
        if entry["raster"] is not None
        else tr("{model}: none, {how}").format(
            model=entry["model"], how=in_users_language(entry["by"])
        )
        for entry in model["match"]
    )


def band_words(band: dict[str, Any]) -> str:
    """The spectral band as which a raster band was recognised."""
    known = {
        "coastal": tr("Coastal aerosol"),
        "blue": tr("Blue"),
        "green": tr("Green"),
        "red": tr("Red"),
        "rededge1": tr("Red edge 1"),
        "rededge2": tr("Red edge 2"),
        "rededge3": tr("Red edge 3"),
        "nir": tr("Near infrared"),
        "nir-narrow": tr("Near infrared, narrow"),
        "water-vapour": tr("Water vapour"),
        "cirrus": tr("Cirrus"),
        "swir1": tr("Short-wave infrared 1"),
        "swir2": tr("Short-wave infrared 2"),
    }
    if band["common_name"]:
        return known.get(band["common_name"], band["common_name"])
    return tr("By its wavelength") if band["wavelength"] else tr("Not recognised")


def wavelength_words(band: dict[str, Any]) -> str:
    """A band's wavelength; empty if not known."""
    return tr("{} nm").format(round(1000 * band["wavelength"])) if band["wavelength"] else ""


def pixel_words(raster: dict[str, Any], layer: QgsRasterLayer) -> str:
    """The pixel size on the ground, and in the layer's units if these are not metres."""
    ground = tr("{width:.4g} × {height:.4g} m on the ground").format(
        width=raster["pixel_metres"][0], height=raster["pixel_metres"][1]
    )
    unit = layer.crs().mapUnits()
    if not layer.crs().isValid() or unit == QgsUnitTypes.DistanceUnit.DistanceMeters:
        return localised(ground)
    # Two significant digits of the smaller side, and no exponent: 0.000090, not 9e-05.
    digits = max(0, 1 - math.floor(math.log10(min(raster["pixel"]))))
    own = tr("{width} × {height} {unit}").format(
        width=f"{raster['pixel'][0]:.{digits}f}",
        height=f"{raster['pixel'][1]:.{digits}f}",
        unit=QgsUnitTypes.toString(unit),
    )
    return localised(f"{ground} ({own})")


def date_words(date: tuple[int, ...]) -> str:
    """A date from `acquisition_date` in ISO format."""
    return "-".join(f"{part:02d}" for part in date) if date else tr("Not known")


def _missing_band(band: dict[str, Any]) -> str:
    length = wavelength_words(band)
    return f"{band['name']} ({length})" if length else str(band["name"])
