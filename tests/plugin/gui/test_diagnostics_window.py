"""The window with the diagnostics report, which is copied and saved as shown."""

from __future__ import annotations

from qgis.core import QgsApplication
from qgis.PyQt.QtWidgets import QFileDialog, QMessageBox

from spectralgpt_qgis.gui.diagnostics_window import DiagnosticsWindow
from tests.plugin.waiting import wait


def test_copy_and_save(no_engine, tmp_path, monkeypatch):
    window = DiagnosticsWindow()
    assert not window.copy_button.isEnabled()
    wait(window.copy_button.isEnabled)
    shown = window.text.toPlainText()
    assert "## Versions" in shown
    window.copy_button.click()
    assert QgsApplication.clipboard().text() == shown
    file = tmp_path / "report.txt"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(file), ""))
    window.save_button.click()
    assert file.read_text(encoding="utf-8") == shown
    warned = []
    monkeypatch.setattr(QMessageBox, "warning", lambda *parts: warned.append(parts[-1]))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path), ""))
    window.save_button.click()
    assert "cannot be saved" in warned[0]
    window.deleteLater()
