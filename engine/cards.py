"""The model card: inputs, outputs, accuracy and licence of a model.

A card is stored inside its model file, as JSON of the STAC Machine Learning Model extension
(https://github.com/stac-extensions/mlm), so that a model needs no further files. Standard library only, so that the
plugin can list models without loading them.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from .errors import ModelInvalid
from .language import marked

_LARGEST = 65_535  # largest value of a class
_COLOUR = re.compile("#[0-9a-fA-F]{6}")
TASKS = ("backbone", "segmentation", "scene-classification", "change-detection")
STAC_EXTENSIONS = (
    "https://stac-extensions.github.io/mlm/v1.4.0/schema.json",
    "https://stac-extensions.github.io/classification/v2.0.0/schema.json",
)
_STAC_TASKS = {
    "backbone": "representation-learning",
    "segmentation": "semantic-segmentation",
    "scene-classification": "scene-classification",
    "change-detection": "change-detection",
}

# Fields of a card with a place of their own in a STAC item; the others are stored under a key of ours.
_STAC_FIELDS = (
    "name",
    "title",
    "description",
    "bands",
    "classes",
    "task",
    "licence",
    "version",
)


@dataclass(frozen=True)
class Band:
    """A spectral band that a model expects; wavelengths in micrometres, as in STAC."""

    name: str
    common_name: str = ""
    center_wavelength: float = 0.0
    full_width_half_max: float = 0.0


@dataclass(frozen=True)
class ModelClass:
    """A class: its value in a map, its name in tables, its title and colour for people."""

    value: int
    name: str
    title: str = ""
    color: str = "#808080"

    @property
    def word(self) -> str:
        """Its text in tables: its name, or its title if the name is only a number, as for a Chinese title."""
        numbered = self.name == f"class-{self.value}"
        return self.title if numbered and not self.title.isascii() else self.name

    @property
    def rgb(self) -> tuple[int, int, int]:
        """Red, green and blue of the colour, 0..255 each."""
        code = self.color.lstrip("#")
        return int(code[0:2], 16), int(code[2:4], 16), int(code[4:6], 16)


@dataclass(frozen=True)
class Normalisation:
    """Normalisation of values before the network.

    kind: "statistics" (by fixed mean and std), "tile-minmax" (each band of each window to 0..1), "scene-statistics"
    (each band of each scene standardised by its own valid pixels), or "none".
    """

    kind: str = "none"
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()


@dataclass(frozen=True)
class Card:
    """Everything that is needed to run a model and to know its quality.

    Attributes:
        window: Side of the model's square input, pixels.
        gsd: Ground sample distance of the training data, metres.
        unit: Unit of the input, "reflectance" (0..1) or "raw" (as in the file).
        spectral_patch: Number of bands in a token.
        optional_groups: Indices of spectral groups that a raster may lack.
        threshold: How scores are turned into a decision, {"method": ...}.
        architecture: The network's name and configuration.
        training: Training data, recipe, and their licences.
        accuracy: Figures on held-out data, never on training data.
    """

    name: str
    task: str
    bands: tuple[Band, ...]
    title: str = ""
    description: str = ""
    window: int = 128
    gsd: float = 10.0
    unit: str = "reflectance"
    normalisation: Normalisation = field(default_factory=Normalisation)
    spectral_patch: int = 3
    optional_groups: tuple[int, ...] = ()
    classes: tuple[ModelClass, ...] = ()
    multilabel: bool = False
    threshold: dict[str, Any] = field(default_factory=dict)
    architecture: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    accuracy: dict[str, Any] = field(default_factory=dict)
    licence: str = ""
    attribution: str = ""
    version: str = "1.0.0"

    @property
    def nodata(self) -> int:
        """The value of no-data in this model's class maps."""
        return 255 if any(item.value == 0 for item in self.classes) else 0

    @property
    def groups(self) -> int:
        """Number of spectral groups; the last one may have fewer bands."""
        return -(-len(self.bands) // self.spectral_patch)

    def bands_outside(self, groups: Collection[int]) -> list[int]:
        """Positions of the bands that belong to none of some spectral groups."""
        return [k for k in range(len(self.bands)) if k // self.spectral_patch not in groups]

    def to_stac(self) -> dict[str, Any]:
        """The card as a STAC item with the MLM extension, serialisable as JSON."""
        extra = dataclasses.asdict(self)
        for known in _STAC_FIELDS:
            extra.pop(known)
        return {
            "type": "Feature",
            "stac_version": "1.1.0",
            "stac_extensions": list(STAC_EXTENSIONS),
            "id": self.name,
            "geometry": None,
            "links": [],
            "assets": {},
            "properties": {
                "title": self.title,
                "description": self.description,
                "license": self.licence,
                "version": self.version,
                "mlm:name": self.name,
                "mlm:architecture": str(self.architecture.get("network", "SpectralGPT")),
                "mlm:tasks": [_STAC_TASKS[self.task]],
                "mlm:framework": "ONNX" if self.task != "backbone" else "pytorch",
                "mlm:input": self._stac_inputs(),
                "mlm:output": [self._stac_output()],
                "eo:bands": [dataclasses.asdict(band) for band in self.bands],
                "spectralgpt:task": self.task,
                "spectralgpt:card": extra,
            },
        }

    def _stac_inputs(self) -> list[dict[str, Any]]:
        """The inputs: one image, or one for each date."""
        dates = ("before", "after") if self.task == "change-detection" else ("image",)
        image = {
            "shape": [-1, len(self.bands), self.window, self.window],
            "dim_order": ["batch", "bands", "height", "width"],
            "data_type": "float32",
        }
        bands = [band.name for band in self.bands]
        return [{"name": date, "bands": bands, "input": image} for date in dates]

    def _stac_output(self) -> dict[str, Any]:
        """The output."""
        return {
            "name": "probabilities",
            "tasks": [_STAC_TASKS[self.task]],
            "classification:classes": [
                {
                    "value": item.value,
                    "name": item.name,
                    "title": item.title or item.name,
                    "color_hint": item.color.lstrip("#").upper(),
                }
                for item in self.classes
            ],
        }

    @staticmethod
    def from_stac(item: dict[str, Any]) -> Card:
        """Reads what `to_stac` wrote.

        Raises:
            ModelInvalid: A field is missing or of the wrong kind.
        """
        try:
            properties = item["properties"]
            extra = dict(properties["spectralgpt:card"])
            extra["normalisation"] = Normalisation(
                kind=extra["normalisation"]["kind"],
                mean=tuple(extra["normalisation"]["mean"]),
                std=tuple(extra["normalisation"]["std"]),
            )
            extra["optional_groups"] = tuple(extra["optional_groups"])
            classes = properties["mlm:output"][0]["classification:classes"]
            card = Card(
                name=properties["mlm:name"],
                task=properties["spectralgpt:task"],
                title=properties["title"],
                description=properties["description"],
                licence=properties["license"],
                version=properties["version"],
                bands=tuple(Band(**band) for band in properties["eo:bands"]),
                classes=tuple(
                    ModelClass(
                        int(c["value"]), c["name"], c["title"], "#" + c["color_hint"].lower()
                    )
                    for c in classes
                ),
                **extra,
            )
            fault = card._fault()
        except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
            raise ModelInvalid(
                "The model card cannot be read: it was not written by this version of SpectralGPT. Import the model "
                "again, or update the plugin.",
                details=repr(error),
            ) from error
        if card.task not in TASKS:
            raise ModelInvalid(
                f"The model card specifies the task '{card.task}', but only these are supported: {', '.join(TASKS)}. "
                "Update the plugin."
            )
        if fault:
            raise ModelInvalid(
                f"The card of the model '{str(card.name)[:60]}' is invalid: {fault}. Copy the file again, or create "
                "or import the model again."
            )
        return card

    def _fault(self) -> str:
        """Describes a fault that would prevent mapping with the model or listing it; empty if there is none."""
        return self._fault_of_types() or self._fault_of_classes() or self._fault_of_input()

    def _fault_of_types(self) -> str:
        texts = [self.name, self.title, self.description]
        texts += [self.licence, self.attribution, self.version]
        texts += [text for band in self.bands for text in (band.name, band.common_name)]
        texts += [text for item in self.classes for text in (item.name, item.title)]
        if not all(isinstance(text, str) for text in texts):
            return marked("one of its names or descriptions is not text")
        tables = (self.threshold, self.architecture, self.training, self.accuracy)
        if not all(isinstance(table, dict) for table in tables):
            return marked("its threshold, architecture, training or accuracy is not a table")
        return ""

    def _fault_of_classes(self) -> str:
        values = [item.value for item in self.classes]
        if len(set(values)) < len(values) or not all(0 <= value <= _LARGEST for value in values):
            told = ", ".join(map(str, values[:8]))
            return marked(
                f"its classes have the values {told}, but different values from 0 to {_LARGEST} are expected"
            )
        if self.nodata in values:
            return marked(f"one of its classes has the no-data value {self.nodata}")
        for item in self.classes:
            if not _COLOUR.fullmatch(item.color):
                return marked(
                    f"a class has the colour '{item.color[:20]}', but a colour such as #1f78b4 is expected"
                )
        return ""

    def _fault_of_input(self) -> str:
        wavelengths = [band.center_wavelength + band.full_width_half_max for band in self.bands]
        if not wavelengths or not all(map(math.isfinite, wavelengths)):
            return marked("it has no bands, or one whose wavelength is not a number")
        if min(self.window, self.spectral_patch) < 1 or not self.gsd > 0:
            return marked(
                "its window size, its number of bands in a group or its number of pixels is not positive"
            )
        return ""
