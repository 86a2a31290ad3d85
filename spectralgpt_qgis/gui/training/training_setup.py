"""What the user has set up: as the algorithm's parameters, and as the project keeps it."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from qgis.core import QgsMapLayer, QgsProject, QgsRasterLayer

from ...model_catalogue import free_model_file
from .layer_reference import reference, referenced

ALGORITHM = "spectralgpt:finetune"
NAME = "my_model"  # of a model that the user gives none
_SCOPE, _KEY = "SpectralGPT", "/training"


@dataclass(frozen=True)
class TrainingOptions:
    """How to train; the words are the algorithm's."""

    base: str = "backbone"
    method: str = "auto"
    use: str = "anywhere"
    rounds: int = 0
    name: str = ""
    device: str = "auto"
    validation: int = 20
    seed: int = 0
    bands: str = ""


DEFAULT_OPTIONS = TrainingOptions()


@dataclass(frozen=True)
class TrainingSetup:
    """Everything that is chosen in the dock.

    Attributes:
        task: The algorithm's word.
        pairs: Rasters, with those of the second date or None.
        labels: The label layer.
        field: Its class field.
        options: How to train.
    """

    task: str = "segmentation"
    pairs: tuple[tuple[QgsRasterLayer | None, QgsRasterLayer | None], ...] = ()
    labels: QgsMapLayer | None = None
    field: str = ""
    options: TrainingOptions = DEFAULT_OPTIONS

    def parameters(self) -> dict[str, Any]:
        """The parameters of the algorithm; model and report go to the user's models, under a name that is free."""
        options = self.options
        stem = re.sub(r"[^\w-]+", "_", options.name).strip("_")[:60] or NAME
        model = free_model_file(stem, ".onnx")
        return {
            "INPUT": [before.id() for before, _ in self.pairs if before is not None],
            "AFTER": [after.id() for _, after in self.pairs if after is not None],
            "LABELS": self.labels.id() if self.labels is not None else "",
            "FIELD": self.field,
            "TASK": self.task,
            "BASE": options.base,
            "METHOD": options.method,
            "USE": options.use,
            "EPOCHS": options.rounds,
            "DEVICE": options.device,
            "VALIDATION": options.validation,
            "SEED": options.seed,
            "BANDS": options.bands,
            "NAME": options.name,
            "OUTPUT_MODEL": str(model),
            "OUTPUT_REPORT": str(Path(model).with_suffix(".html")),
        }

    def to_text(self) -> str:
        """As JSON, layers by reference."""
        return json.dumps(
            {
                "task": self.task,
                "rasters": [[reference(before), reference(after)] for before, after in self.pairs],
                "labels": reference(self.labels),
                "field": self.field,
                "options": asdict(self.options),
            },
            ensure_ascii=False,
        )


def kept_text(project: QgsProject) -> str:
    """What a project keeps, as text; empty when it keeps nothing."""
    return str(project.readEntry(_SCOPE, _KEY, "")[0])


def read_setup(project: QgsProject) -> TrainingSetup | None:
    """What a project keeps; None when it keeps nothing that can be read. Layers that are gone are left out."""
    text = kept_text(project)
    try:
        return _read(json.loads(text), project) if text else None
    except (ValueError, TypeError, AttributeError):
        return None  # edited by hand, or written by another version


def _read(kept: dict[str, Any], project: QgsProject) -> TrainingSetup:
    pairs = []
    for pair in kept.get("rasters", ()):
        before, after = (_raster(item, project) for item in (*pair, None, None)[:2])
        if before is not None:
            pairs.append((before, after))
    options = kept.get("options", {})
    return TrainingSetup(
        str(kept.get("task", "segmentation")),
        tuple(pairs),
        referenced(kept.get("labels"), project),
        str(kept.get("field", "")),
        TrainingOptions(
            **{
                name: type(default)(options.get(name, default))
                for name, default in asdict(DEFAULT_OPTIONS).items()
            }
        ),
    )


def write_setup(setup: TrainingSetup, project: QgsProject) -> None:
    """Has a project keep it."""
    project.writeEntry(_SCOPE, _KEY, setup.to_text())


def _raster(item: Any, project: QgsProject) -> QgsRasterLayer | None:
    layer = referenced(item, project)
    return layer if isinstance(layer, QgsRasterLayer) else None
