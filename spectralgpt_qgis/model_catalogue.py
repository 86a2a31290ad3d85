"""The installed models, cached; the engine is asked again when a model file changes.

The user's own models and those that ship are listed at once. A shared folder may be on a slow drive, so its models are
known only after a listing in a task (`keep_listing`); nothing here waits for them.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import engine_access, paths, settings
from .engine_client import EngineCancelled, EngineFailed
from .installed_model import OWN, SHARED, InstalledModel, read_model

_SUFFIXES = (".onnx", ".safetensors")

_Signature = tuple[tuple[str, int, int], ...]


@dataclass
class _Known:
    """The last listing: `local` is valid while the files have this signature, `shared` is for these folders."""

    signature: _Signature | None = None
    local: tuple[InstalledModel, ...] = ()
    folders: tuple[Path, ...] = ()
    shared: tuple[InstalledModel, ...] = ()


_lock = threading.Lock()
_known = _Known()


def installed_models() -> tuple[InstalledModel, ...]:
    """All installed models, the user's own first; none while the engine is missing.

    As in the engine, a shared model hides a shipped one with the same file name.
    """
    return _in_order(_local_models(), _shared_models())


def known_models() -> tuple[InstalledModel, ...]:
    """The installed models that are known without asking the engine; returns at once."""
    with _lock:
        local = _known.local if _known.signature == _signature() else ()
    return _in_order(local, _shared_models())


def _in_order(
    local: tuple[InstalledModel, ...], shared: tuple[InstalledModel, ...]
) -> tuple[InstalledModel, ...]:
    own = [model for model in local if model.origin == OWN]
    rest = [*shared, *(model for model in local if model.origin != OWN)]
    taken = {Path(model.path).name for model in own}
    for model in rest:
        if Path(model.path).name not in taken:
            taken.add(Path(model.path).name)
            own.append(model)
    return tuple(own)


def is_complete() -> bool:
    """Whether all models are known without asking the engine: no file has changed, and shared folders were listed."""
    with _lock:
        return _known.signature == _signature() and _known.folders == settings.shared_models()


def shared_unknown() -> bool:
    """Whether some shared folders were not listed yet, so that an unknown name may be a model there."""
    with _lock:
        return _known.folders != settings.shared_models()


def keep_listing(answer: dict[str, Any]) -> tuple[InstalledModel, ...]:
    """Stores a complete listing from a task, which includes shared models; returns all models.

    Args:
        answer: Answer of the engine's verb `models`.
    """
    models = tuple(read_model(item) for item in answer.get("models", ()))
    with _lock:
        _known.signature = _signature()
        _known.local = tuple(model for model in models if model.origin != SHARED)
        _known.folders = settings.shared_models()
        _known.shared = tuple(model for model in models if model.origin == SHARED)
    return installed_models()


def models_for(task: str) -> tuple[InstalledModel, ...]:
    """The installed models that predict for a task."""
    return tuple(model for model in installed_models() if model.task == task and model.can_predict)


def models_to_train(task: str = "") -> tuple[InstalledModel, ...]:
    """The installed models that can serve as base model of a training, backbones first.

    Args:
        task: Limits them to models for this task; empty for all.
    """
    found = [
        model for model in installed_models() if not model.can_predict and task in ("", model.task)
    ]
    return tuple(sorted(found, key=lambda model: model.task != "backbone"))


def reference(model: InstalledModel) -> str:
    """The value of a MODEL parameter for this model: its name, or its file name if another model has the same name."""
    same = [other for other in known_models() if other.name == model.name]
    return model.name if len(same) == 1 else Path(model.path).name


def free_model_file(stem: str, ending: str) -> Path:
    """A path in the folder of the user's own models that is not in use.

    Args:
        stem: The preferred name, to which a number is added if it is taken.
        ending: File extension, such as ".onnx".
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
        name: Name or file name, as in the MODEL parameter.
        task: Limits the search to models that predict for this task; None for all models.
    """
    candidates = installed_models() if task is None else models_for(task)
    return next(
        (model for model in candidates if name in (model.name, Path(model.path).name)), None
    )


def _local_models() -> tuple[InstalledModel, ...]:
    """The user's own models and those that ship; none while the engine is missing."""
    signature = _signature()
    with _lock:
        if _known.signature == signature:
            return _known.local
    if engine_access.why_not_ready():
        return ()
    try:
        answer = engine_access.client().run("models", {"local": True})
    except (EngineFailed, EngineCancelled):
        # A run will report what is wrong with the engine; a list of models cannot.
        return ()
    models = tuple(read_model(item) for item in answer.get("models", ()))
    with _lock:
        _known.signature, _known.local = signature, models
    return models


def _shared_models() -> tuple[InstalledModel, ...]:
    with _lock:
        return _known.shared if _known.folders == settings.shared_models() else ()


def _signature() -> _Signature:
    """Names, sizes and times of the model files; if any changes, the models must be listed again."""
    files = []
    for folder in (engine_access.models_folder(), paths.MODELS):
        if folder.is_dir():
            for path in sorted(folder.iterdir()):
                if path.suffix.lower() in _SUFFIXES:
                    status = path.stat()
                    files.append((str(path), status.st_size, status.st_mtime_ns))
    return tuple(files)
