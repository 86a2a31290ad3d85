"""Fixtures for the training and accuracy tools, with a stand-in for the engine."""

from __future__ import annotations

import pytest
from qgis.core import (
    QgsProcessingContext,
    QgsProject,
)

from tests.plugin.learning.labels import label_layer, read_back


@pytest.fixture
def learning(fake_engine, scene, tmp_path):
    fake_engine.result = {
        "model": {"name": "mine", "sha256": "0"},
        "method": "quick",
        "classes": [{"value": 1, "name": "a"}, {"value": 2, "name": "b"}],
    }
    fake_engine.seen = []
    fake_engine.during = lambda job: fake_engine.seen.append(read_back(job))
    return {
        "INPUT": [scene],
        "LABELS": label_layer("water", "trees").id(),
        "FIELD": "class",
        "OUTPUT_MODEL": str(tmp_path / "mine.onnx"),
    }


@pytest.fixture
def refused(provider, models):
    def check(name, parameters):
        context = QgsProcessingContext()
        context.setProject(QgsProject.instance())
        valid, reason = provider.algorithm(name).checkParameterValues(parameters, context)
        return "" if valid else reason

    return check
