"""Labels of the plugin's widgets in Processing dialogs."""

from __future__ import annotations

import pytest
from processing.gui.wrappers import WidgetWrapperFactory
from qgis.PyQt.QtWidgets import QWidget

from spectralgpt_qgis.gui import parameter_widget


@pytest.mark.parametrize(
    ("algorithm", "name", "text"),
    [
        ("finetune", "FIELD", "{}"),
        ("evaluate", "MODEL", "<optional> {}"),
        ("segment", "MODEL", "{}"),
    ],
)
def test_what_is_optional_says_so_in_the_users_language(
    provider, monkeypatch, algorithm, name, text
):
    monkeypatch.setattr(parameter_widget, "tr", {"{} [optional]": "<optional> {}"}.__getitem__)
    definition = provider.algorithm(algorithm).parameterDefinition(name)
    parent = QWidget()
    wrapper = WidgetWrapperFactory.create_wrapper(definition, parent)
    assert wrapper.label.text() == text.format(definition.description())
