"""Dialogs opened for the user: filled in, beside QGIS, and gone with the plugin."""

from __future__ import annotations

import pytest
from qgis.core import QgsProject, QgsRasterLayer
from qgis.gui import QgsBrowserGuiModel
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QCoreApplication, QEvent

from spectralgpt_qgis.gui.tool_dialogs import ToolDialogs

LAST = {"spectralgpt:segment": {"MODEL": "mine", "OVERLAP": 50}}


def settle():
    """Lets Qt delete what waits for it."""
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QCoreApplication.processEvents()


@pytest.fixture
def layer(scene):
    return QgsProject.instance().addMapLayer(QgsRasterLayer(scene, "winter"))


@pytest.fixture
def dialogs(provider, models, qgis_iface, monkeypatch):
    browser = QgsBrowserGuiModel(qgis_iface.mainWindow())
    monkeypatch.setattr(qgis_iface, "browserModel", lambda: browser, raising=False)
    part = ToolDialogs(qgis_iface, lambda algorithm: LAST.get(algorithm, {}))
    part.add()
    yield part
    part.remove()
    settle()


def test_a_dialog_opens_filled_in_and_not_modal(dialogs, layer):
    dialog = dialogs.open("spectralgpt:segment", {"INPUT": layer.id()}, "Look here")
    assert dialog.isVisible()
    assert not dialog.isModal()
    assert dialog.algorithm().id() == "spectralgpt:segment"
    assert dialog.createProcessingParameters()["INPUT"] == layer.id()
    assert [item.text() for item in dialog.messageBar().items()] == ["Look here"]


def test_what_was_chosen_last_is_offered_again_unless_something_else_is_asked_for(dialogs, layer):
    def offered(**parameters):
        dialog = dialogs.open("spectralgpt:segment", {"INPUT": layer.id(), **parameters})
        values = dialog.createProcessingParameters()
        return values["MODEL"], values["OVERLAP"]

    assert offered() == ("mine", 50)
    assert offered(MODEL="other") == ("other", 50)


def test_what_was_closed_is_not_kept(dialogs):
    first = dialogs.open("spectralgpt:segment", {})
    first.close()
    settle()
    assert sip.isdeleted(first)
    dialogs.open("spectralgpt:classify", {})
    assert len(dialogs._opened) == 1


def test_dialogs_go_with_the_plugin(dialogs):
    opened = [dialogs.open("spectralgpt:segment", {}) for _ in range(2)]
    dialogs.remove()
    settle()
    assert all(sip.isdeleted(dialog) for dialog in opened)


def test_an_unknown_tool_opens_nothing(dialogs):
    assert dialogs.open("spectralgpt:nothing", {}) is None
