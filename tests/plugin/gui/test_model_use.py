"""Which tool uses which model, and which parameters are filled in."""

from __future__ import annotations

import pytest
from qgis.core import QgsRasterLayer

from spectralgpt_qgis.gui.model_use import tool_for


@pytest.mark.parametrize(
    ("task", "algorithm", "raster"),
    [
        ("segmentation", "spectralgpt:segment", "INPUT"),
        ("scene-classification", "spectralgpt:classify", "INPUT"),
        ("change-detection", "spectralgpt:detectchange", "BEFORE"),
    ],
)
def test_a_model_that_predicts_goes_into_the_tool_of_its_task(
    provider, models, scene, task, algorithm, raster
):
    layer = QgsRasterLayer(scene, "winter")
    model = {"name": "mine", "path": "/models/mine.onnx", "format": "onnx", "task": task}
    found, parameters = tool_for(layer, model)
    assert (found, parameters) == (algorithm, {raster: layer.id(), "MODEL": "mine"})
    known = provider.algorithm(algorithm.partition(":")[2])
    assert all(known.parameterDefinition(name) is not None for name in parameters)


def test_a_model_that_learns_goes_into_training_by_its_file(provider, models, scene):
    layer = QgsRasterLayer(scene, "winter")
    model = {
        "name": "mine",
        "path": "C:\\models\\mine.safetensors",
        "format": "safetensors",
        "task": "backbone",
    }
    algorithm, parameters = tool_for(layer, model)
    assert algorithm == "spectralgpt:finetune"
    assert parameters == {"INPUT": [layer.id()], "BASE": "mine.safetensors"}
    assert all(
        provider.algorithm("finetune").parameterDefinition(name) is not None for name in parameters
    )
