"""An installed model, with what its card says to help a user choose and judge it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .engine_messages import in_users_language
from .i18n import translated

OWN, SHARED, SHIPPED = "own", "shared", "shipped"


@dataclass(frozen=True)
class InstalledModel:
    """An installed model.

    Attributes:
        name: Its name, as in the MODEL parameter.
        task: "segmentation", "scene-classification", "change-detection" or "backbone".
        bands: Names of its bands, in the model's order.
        classes: (title, "#rrggbb") of each class.
        pixel_metres: Ground sample distance of its training data in metres.
        window: Side of its input window in pixels.
        can_predict: False for a model that only serves to train from.
        origin: "own", "shared" or "shipped", by the folder that it is in.
        bytes: Size of the file.
        modified: When the file was last changed, in seconds since 1970.
        wavelengths: Central wavelength of each band in micrometres, 0 if unknown.
        training: Training data and hyperparameters, from the card.
        accuracy: Accuracy on held-out data, from the card.
    """

    name: str
    task: str
    title: str
    path: str
    description: str = ""
    bands: tuple[str, ...] = ()
    classes: tuple[tuple[str, str], ...] = ()
    pixel_metres: float = 10.0
    window: int = 128
    licence: str = ""
    can_predict: bool = True
    origin: str = SHIPPED
    bytes: int = 0
    modified: float = 0.0
    wavelengths: tuple[float, ...] = ()
    attribution: str = ""
    training: dict[str, Any] = field(default_factory=dict, compare=False)
    accuracy: dict[str, Any] = field(default_factory=dict, compare=False)


def read_model(item: dict[str, Any]) -> InstalledModel:
    """Reads one entry of the answer of the engine's verb `models`; translates texts of models that ship."""
    properties = item.get("card", {}).get("properties", {})
    own = properties.get("spectralgpt:card", {})
    outputs = properties.get("mlm:output") or [{}]
    bands = properties.get("eo:bands", ())
    origin = str(item.get("origin", SHIPPED))
    words = translated if origin == SHIPPED else str
    return InstalledModel(
        name=str(item["name"]),
        task=str(item["task"]),
        title=words(str(item.get("title") or item["name"])),
        path=str(item["path"]),
        description=in_users_language(words(str(properties.get("description", "")))),
        bands=tuple(str(band["name"]) for band in bands),
        classes=tuple(
            (
                words(str(entry.get("title") or entry["name"])),
                "#" + str(entry.get("color_hint", "808080")),
            )
            for entry in outputs[0].get("classification:classes", ())
        ),
        pixel_metres=float(own.get("gsd", 10.0)),
        window=int(own.get("window", 128)),
        licence=str(properties.get("license", "")),
        can_predict=item.get("format", "onnx") == "onnx",
        origin=origin,
        bytes=int(item.get("bytes", 0)),
        modified=float(item.get("modified", 0.0)),
        wavelengths=tuple(float(band.get("center_wavelength") or 0) for band in bands),
        attribution=str(own.get("attribution", "")),
        training=dict(own.get("training") or {}),
        accuracy=dict(own.get("accuracy") or {}),
    )
