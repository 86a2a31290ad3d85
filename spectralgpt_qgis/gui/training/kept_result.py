"""Stores the result of the last training in the project, so that it is available when that is opened again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from qgis.core import QgsProject

_SCOPE, _KEY = "SpectralGPT", "/training_result"


def write_result(result: dict[str, Any], parameters: dict[str, Any], project: QgsProject) -> None:
    """Stores the result of a training in a project.

    Args:
        result: Result from ``RunPanel.finished``.
        parameters: Parameters of the training, with layers by id.
        project: The project, which becomes dirty.
    """
    kept = {"result": result, "parameters": parameters}
    project.writeEntry(_SCOPE, _KEY, json.dumps(kept, ensure_ascii=False, default=str))


def read_result(project: QgsProject) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The stored result and parameters; None if there are none, or the model file no longer exists."""
    try:
        kept = json.loads(project.readEntry(_SCOPE, _KEY, "")[0] or "{}")
        result, parameters = dict(kept["result"]), dict(kept["parameters"])
        there = Path(result["OUTPUT_MODEL"]).is_file()
    except (ValueError, TypeError, KeyError):
        return None  # nothing is stored, or it was edited by hand
    return (result, parameters) if there else None
