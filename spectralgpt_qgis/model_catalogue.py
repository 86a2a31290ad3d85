"""The installed models as their cards describe them, asked from the engine once and again when a file changes."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import engine_access, paths
from .engine_client import EngineCancelled, EngineFailed

_SUFFIXES = (".onnx", ".safetensors")


@dataclass(frozen=True)
class InstalledModel:
    """What a person needs to choose a model.

    Attributes:
        name: What the MODEL parameter takes.
        task: "segmentation", "scene-classification", "change-detection" or "backbone".
        bands: Names, in the model's order.
        classes: (title, "#rrggbb") of each class.
        pixel_metres: Ground sample distance it learned at.
        window: Side of what it sees at once, pixels.
        can_predict: False for a model that only serves to train from.
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


_Signature = tuple[tuple[str, int, int], ...]
_lock = threading.Lock()
_known: dict[str, Any] = {"signature": None, "models": ()}


def installed_models() -> tuple[InstalledModel, ...]:
    """Every installed model; none while the engine is missing."""
    signature = _signature()
    with _lock:
        if _known["signature"] == signature:
            return tuple(_known["models"])
    if engine_access.why_not_ready():
        return ()
    try:
        answer = engine_access.client().run("models", {})
    except (EngineFailed, EngineCancelled):
        # A run says what is wrong with the engine; a list of names is no place for that.
        return ()
    models = tuple(_read(item) for item in answer.get("models", ()))
    with _lock:
        _known.update(signature=signature, models=models)
    return models


def models_for(task: str) -> tuple[InstalledModel, ...]:
    """The installed models that predict for a task."""
    return tuple(model for model in installed_models() if model.task == task and model.can_predict)


def models_to_train(task: str = "") -> tuple[InstalledModel, ...]:
    """The installed models that can be trained on from, backbones first.

    Args:
        task: When given, only models for it.
    """
    found = [
        model for model in installed_models() if not model.can_predict and task in ("", model.task)
    ]
    return tuple(sorted(found, key=lambda model: model.task != "backbone"))


def reference(model: InstalledModel) -> str:
    """What a parameter takes for this model: its name, or the file's where two of its kind share the name."""
    same = [other for other in installed_models() if other.name == model.name]
    return model.name if len(same) == 1 else Path(model.path).name


def free_model_file(stem: str, ending: str) -> Path:
    """A path in the folder of the user's own models under which nothing is installed yet.

    Args:
        stem: The wanted name; gets a number when it is taken.
        ending: Such as ".onnx".
    """
    folder = engine_access.models_folder()
    taken = {path.stem for path in folder.iterdir()} if folder.is_dir() else set()
    name, number = stem, 2
    while name in taken:
        name, number = f"{stem}_{number}", number + 1
    return folder / f"{name}{ending}"


def model_named(name: str, task: str | None = None) -> InstalledModel | None:
    """The installed model of this name.

    Args:
        name: As in the MODEL parameter.
        task: When given, only a model that predicts for it.
    """
    candidates = installed_models() if task is None else models_for(task)
    return next(
        (model for model in candidates if name in (model.name, Path(model.path).name)), None
    )


def _signature() -> _Signature:
    """Names, sizes and times of the model files: any change makes the list be asked for again."""
    files = []
    for folder in (engine_access.models_folder(), paths.MODELS):
        if folder.is_dir():
            for path in sorted(folder.iterdir()):
                if path.suffix in _SUFFIXES:
                    status = path.stat()
                    files.append((str(path), status.st_size, status.st_mtime_ns))
    return tuple(files)


def _read(item: dict[str, Any]) -> InstalledModel:
    properties = item.get("card", {}).get("properties", {})
    own = properties.get("spectralgpt:card", {})
    outputs = properties.get("mlm:output") or [{}]
    return InstalledModel(
        name=str(item["name"]),
        task=str(item["task"]),
        title=str(item.get("title") or item["name"]),
        path=str(item["path"]),
        description=str(properties.get("description", "")),
        bands=tuple(str(band["name"]) for band in properties.get("eo:bands", ())),
        classes=tuple(
            (str(entry.get("title") or entry["name"]), "#" + str(entry.get("color_hint", "808080")))
            for entry in outputs[0].get("classification:classes", ())
        ),
        pixel_metres=float(own.get("gsd", 10.0)),
        window=int(own.get("window", 128)),
        licence=str(properties.get("license", "")),
        can_predict=item.get("format", "onnx") == "onnx",
    )
