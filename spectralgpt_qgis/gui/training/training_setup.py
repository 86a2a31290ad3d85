"""The user's setup of a training: converts it to the algorithm's parameters, and stores it in the project."""

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
NAME = "my_model"  # default name of a model
_SCOPE, _KEY = "SpectralGPT", "/training"


@dataclass(frozen=True)
class TrainingOptions:
    """Options of a training, in the words of the algorithm."""

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
    """The whole setup in the dock.

    Attributes:
        task: The task, as an option of the algorithm.
        pairs: Rasters, each with that of the second date or None.
        labels: The label layer.
        field: Its class field.
        options: Options of the training.
    """

    task: str = "segmentation"
    pairs: tuple[tuple[QgsRasterLayer | None, QgsRasterLayer | None], ...] = ()
    labels: QgsMapLayer | None = None
    field: str = ""
    options: TrainingOptions = DEFAULT_OPTIONS

    def parameters(self) -> dict[str, Any]:
        """The parameters of the algorithm; model and report are written to the user's models, under an unused name."""
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
        """The setup as JSON, with references to layers."""
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
    """The setup that is stored in a project, as text; empty if there is none."""
    return str(project.readEntry(_SCOPE, _KEY, "")[0])


def read_setup(project: QgsProject) -> TrainingSetup | None:
    """The setup that is stored in a project, without layers that no longer exist; None if none can be read."""
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
    """Stores a setup in a project."""
    project.writeEntry(_SCOPE, _KEY, setup.to_text())


def _raster(item: Any, project: QgsProject) -> QgsRasterLayer | None:
    layer = referenced(item, project)
    return layer if isinstance(layer, QgsRasterLayer) else None
