"""Dialogs opened for the user: with values filled in, not modal, and closed with the plugin."""

from __future__ import annotations

import processing
import pytest
from qgis.core import QgsApplication, QgsProject, QgsRasterLayer
from qgis.gui import QgsBrowserGuiModel
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QCoreApplication, QEvent

from spectralgpt_qgis.gui.tool_dialogs import ToolDialogs

LAST = {"spectralgpt:segment": {"MODEL": "mine", "OVERLAP": 50}}


def settle():
    """Lets Qt delete objects that wait for deletion."""
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QCoreApplication.processEvents()


@pytest.fixture
def layer(scene):
    return QgsProject.instance().addMapLayer(QgsRasterLayer(scene, "winter"))


@pytest.fixture
def dialogs(provider, models, qgis_iface, monkeypatch):
    browser = QgsBrowserGuiModel(qgis_iface.mainWindow())
    monkeypatch.setattr(qgis_iface, "browserModel", lambda: browser, raising=False)
    part = ToolDialogs(lambda algorithm: LAST.get(algorithm, {}))
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
    dialog = dialogs.open("spectralgpt:segment", {})
    dialog.close()
    settle()
    assert sip.isdeleted(dialog)


def test_dialogs_go_with_the_plugin(dialogs):
    opened = [dialogs.open("spectralgpt:segment", {}) for _ in range(2)]
    dialogs.remove()
    assert all(sip.isdeleted(dialog) for dialog in opened)


def test_what_the_toolbox_opened_goes_too_and_layers_can_go_after_it(dialogs, layer, provider):
    theirs = processing.createAlgorithmDialog("gdal:translate", {"INPUT": layer.id()})
    ours = processing.createAlgorithmDialog("spectralgpt:segment", {"INPUT": layer.id()})
    dialogs.remove()
    assert sip.isdeleted(ours) and not sip.isdeleted(theirs)
    QgsApplication.processingRegistry().removeProvider(provider)
    QgsProject.instance().clear()  # QGIS 3.40 crashed here, because of the dialog's list of bands
    theirs.deleteLater()


def test_an_unknown_tool_opens_nothing(dialogs):
    assert dialogs.open("spectralgpt:nothing", {}) is None
