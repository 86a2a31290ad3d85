"""Steps of graphical models, which QGIS runs without calling checkParameterValues."""

from __future__ import annotations

import pytest
from qgis.core import (
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
)


@pytest.fixture
def step(provider, models):
    """Runs an algorithm as the only step of a model, with these values; returns its log and the error that ended it."""
    import processing

    def run(name, values):
        child = QgsProcessingModelChildAlgorithm(f"spectralgpt:{name}")
        child.setChildId("step")
        for parameter, value in values.items():
            source = QgsProcessingModelChildParameterSource.fromStaticValue(value)
            child.addParameterSources(parameter, [source])
        model = QgsProcessingModelAlgorithm("model", "model")
        model.addChildAlgorithm(child)
        feedback = QgsProcessingFeedback()
        with pytest.raises(QgsProcessingException) as ended:
            processing.run(model, {}, feedback=feedback)
        return feedback.htmlLog() + str(ended.value)

    return run


@pytest.mark.parametrize(
    ("name", "values", "told"),
    [
        ("finetune", {"FIELD": None}, "Choose the field of 'labels'"),
        ("finetune", {"FIELD": "class", "TASK": "change"}, "Change detection needs two dates"),
        ("evaluate", {"FIELD": None}, "Choose the field of 'labels'"),
        ("segment", {"MODEL": "nonsense"}, "There is no installed model 'nonsense'"),
        ("segment", {"OUTPUT": "/tmp/map.img"}, "Specify a file name that ends in .tif"),
        ("segment", {"OVERLAP": 90}, "must be between 0 and 75"),
        ("classify", {"OUTPUT": "/tmp/scenes.shp"}, "Specify a file name that ends in .gpkg"),
        ("sample", {}, "is an image with 12 bands"),
    ],
)
def test_what_the_user_can_put_right_is_told(step, learning, scene, name, values, told):
    usual = {"INPUT": scene}
    if name == "finetune":
        usual = learning
    if name == "evaluate":
        usual["REFERENCE"] = learning["LABELS"]
    assert told in step(name, {**usual, **values})
