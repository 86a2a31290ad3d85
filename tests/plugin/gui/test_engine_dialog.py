"""The window with the engine's widget: stores the settings when it is closed, and has help."""

from __future__ import annotations

from qgis.core import QgsSettings
from qgis.PyQt.QtCore import QEvent, Qt
from qgis.PyQt.QtGui import QKeyEvent
from qgis.PyQt.QtWidgets import QApplication, QDialogButtonBox

from spectralgpt_qgis import settings
from spectralgpt_qgis.gui import help as help_module
from spectralgpt_qgis.gui.engine_dialog import EngineDialog
from spectralgpt_qgis.gui.options.engine_work import EngineWork
from tests.plugin.waiting import wait


def test_closing_keeps_and_f1_helps(no_engine, monkeypatch):
    pages = []
    monkeypatch.setattr(help_module, "open_help", lambda page: pages.append(page) or True)
    work = EngineWork()
    window = EngineDialog(work)
    window.show()
    for kind in (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress):
        key = QKeyEvent(kind, Qt.Key.Key_F1, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(window.panel.choice.maps, key)
    window.findChild(QDialogButtonBox).helpRequested.emit()
    assert set(pages) == {"engine"}
    window.panel.computing.threads.setValue(2)
    window.reject()  # Escape
    assert not window.isVisible()
    assert settings.value("threads") == 2
    wait(lambda: not work.looking)
    work.close()
    window.deleteLater()
    QgsSettings().remove("SpectralGPT")
