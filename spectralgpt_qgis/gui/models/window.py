"""The window that lists and manages the installed models, and compares them with a layer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from qgis.core import Qgis
from qgis.gui import QgsMessageBar
from qgis.PyQt.QtCore import QEvent, Qt
from qgis.PyQt.QtGui import QIcon
from qgis.PyQt.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QPushButton,
    QSplitter,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from ... import engine_access, model_catalogue, paths
from ...i18n import tr
from ..help import add_help
from ..plain_text import push_plain
from ..window_size import resize_on_screen
from .combo import dropped_file
from .deletion import Deletion
from .details import details_html
from .entry import entries_of, ordered
from .filters import ModelFilters
from .forms import DownloadForm, FoldersForm, RenameForm
from .model_list import ModelList
from .query import ModelQuery, question_of
from .recognise import ENDINGS
from .work import ModelWork
from .work_row import WorkRow

OpenTool = Callable[[str, "dict[str, Any]"], Any]


class ModelsWindow(QDialog):
    """Lists and describes models and starts work on them; never blocks on the engine or a slow drive."""

    def __init__(self, parent: QWidget | None, work: ModelWork, open_tool: OpenTool) -> None:
        """Lists the models that are known, and queries the engine for the rest.

        Args:
            parent: QGIS's main window.
            work: Runs the tasks on models.
            open_tool: Called with the id of an algorithm and parameters to open its dialog.
        """
        super().__init__(parent)
        self._work, self._open_tool = work, open_tool
        self._compared: dict[str, dict[str, Any]] = {}
        self._choose = ""
        self.setWindowTitle(tr("SpectralGPT Models"))
        self.setWindowIcon(QIcon(paths.icon("models")))
        self.setAcceptDrops(True)
        resize_on_screen(self, 1000, 620)
        self.bar = QgsMessageBar()
        self.query = ModelQuery(self)
        self.query.listed.connect(self._listed)
        self.query.compared.connect(self._show_comparison)
        self.query.failed.connect(self._warn)
        self.deletion = Deletion(self, self.bar)
        self.deletion.changed.connect(self.refresh)
        self.deletion.failed.connect(self._warn)
        self.filters = ModelFilters()
        self.filters.changed.connect(self._show_models)
        self.filters.layer_changed.connect(self._compare)
        self.work_row = WorkRow(work)
        layout = QVBoxLayout(self)
        layout.addWidget(self.bar)
        layout.addWidget(self.filters)
        layout.addWidget(self._make_middle(), 1)
        layout.addWidget(self.work_row)
        layout.addLayout(self._make_buttons())
        add_help(self, "models")
        work.began.connect(self._began)
        work.succeeded.connect(self._succeeded)
        work.failed.connect(self._failed)
        work.stopped.connect(self._stopped)
        self._show_models()
        self._idle()
        self.filters.search.setFocus()

    # -- the parts of the window -----------------------------------------------------------------

    def _make_middle(self) -> QWidget:
        self.list = ModelList()
        self.list.setAccessibleName(self.windowTitle())
        self.list.currentItemChanged.connect(self._show_details)
        self.details = QTextBrowser()
        self.details.setOpenExternalLinks(True)
        middle = QSplitter(Qt.Orientation.Horizontal)
        middle.setChildrenCollapsible(False)
        middle.addWidget(self.list)
        middle.addWidget(self.details)
        middle.setSizes([540, 460])
        return middle

    def _make_buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.buttons: dict[str, QPushButton] = {}
        for name, text, tip, slot in (
            ("import", tr("&Import…"), tr("Import a model file or a checkpoint"), self._import),
            ("download", tr("&Download…"), tr("Download published weights"), self._download),
            ("export", tr("&Export…"), tr("Save the model for use elsewhere"), self._export),
            ("rename", tr("&Rename…"), tr("Change the title or name"), self._rename),
            ("delete", tr("De&lete…"), tr("Move the model to the trash"), self._delete),
            (
                "folders",
                tr("&Shared folders…"),
                tr("Folders that are used by several people"),
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
        """Lists the models again.

        Args:
            choose: Key or name of a model to select then.
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
        if self.filters.layer is not None:
            self._compare()

    def _show_models(self, *_: Any) -> None:
        entries = entries_of(model_catalogue.known_models())
        shown = [entry for entry in entries if self.filters.lets_through(entry)]
        self.list.show_entries(ordered(shown, self._compared), self._compared)
        if not shown:
            self._show_nothing(bool(entries))

    def _show_nothing(self, filtered: bool) -> None:
        if filtered:
            text = tr("No model matches. Change the search text, or choose all models.")
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
        layer = self.filters.layer
        question = question_of(layer)
        if layer is not None and question is None:
            self._warn(
                tr(
                    "The layer '{}' is not a file, so its bands cannot be compared with the models. Save it as a "
                    "GeoTIFF first."
                ).format(layer.name())
            )
        self.query.compare(question)

    def _show_comparison(self, compared: dict[str, dict[str, Any]]) -> None:
        self._compared = compared
        self._show_models()
        if compared:
            self.list.choose("")  # the first, which fits best

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
        if self._came_forward(DownloadForm):
            return
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
        self._close_forms(RenameForm)  # it may be about another model
        form = RenameForm(self, entry)
        path = entry.main.path
        form.accepted.connect(
            lambda: self._work.rename(path, form.title.text().strip(), form.name.text().strip())
        )
        _ask(form)

    def _folders(self) -> None:
        if self._came_forward(FoldersForm):
            return
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
        self.deletion.ask(entry)

    def _came_forward(self, kind: type[QDialog]) -> bool:
        """Raises a form that is open already, with its inputs; returns whether there is one."""
        for form in self.findChildren(kind):
            if form.isVisible():
                form.raise_()
                form.activateWindow()
                return True
        return False

    def _close_forms(self, kind: type[QDialog] = QDialog) -> None:
        for form in self.findChildren(kind):
            form.close()

    # -- work ------------------------------------------------------------------------------------

    def _began(self, _: str) -> None:
        self.bar.clearWidgets()
        self._set_busy(True)

    def _idle(self) -> None:
        self._set_busy(self._work.busy)

    def _set_busy(self, busy: bool) -> None:
        self.work_row.setVisible(busy)
        for name in ("import", "download"):
            self.buttons[name].setEnabled(not busy)
        self._show_details()

    def _succeeded(self, text: str, name: str) -> None:
        self._idle()
        push_plain(self.bar, text, Qgis.MessageLevel.Success, title="")
        self.refresh(name)

    def _failed(self, text: str) -> None:
        self._idle()
        self._warn(text)
        self.query.list_models()  # the model may be gone, by another program

    def _stopped(self) -> None:
        self._idle()
        push_plain(self.bar, tr("Cancelled."), Qgis.MessageLevel.Info, title="")

    def _warn(self, text: str) -> None:
        push_plain(self.bar, text, seconds=0, title="")

    # -- a file that is dropped ------------------------------------------------------------------

    def dragEnterEvent(self, event: Any) -> None:  # noqa: N802
        """Accepts a model file."""
        if dropped_file(event.mimeData(), ENDINGS):
            event.acceptProposedAction()

    def dropEvent(self, event: Any) -> None:  # noqa: N802
        """Imports the file."""
        path = dropped_file(event.mimeData(), ENDINGS)
        if path:
            event.acceptProposedAction()
            self._work.take_in(Path(path))

    def changeEvent(self, event: Any) -> None:  # noqa: N802
        """Lists the models again if another program has changed them while this window was in the background."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and self.isActiveWindow():
            self.query.list_models()

    def reject(self) -> None:
        """Cancels queries and closes the forms, but lets work continue; called however the window is closed."""
        self.query.stop()
        self._close_forms()
        super().reject()


def _ask(form: QDialog) -> None:
    """Opens a form that is not modal, and is deleted when it is closed."""
    form.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    form.show()
