"""Chooses the tool that uses a model."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from qgis.core import QgsRasterLayer

_TOOLS = {
    "segmentation": ("spectralgpt:segment", "INPUT"),
    "scene-classification": ("spectralgpt:classify", "INPUT"),
    "change-detection": ("spectralgpt:detectchange", "BEFORE"),
}


def tool_for(layer: QgsRasterLayer, model: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The algorithm that uses a model, and the parameters that fill in layer and model.

    Args:
        layer: The raster to work on.
        model: Model from the answer of the engine's verb `describe`, with "name", "path", "format" and "task".
    """
    if model["format"] == "safetensors":
        # The file name, as a prediction model may have the same name without the extension.
        base = PurePath(model["path"].replace("\\", "/")).name
        return "spectralgpt:finetune", {"INPUT": [layer.id()], "BASE": base}
    algorithm, parameter = _TOOLS[model["task"]]
    return algorithm, {parameter: layer.id(), "MODEL": model["name"]}
