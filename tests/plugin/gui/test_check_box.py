"""The check box of the quick look: without "[optional]" in all dialogs, its value is used, and models may lack it."""

from __future__ import annotations

import gc

import pytest
from processing.gui import ParametersPanel
from processing.gui.AlgorithmDialog import AlgorithmDialog
from processing.gui.BatchAlgorithmDialog import BatchAlgorithmDialog
from processing.modeler.ModelerParametersDialog import ModelerParametersDialog
from qgis.core import (
    QgsProcessingContext,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildParameterSource,
)
from qgis.PyQt.QtWidgets import QCheckBox

TEXT = "First show a quick look at the current map view"


@pytest.fixture(params=["segment", "detectchange"])
def algorithm(request, provider, monkeypatch):
    monkeypatch.setattr(ParametersPanel, "iface", None)  # pytest-qgis's is only a stand-in
    return provider.algorithm(request.param).create()


def test_the_box_says_what_it_does_and_no_more(algorithm):
    dialog = AlgorithmDialog(algorithm)
    try:
        gc.collect()  # the parameter's definition must outlive this scope
        wrapper = dialog.mainWidget().wrappers["QUICK_LOOK"]
        texts = [box.text() for box in dialog.findChildren(QCheckBox)]
        assert [text for text in texts if "quick look" in text] == [TEXT]
        dialog.setParameters({"QUICK_LOOK": True})
        assert wrapper.parameterValue() is True
        dialog.setParameters({"QUICK_LOOK": False})
        assert wrapper.parameterValue() is False
    finally:
        dialog.close()


def test_a_batch_has_it(algorithm):
    dialog = BatchAlgorithmDialog(algorithm)
    try:
        column = dialog.mainWidget().parameter_to_column["QUICK_LOOK"]
        wrapper = dialog.mainWidget().wrappers[0][column]
        wrapper.setParameterValue(True, QgsProcessingContext())
        assert wrapper.parameterValue() is True
    finally:
        dialog.close()


def test_the_designer_of_models_has_it(algorithm):
    dialog = ModelerParametersDialog(algorithm, QgsProcessingModelAlgorithm())
    try:
        wrapper = dialog.widget.widget.wrappers["QUICK_LOOK"]
        wrapper.setWidgetValue(QgsProcessingModelChildParameterSource.fromStaticValue(True))
        assert wrapper.value().staticValue() is True
    finally:
        dialog.close()
