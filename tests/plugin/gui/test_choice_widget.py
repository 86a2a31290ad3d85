"""Combo boxes of options in Processing dialogs: translated texts, with the English words as values."""

from __future__ import annotations

import pytest
from processing.gui import ParametersPanel
from processing.gui.AlgorithmDialog import AlgorithmDialog
from processing.gui.BatchAlgorithmDialog import BatchAlgorithmDialog
from processing.gui.wrappers import WidgetWrapperFactory
from processing.modeler.ModelerParametersDialog import ModelerParametersDialog
from qgis.core import (
    QgsApplication,
    QgsProcessingContext,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildParameterSource,
)
from qgis.PyQt.QtWidgets import QComboBox, QWidget

from spectralgpt_qgis import choice_words
from spectralgpt_qgis.gui.choice_widget import ChoiceWidgetWrapper

WORDS = ["auto", "quick", "adapters", "full"]
SHOWN = [
    "AUTO (auto)",
    "THE BACKBONE IS NOT CHANGED (quick)",
    "A SMALL PART OF THE MODEL IS TRAINED (adapters)",
    "THE WHOLE MODEL IS TRAINED (full)",
]


@pytest.fixture
def shouting(monkeypatch):
    """A test language: English in capitals."""
    monkeypatch.setattr(
        choice_words, "tr", lambda text: text if text.startswith("{") else text.upper()
    )


@pytest.fixture
def algorithm(shouting, provider):
    """A new instance, as parameters are translated when they are made."""
    return QgsApplication.processingRegistry().createAlgorithmById("spectralgpt:finetune")


def texts(box):
    return [box.itemText(index) for index in range(box.count())]


def test_the_list_shows_names_and_gives_words(algorithm):
    parent, context = QWidget(), QgsProcessingContext()
    wrapper = WidgetWrapperFactory.create_wrapper(algorithm.parameterDefinition("METHOD"), parent)
    assert isinstance(wrapper, ChoiceWidgetWrapper)
    assert texts(wrapper.widget) == SHOWN
    heard = []
    wrapper.widgetValueHasChanged.connect(lambda _: heard.append(wrapper.value()))
    wrapper.setWidgetValue("adapters", context)
    assert (wrapper.value(), wrapper.parameterValue(), heard) == (
        "adapters",
        "adapters",
        ["adapters"],
    )
    wrapper.setWidgetValue("no such word", context)
    assert wrapper.value() == "adapters"


def test_a_dialog_gives_the_words_to_the_algorithm(algorithm, monkeypatch):
    monkeypatch.setattr(ParametersPanel, "iface", None)  # pytest-qgis's is only a stand-in
    dialog = AlgorithmDialog(algorithm)
    try:
        wrappers = dialog.mainWidget().wrappers
        assert [wrappers[name].parameterValue() for name in ("METHOD", "USE")] == [
            "auto",
            "anywhere",
        ]
        dialog.setParameters({"METHOD": "full", "DEVICE": "cpu"})
        assert [wrappers[name].parameterValue() for name in ("METHOD", "DEVICE")] == ["full", "cpu"]
    finally:
        dialog.close()


def test_a_batch_shows_names_too(algorithm):
    dialog = BatchAlgorithmDialog(algorithm)
    try:
        boxes = [texts(box) for box in dialog.findChildren(QComboBox)]
        assert SHOWN in boxes
    finally:
        dialog.close()


def test_the_designer_of_models_keeps_its_own_widget_with_names(algorithm):
    dialog = ModelerParametersDialog(algorithm, QgsProcessingModelAlgorithm())
    try:
        wrapper = dialog.widget.widget.wrappers["METHOD"]
        assert SHOWN in [texts(box) for box in wrapper.findChildren(QComboBox)]
        wrapper.setWidgetValue(QgsProcessingModelChildParameterSource.fromStaticValue("full"))
        assert wrapper.value().staticValue() == "full"
    finally:
        dialog.close()


def test_where_no_word_has_another_name_the_widget_is_qgis_own(provider):
    definition = provider.algorithm("finetune").parameterDefinition("TASK")
    assert not definition.metadata()
    assert definition.options() == ["segmentation", "scenes", "change"]
    assert definition.usesStaticStrings()
