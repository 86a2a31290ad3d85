"""Remembers which backend was chosen for a model on this machine, so that it is measured only once."""

from __future__ import annotations

import json
import sys
from importlib import metadata
from pathlib import Path

import onnxruntime

from ..model_file import SEAL_KEY, read_metadata
from .kept_file import keep_file
from .processor import processor_name

# Inside the environment: a new one, with other libraries, starts without it.
KEPT = Path(sys.prefix) / "spectralgpt-backends.json"


def choice_key(path: Path, library: str, further: str) -> str:
    """A text of all that a choice depends on: model, processor, libraries, and more.

    Args:
        path: Path of the model.
        library: Name of the package besides ONNX Runtime.
        further: What else it depends on: threads, or the available backends.
    """
    sealed = read_metadata(path).get(SEAL_KEY, "")
    libraries = [f"onnxruntime {onnxruntime.__version__}", f"{library} {_version(library)}"]
    return " | ".join([sealed, processor_name(), *libraries, further])


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "missing"


def kept_choice(key: str) -> str | None:
    """The remembered backend, None where nothing was measured yet."""
    return _read().get(key)


def _read() -> dict[str, str]:
    try:
        kept = json.loads(KEPT.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def keep(key: str, chosen: str) -> None:
    """Remembers a choice.

    Two engines may write at once, and one entry be lost: it is then measured again.
    """
    text = json.dumps({**_read(), key: chosen}, indent=1) + "\n"
    keep_file(KEPT, text.encode())
