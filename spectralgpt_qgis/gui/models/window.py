"""The window of the installed models: which there are, which fit a layer, and what can be done with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from qgis.core import Qgis
from qgis.gui import QgsFilterLineEdit, QgsMessageBar
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QIcon
from qgis.PyQt.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QProgressBar,
    QPushButton,
    QSplitter,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from ... import engine_access, model_catalogue, paths
from ...i18n import tr
from ..describe.window import raster_filter
from ..help import add_help
from ..layer_list import LayerList
from . import trash
from .combo import dropped_file
from .details import details_html
from .entry import ModelEntry, entries_of, matches, ordered
from .forms import DownloadForm, FoldersForm, RenameForm
from .model_list import ModelList
from .query import ModelQuery, question_of
from .recognise import ENDINGS
from .work import ModelWork

OpenTool = Callable[[str, "dict[str, Any]"], Any]


class ModelsWindow(QDialog):
    """Lists, describes, and hands out the work; nothing in it waits for the engine or a drive."""

    def __init__(self, parent: QWidget | None, work: ModelWork, open_tool: OpenTool) -> None:
        """Lists what is known, and asks for the rest.

        Args:
            parent: QGIS's main window.
            work: Does what takes time.
            open_tool: Called with the id of an algorithm and parameters to open its dialog.
        """
        super().__init__(parent)
        self._work, self._open_tool = work, open_tool
        self._compared: dict[str, dict[str, Any]] = {}
        self._trashed: list[trash.Trashed] = []
        self._choose = ""
        self.setWindowTitle(tr("SpectralGPT Models"))
        self.setWindowIcon(QIcon(paths.icon("models")))
        self.setAcceptDrops(True)
        self.resize(1000, 620)
        self.bar = QgsMessageBar()
        self.query = ModelQuery(self)
        self.query.listed.connect(self._listed)
        self.query.compared.connect(self._show_comparison)
        self.query.failed.connect(self._warn)
        layout = QVBoxLayout(self)
        layout.addWidget(self.bar)
        layout.addLayout(self._make_filters())
        layout.addWidget(self._make_middle(), 1)
        layout.addLayout(self._make_progress())
        layout.addLayout(self._make_buttons())
        add_help(self, "models")
        work.began.connect(self._began)
        work.advanced.connect(self._advanced)
        work.succeeded.connect(self._succeeded)
        work.failed.connect(self._failed)
        work.stopped.connect(self._stopped)
        self._show_models()
        self._idle()
        self.search.setFocus()

    # -- the parts of the window -----------------------------------------------------------------

    def _make_filters(self) -> QHBoxLayout:
        self.search = QgsFilterLineEdit()
        self.search.setShowSearchIcon(True)
        self.search.setPlaceholderText(tr("Search models"))
        self.search.textChanged.connect(self._show_models)
        self.tasks = QComboBox()
        for text, task in (
            (tr("All models"), ""),
            (tr("Land-cover map"), "segmentation"),
            (tr("Label scenes"), "scene-classification"),
            (tr("Detect change"), "change-detection"),
            (tr("To train from"), "train"),
        ):
            self.tasks.addItem(text, task)
        self.tasks.currentIndexChanged.connect(self._show_models)
        self.layers = LayerList(raster_filter(), tr("Any layer"))
        self.layers.layerChanged.connect(self._compare)
        self.layers.setMinimumContentsLength(14)
        row = QHBoxLayout()
        row.addWidget(self.search, 2)
        row.addWidget(_label(tr("F&or"), self.tasks))
        row.addWidget(self.tasks)
        row.addWidget(_label(tr("La&yer"), self.layers))  # L is that of Delete
        row.addWidget(self.layers, 2)
        return row

    def _make_middle(self) -> QWidget:
        self.list = ModelList()
        self.list.currentItemChanged.connect(self._show_details)
        self.details = QTextBrowser()
        self.details.setOpenExternalLinks(True)
        middle = QSplitter(Qt.Orientation.Horizontal)
        middle.setChildrenCollapsible(False)
        middle.addWidget(self.list)
        middle.addWidget(self.details)
        middle.setSizes([540, 460])
        return middle

    def _make_progress(self) -> QHBoxLayout:
        self.doing = QLabel()
        self.progress = QProgressBar()
        self.cancel_button = QPushButton(tr("&Cancel"))
        self.cancel_button.setAutoDefault(False)
        self.cancel_button.clicked.connect(self._work.cancel)
        row = QHBoxLayout()
        row.addWidget(self.doing)
        row.addWidget(self.progress, 1)
        row.addWidget(self.cancel_button)
        return row

    def _make_buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.buttons: dict[str, QPushButton] = {}
        for name, text, tip, slot in (
            ("import", tr("&Import…"), tr("Take in a model file or a checkpoint"), self._import),
            ("download", tr("&Download…"), tr("Fetch published weights"), self._download),
            ("export", tr("&Export…"), tr("Write the model for use elsewhere"), self._export),
            ("rename", tr("&Rename…"), tr("Another title or name"), self._rename),
            ("delete", tr("De&lete…"), tr("Move the model to the trash"), self._delete),
            (
                "folders",
                tr("&Shared folders…"),
                tr("Folders that several people use"),
                self._folders,
            ),
        ):
            button = QPushButton(text)
            button.setToolTip(tip)
            button.setAutoDefault(False)
            button.clicked.connect(slot)
            self.buttons[name] = button
            row.addWidget(button)
        row.addStretch(1)
        box = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Close | QDialogButtonBox.StandardButton.Help
        )
        box.rejected.connect(self.reject)
        for button in box.buttons():
            button.setAutoDefault(False)
        row.addWidget(box)
        return row

    # -- what is shown ---------------------------------------------------------------------------

    def refresh(self, choose: str = "") -> None:
        """Asks anew which models there are.

        Args:
            choose: Key or name of a model to show then.
        """
        self._choose = choose or self._choose
        reason = engine_access.why_not_ready()
        if reason:
            self._warn(reason)
        elif self.query.list_models(anew=True) and not self.list.topLevelItemCount():
            self.details.setHtml(f"<p>{tr('Looking for installed models…')}</p>")

    def _listed(self, problems: list[dict[str, str]]) -> None:
        self._show_models()
        if self._choose:
            self.list.choose(self._choose)
            self._choose = ""
        for problem in problems:
            self._warn(problem["message"])
        if self.layers.currentLayer() is not None:
            self._compare()

    def _show_models(self, *_: Any) -> None:
        entries = entries_of(model_catalogue.known_models())
        task = self.tasks.currentData() or ""
        shown = [entry for entry in entries if matches(entry, self.search.text(), task)]
        self.list.show_entries(ordered(shown, self._compared), self._compared)
        if not shown:
            self._show_nothing(bool(entries))

    def _show_nothing(self, filtered: bool) -> None:
        if filtered:
            text = tr("No model matches. Change the text, or choose all models.")
        elif engine_access.why_not_ready():
            text = engine_access.why_not_ready()
        else:
            text = tr("Looking for installed models…")
        self.details.setHtml(f"<p>{text}</p>")

    def _show_details(self, *_: Any) -> None:
        entry = self.list.entry()
        if entry is not None:
            self.details.setHtml(details_html(entry, entry.comparison(self._compared)))
        own, idle = entry is not None and entry.is_own, not self._work.busy
        self.buttons["export"].setEnabled(entry is not None)
        self.buttons["rename"].setEnabled(own and idle)
        self.buttons["delete"].setEnabled(own and idle)

    # -- a layer ---------------------------------------------------------------------------------

    def _compare(self, *_: Any) -> None:
        layer = self.layers.currentLayer()
        question = question_of(layer)
        if layer is not None and question is None:
            self._warn(
                tr(
                    "The layer '{}' is no file, so its bands cannot be compared with the models. Save it as a GeoTIFF "
                    "first."
                ).format(layer.name())
            )
        self.query.compare(question)

    def _show_comparison(self, compared: dict[str, dict[str, Any]]) -> None:
        self._compared = compared
        self._show_models()
        if compared:
            self.list.choose("")  # the best is the first

    # -- the buttons -----------------------------------------------------------------------------

    def _import(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self,
            tr("Import Model"),
            "",
            tr("Models and checkpoints ({})").format("*.onnx *.safetensors *.pth *.pt *.ckpt"),
        )
        if path:
            self._work.take_in(Path(path))

    def _download(self) -> None:
        form = DownloadForm(self)
        form.accepted.connect(lambda: self._work.download(*form.order()))
        _ask(form)

    def _export(self) -> None:
        entry = self.list.entry()
        if entry is not None:
            self._open_tool("spectralgpt:exportmodel", {"MODEL": Path(entry.main.path).name})

    def _rename(self) -> None:
        entry = self.list.entry()
        if entry is None:
            return
        form = RenameForm(self, entry)
        path = entry.main.path
        form.accepted.connect(
            lambda: self._work.rename(path, form.title.text().strip(), form.name.text().strip())
        )
        _ask(form)

    def _folders(self) -> None:
        form = FoldersForm(self)

        def keep() -> None:
            form.keep()
            self.refresh()

        form.accepted.connect(keep)
        _ask(form)

    def _delete(self) -> None:
        entry = self.list.entry()
        if entry is None or not entry.is_own:
            return
        answer = QMessageBox.question(
            self,
            tr("Delete Model"),
            tr("Move the model '{}' to the trash?").format(entry.title),
        )
        if answer == QMessageBox.StandardButton.Yes:
            self.delete(entry)

    def delete(self, entry: ModelEntry) -> None:
        """Moves a model of the user's own to the trash, with a way back in the message."""
        files = [Path(file.path) for file in entry.files]
        self._trashed = []
        try:
            self._trashed = trash.move_to_trash(files)
        except OSError:
            if not self._delete_for_good(entry, files):
                return
        message = self.bar.createMessage("", tr("'{}' was deleted.").format(entry.title))
        if self._trashed:
            undo = QPushButton(tr("&Undo"))
            undo.clicked.connect(lambda: self.undo_delete(entry.name))
            message.layout().addWidget(undo)
        self.bar.clearWidgets()
        self.bar.pushWidget(message, Qgis.MessageLevel.Info)
        self.refresh()

    def _delete_for_good(self, entry: ModelEntry, files: list[Path]) -> bool:
        """Where there is no trash, such as on some network drives; returns whether the files are gone."""
        answer = QMessageBox.question(
            self,
            tr("Delete Model"),
            tr("'{}' cannot be moved to the trash. Delete it for good?").format(entry.title),
        )
        if answer != QMessageBox.StandardButton.Yes:
            return False
        try:
            trash.delete(files)
        except OSError as error:
            self._warn(tr("The model could not be deleted: {}").format(error))
            return False
        return True

    def undo_delete(self, name: str) -> None:
        """Brings the model that was deleted last back."""
        self.bar.clearWidgets()
        trashed, self._trashed = self._trashed, []
        try:
            trash.restore(trashed)
        except OSError as error:
            self._warn(tr("The model could not be brought back: {}").format(error))
        self.refresh(name)

    # -- work ------------------------------------------------------------------------------------

    def _began(self, text: str) -> None:
        self.bar.clearWidgets()
        self.doing.setText(text)
        self.progress.setRange(0, 0)
        self._set_busy(True)

    def _advanced(self, percent: float, text: str) -> None:
        self.progress.setRange(0, 0 if percent < 0 else 100)
        self.progress.setValue(int(percent))
        self.progress.setFormat(f"{text} (%p %)" if percent >= 0 and text else text or "%p %")

    def _idle(self) -> None:
        self._set_busy(self._work.busy)

    def _set_busy(self, busy: bool) -> None:
        for widget in (self.doing, self.progress, self.cancel_button):
            widget.setVisible(busy)
        for name in ("import", "download"):
            self.buttons[name].setEnabled(not busy)
        self._show_details()

    def _succeeded(self, text: str, name: str) -> None:
        self._idle()
        self.bar.pushMessage("", text, Qgis.MessageLevel.Success)
        self.refresh(name)

    def _failed(self, text: str) -> None:
        self._idle()
        self._warn(text)

    def _stopped(self) -> None:
        self._idle()
        self.bar.pushMessage("", tr("Cancelled."), Qgis.MessageLevel.Info)

    def _warn(self, text: str) -> None:
        self.bar.pushMessage("", text, Qgis.MessageLevel.Warning, 0)

    # -- a file that is dropped ------------------------------------------------------------------

    def dragEnterEvent(self, event: Any) -> None:  # noqa: N802
        """Takes a model's file."""
        if dropped_file(event.mimeData(), ENDINGS):
            event.acceptProposedAction()

    def dropEvent(self, event: Any) -> None:  # noqa: N802
        """Imports the file."""
        path = dropped_file(event.mimeData(), ENDINGS)
        if path:
            event.acceptProposedAction()
            self._work.take_in(Path(path))

    def reject(self) -> None:
        """Closed, in whatever way: questions are given up, work goes on."""
        self.query.stop()
        super().reject()


def _label(text: str, buddy: QWidget) -> QLabel:
    label = QLabel(text)
    label.setBuddy(buddy)
    return label


def _ask(form: QDialog) -> None:
    """Opens a dialog over its window alone, and forgets it when it is closed."""
    form.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    form.open()
