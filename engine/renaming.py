"""The verb `rename`: changes the title or name of one of the user's own models. Standard library only."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

from .card_editing import write_with_card
from .endings import ending
from .errors import InvalidParameter, ModelInvalid, OutputNotWritable
from .infer.staging import StagedOutputs, write_error
from .model_file import find_model, read_card, verify
from .model_folders import SUFFIXES, model_files, shipped_models
from .model_jobs import RenameJob
from .progress import Progress

_NAME = re.compile(r"\w[\w .+()-]{0,99}", re.UNICODE)


def rename_model(job: RenameJob, progress: Progress) -> dict[str, Any]:
    """Changes a model's title, name, or both, in its .onnx and .safetensors files together.

    Args:
        job: The model, and its new name and title.
        progress: Takes the progress.

    Returns:
        {"outputs": {ending: path}, "model": {"name", "title"}}.

    Raises:
        InvalidParameter: The name is not allowed, or already in use.
        ModelInvalid: The model does not exist, or is a shipped one.
        OutputNotWritable: The folder cannot be written.
        DiskFull: The disk is too full for the new file.
    """
    path = find_model(job.model)
    if path.parent.resolve() == shipped_models().resolve():
        raise ModelInvalid(f"The model '{path.stem}' comes with the plugin and cannot be renamed.")
    read_card(path)  # refuses files that are not models
    name = job.name or path.stem
    _check(path, name)
    files = [file for file in model_files(path.parent) if file.stem == path.stem]
    made = {}
    with StagedOutputs() as outputs:
        for place, file in enumerate(files):
            part = progress.part(place / len(files), (place + 1) / len(files))
            verify(file)
            card = read_card(file)
            title = job.title or card.title
            card = dataclasses.replace(card, name=name, title=title)
            target = file.with_name(f"{name}{file.suffix}")
            staged = outputs.stage(str(target), (ending(file),))
            try:
                write_with_card(file, staged, card, part)
            except OSError as error:
                raise write_error(staged, error) from error
            made[ending(file).lstrip(".")] = str(target)
        progress.check()
    if name != path.stem:
        for file in files:
            if not _same(file.with_name(f"{name}{file.suffix}"), file):
                _remove(file)
    return {"outputs": made, "model": {"name": name, "title": title}}


def _check(path: Path, name: str) -> None:
    if not _NAME.fullmatch(name) or name != name.strip(" ."):
        raise InvalidParameter(
            f"'{name}' cannot be used as a file name. Use letters, digits, spaces, and the characters _ - + ( )."
        )
    targets = [path.with_name(f"{name}{suffix}") for suffix in SUFFIXES]
    if any(target.exists() and not _same(target, path) for target in targets):
        raise InvalidParameter(
            f"There is already a model '{name}' in {path.parent}. Choose another name."
        )


def _same(target: Path, file: Path) -> bool:
    """Whether a target is one of the model's own files, as file names may be case-insensitive."""
    known = file.with_suffix(target.suffix)
    return target.exists() and known.exists() and target.samefile(known)


def _remove(file: Path) -> None:
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise OutputNotWritable(
            f"The model has been renamed, but its old file '{file}' could not be deleted: {error.strerror or error}. "
            "Delete it manually.",
            details=repr(error),
        ) from error
