"""The models window: import, download, export, rename, delete and share models."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

from qgis.PyQt.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from qgis.PyQt.QtGui import QDragEnterEvent, QDropEvent
from qgis.PyQt.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QLineEdit,
    QMessageBox,
    QPushButton,
)

from tests.plugin.file_server import FileServer

from .dialogs import dialog_of
from .menus import choose, plugin_menu, window_titled
from .screen import FOLDER, ORDERS, Answer, picture, place, wait

TITLE = "SpectralGPT Models"


def manager():
    choose(plugin_menu(), "Models")
    wait(window, "the window of the models")
    place(window(), 1040, 660)
    settle()
    picture("models")
    return list(models())


def models_import():
    """Imports a file with the file dialog, then another by dropping it on the window."""
    downloads = Path(ORDERS["downloads"])

    answer = Answer(lambda dialog: choose_file(dialog, downloads / "valley.onnx"))
    press("Import…")
    answer.check()
    assert not window().buttons["import"].isEnabled(), "one thing at a time"
    chosen = settle("valley")
    drop(downloads / "reservoir.onnx")
    dropped = settle("reservoir")
    picture("models-import")
    return {"told": [chosen, dropped], "models": models()}


def models_download():
    """Downloads from a server on this machine, which pauses halfway until the screenshot is taken."""
    file = Path(ORDERS["downloads"]) / "scenes.onnx"
    server = FileServer(file.read_bytes())
    server.path, server.hold = "/scenes_europe.onnx", threading.Event()
    try:
        press("Download…")
        form = form_of("Download Model")
        picture("models-download")
        form.choice.setCurrentIndex(form.choice.count() - 1)  # the entry for other addresses
        form.address.setText(server.address + server.path)
        form.checksum.setText(hashlib.sha256(server.content).hexdigest())
        form.ok.click()
        bar = window().work_row.progress
        wait(lambda: bar.isVisible() and 30 <= bar.value() < 100, "half of the download")
        picture("models-progress")
        words = bar.text()
    finally:
        server.hold.set()
    told = settle("scenes_europe")
    server.close()
    return {"progress": words, "told": told, "models": models()}


def models_rename():
    window().list.choose("valley")
    press("Rename…")
    form = form_of("Rename Model")
    form.title.setText("Land cover of the valley")
    form.name.setText("valley_2020")
    picture("models-rename")
    form.ok.click()
    return {"told": settle("valley_2020"), "models": models()}


def models_export():
    target = FOLDER / "exported.onnx"
    press("Export…")
    wait(lambda: dialog_of("spectralgpt:exportmodel"), "the tool that exports")
    dialog = dialog_of("spectralgpt:exportmodel")
    place(dialog)
    dialog.setParameters({**dialog.createProcessingParameters(), "OUTPUT": str(target)})
    picture("models-export")
    dialog.runButton().click()
    wait(lambda: target.is_file() and dialog.runButton().isEnabled(), "the exported file")
    dialog.close()
    return target.stat().st_size


def models_delete():
    """Moves a model to the trash and restores it."""
    window().list.choose("reservoir")
    answer = Answer(lambda question: question.button(QMessageBox.StandardButton.Yes).click())
    press("Delete…")
    answer.check()
    told = settle()
    picture("models-delete")
    gone = models()
    undo = next(b for b in window().bar.findChildren(QPushButton) if "Undo" in plain(b))
    undo.click()
    settle("reservoir")
    return {"told": told, "gone": gone, "back": models()}


def models_shared():
    """Adds a shared folder."""
    folder = ORDERS["shared"]

    press("Shared folders…")
    form = form_of("Folders of Shared Models")
    answer = Answer(lambda dialog: choose_file(dialog, folder))
    form.add_button.click()
    answer.check()
    listed = [form.folders.item(row).text() for row in range(form.folders.count())]
    picture("models-folders")
    form.ok.click()
    settle()
    window().list.choose("changes_of_the_team")
    picture("models-shared")
    found = models()
    window().close()
    return {"listed": listed, "models": found}


def window():
    """The models window; None while it is not open."""
    return window_titled(TITLE)


def settle(name=""):
    """Waits until all tasks have ended and a model is shown; returns the window's message."""

    def done():
        entry = window().list.entry()
        there = not name or (entry is not None and entry.name == name)
        return there and window().work_row.isHidden() and not window().query.busy

    wait(done, f"the model '{name}'" if name else "the list of models")
    return [item.text() for item in window().bar.items()]


def models():
    """Origin of each model, by its name in parameters and its title."""
    tree = window().list
    rows = [tree.topLevelItem(row) for row in range(tree.topLevelItemCount())]
    return {item.toolTip(0).replace("\n", " = "): item.text(3) for item in rows}


def press(words):
    next(b for b in window().findChildren(QPushButton) if plain(b) == words).click()


def plain(button):
    return button.text().replace("&", "")


def form_of(title):
    """The form that a button has opened, which is not modal."""

    def found():
        forms = window().findChildren(QDialog)
        return next((f for f in forms if f.windowTitle() == title and f.isVisible()), None)

    wait(found, title)
    assert QApplication.activeModalWidget() is None
    return found()


def choose_file(dialog, path):
    """Types the path of a file or folder into the file dialog, and accepts it."""
    dialog.findChild(QLineEdit, "fileNameEdit").setText(str(path))
    box = dialog.findChild(QDialogButtonBox)
    accepts = QDialogButtonBox.ButtonRole.AcceptRole
    next(b for b in box.buttons() if box.buttonRole(b) == accepts).click()


def drop(file):
    """Drops a file on the window, as from a file manager."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(file))])
    action, button = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    key = Qt.KeyboardModifier.NoModifier
    middle = window().rect().center()
    enter = QDragEnterEvent(QPoint(middle), action, data, button, key)
    QApplication.sendEvent(window(), enter)
    assert enter.isAccepted()
    QApplication.sendEvent(window(), QDropEvent(QPointF(middle), action, data, button, key))
