"""The result of the last training, as the project keeps it: opened again, it can be looked at and trained on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from qgis.core import QgsProject

_SCOPE, _KEY = "SpectralGPT", "/training_result"


def write_result(result: dict[str, Any], parameters: dict[str, Any], project: QgsProject) -> None:
    """Has a project keep what came of a training.

    Args:
        result: Result of ``RunPanel.finished``.
        parameters: That it was trained with; layers by id.
        project: Is dirty afterwards.
    """
    kept = {"result": result, "parameters": parameters}
    project.writeEntry(_SCOPE, _KEY, json.dumps(kept, ensure_ascii=False, default=str))


def read_result(project: QgsProject) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """What a project keeps: result and parameters; None when that is nothing, or the model's file is gone."""
    try:
        kept = json.loads(project.readEntry(_SCOPE, _KEY, "")[0] or "{}")
        result, parameters = dict(kept["result"]), dict(kept["parameters"])
        there = Path(result["OUTPUT_MODEL"]).is_file()
    except (ValueError, TypeError, KeyError):
        return None  # nothing is kept, or it was edited by hand
    return (result, parameters) if there else None
