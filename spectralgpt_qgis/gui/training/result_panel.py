"""The panel for the result of a training: accuracy, preview, and what to do next."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

from qgis.core import QgsApplication, QgsProject
from qgis.gui import QgsCollapsibleGroupBox
from qgis.PyQt.QtCore import QSize, Qt, QUrl, pyqtSignal
from qgis.PyQt.QtGui import QDesktopServices
from qgis.PyQt.QtWidgets import (
    QCheckBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from ... import choice_words
from ...i18n import tr
from ..compare import Compare
from ..plain_text import plain_label
from ..tool_dialogs import open_tool
from .accuracy_words import headline
from .class_accuracy import ClassAccuracy
from .confusion_matrix import ConfusionMatrix
from .next_places import NextPlaces
from .prediction import Trained, shown
from .preview import Preview
from .run_words import elapsed


class ResultPanel(QWidget):
    """Shows one model at a time; its runs are in the background, at most one of each kind."""

    retrain_requested = pyqtSignal(str)  # path of the .safetensors
    label_here_requested = pyqtSignal(object)  # the QgsVectorLayer of places to label

    def __init__(self, iface: Any, parent: QWidget | None = None) -> None:
        """Starts without a model.

        Args:
            iface: QGIS's interface.
            parent: The dock.
        """
        super().__init__(parent)
        self._iface = iface
        self._trained: Trained | None = None
        self._was_compared = False
        self.preview = Preview(iface.mapCanvas(), self)
        self.compare = Compare(iface.mapCanvas())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for part in (
            self._make_head(),
            self._make_map(),
            self._make_state(),
            self._make_next(),
            self._make_matrix(),
            self._make_classes(),
            self._make_log(),
        ):
            layout.addWidget(part)
        layout.addStretch(1)
        self._connect()
        self.clear()

    # -- the parts -------------------------------------------------------------------------------

    def _make_head(self) -> QWidget:
        self.title, self.headline, self.measure = QLabel(), plain_label(), plain_label()
        self.report_button = QPushButton(tr("Open report"))
        self.report_button.setToolTip(tr("Opens the report in the web browser."))
        self.warnings = QFrame()
        self.warnings.setFrameShape(QFrame.Shape.StyledPanel)
        self.warning_text = plain_label()
        icon = QLabel()
        icon.setPixmap(QgsApplication.getThemeIcon("/mIconWarning.svg").pixmap(QSize(16, 16)))
        icon.setAlignment(Qt.AlignmentFlag.AlignTop)
        inside = QHBoxLayout(self.warnings)
        inside.addWidget(icon)
        inside.addWidget(self.warning_text, 1)
        for label in (self.title, self.headline, self.measure, self.warning_text):
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.title.setTextFormat(Qt.TextFormat.RichText)
        top = QHBoxLayout()
        top.addWidget(self.title, 1)
        top.addWidget(self.report_button, 0, Qt.AlignmentFlag.AlignTop)
        head = QWidget()
        layout = QVBoxLayout(head)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(top)
        for widget in (self.headline, self.warnings):
            layout.addWidget(widget)
        return head

    def _make_map(self) -> QWidget:
        self.preview_button = QPushButton(tr("Prev&iew"))
        self.preview_button.setToolTip(
            tr("Maps the current map view, as a temporary layer above the imagery.")
        )
        self.compare_button = QPushButton(tr("Comp&are"))
        self.compare_button.setCheckable(True)
        self.compare_button.setToolTip(
            tr(
                "Shows the preview only to the left of a line, which you can drag across the map (press Esc to exit)"
            )
        )
        self.apply_button = QPushButton(tr("Appl&y to the whole layer…"))
        self.apply_button.setToolTip(
            tr("Opens the tool with the model and the raster already chosen.")
        )
        box = QgsCollapsibleGroupBox(tr("Map"))
        grid = QGridLayout(box)
        grid.addWidget(self.preview_button, 0, 0)
        grid.addWidget(self.compare_button, 0, 1)
        grid.addWidget(self.apply_button, 1, 0, 1, 2)
        return box

    def _make_next(self) -> QWidget:
        self.places = NextPlaces(self._iface.mapCanvas())
        self.retrain_button = QPushButton(tr("Retrai&n from this model"))
        self.retrain_button.setToolTip(
            tr("Returns to the labels, with this model as the one to start from.")
        )
        box = QgsCollapsibleGroupBox(tr("Improve it"))
        layout = QVBoxLayout(box)
        layout.addWidget(self.places)
        layout.addWidget(self.retrain_button)
        return box

    def _make_state(self) -> QWidget:
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setMaximumHeight(8)
        self.stop_button = QPushButton(tr("Stop"))
        self.status = plain_label()
        self.status.setWordWrap(True)
        running = QHBoxLayout()
        running.addWidget(self.bar, 1)
        running.addWidget(self.stop_button)
        state = QWidget()
        layout = QVBoxLayout(state)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.status)
        layout.addLayout(running)
        return state

    def _make_matrix(self) -> QWidget:
        self.matrix = ConfusionMatrix()
        self.percent = QCheckBox(tr("Percent of each row"))
        self.percent.toggled.connect(self.matrix.set_percent)
        self.matrix_box = QgsCollapsibleGroupBox(tr("Confusion matrix"))
        layout = QVBoxLayout(self.matrix_box)
        layout.addWidget(self.matrix)
        layout.addWidget(self.percent)
        layout.addWidget(self.measure)
        return self.matrix_box

    def _make_classes(self) -> QWidget:
        self.classes = ClassAccuracy()
        self.classes_box = QgsCollapsibleGroupBox(tr("Classes"))
        layout = QVBoxLayout(self.classes_box)
        layout.addWidget(self.classes)
        return self.classes_box

    def _make_log(self) -> QWidget:
        self.log = QPlainTextEdit()
        self.log.setAccessibleName(tr("Log"))
        self.log.setReadOnly(True)
        self.log.setMaximumBlockCount(2000)
        self.log.setMaximumHeight(140)
        box = QgsCollapsibleGroupBox(tr("Log"))
        box.setCollapsed(True)
        layout = QVBoxLayout(box)
        layout.addWidget(self.log)
        return box

    def _connect(self) -> None:
        for button, slot in (
            (self.report_button, self.open_report),
            (self.preview_button, self.start_preview),
            (self.apply_button, self.apply),
            (self.retrain_button, self.retrain),
            (self.stop_button, self.stop),
        ):
            button.setAutoDefault(False)
            button.clicked.connect(slot)
        self.compare_button.toggled.connect(self._toggle_compare)
        self.compare.changed.connect(self.compare_button.setChecked)
        self.preview.ready.connect(self._on_ready)
        self.preview.failed.connect(self._on_failed)
        self.preview.stopped.connect(lambda: self.say(tr("Stopped.")))
        self.places.found.connect(self._on_found)
        self.places.told.connect(self.say)
        self.places.failed.connect(self._on_failed)
        for run in (self.preview.run, self.places.run):
            run.changed.connect(self._refresh)
            run.advanced.connect(self._advance)
            run.logged.connect(self.log.appendPlainText)
            run.warned.connect(self.log.appendPlainText)
        project = QgsProject.instance()
        project.cleared.connect(self.clear)
        project.layersRemoved.connect(self._refresh)

    # -- the model -------------------------------------------------------------------------------

    def show_result(self, result: dict[str, Any], parameters: dict[str, Any]) -> None:
        """Shows a model.

        Args:
            result: Result from ``RunPanel.finished``.
            parameters: Parameters of the training.
        """
        self.clear()
        trained = self._trained = Trained(dict(result), dict(parameters))
        engine = trained.engine
        accuracy, classes = engine.get("accuracy", {}), engine.get("classes", [])
        seconds = engine.get("seconds")
        facts = [choice_words.shown(str(result.get("METHOD_USED", "")))]
        facts += [elapsed(seconds)] if seconds is not None else []
        self.title.setText(
            f"<b>{escape(trained.name)}</b> · " + " · ".join(escape(fact) for fact in facts if fact)
        )
        self.headline.setText(headline(accuracy, trained.task == "scenes"))
        self.warning_text.setText("\n".join(engine.get("warnings", ())))
        self.warnings.setVisible(bool(self.warning_text.text()))
        matrix = accuracy.get("confusion")
        self.matrix_box.setVisible(bool(matrix))
        self.classes_box.setVisible(bool(matrix))
        if matrix:
            titles = [item["title"] for item in classes]
            self.matrix.show_matrix(titles, [item["color"] for item in classes], matrix)
            self.classes.show_classes(classes, accuracy.get("classes", {}))
            self.measure.setText(judged_by(engine.get("method", ""), accuracy))
        self.places.show_model(trained)
        self.preview.adopt(trained)
        self._refresh()

    def clear(self) -> None:
        """Shows no model and ends all runs; layers stay in the project."""
        self.compare.stop()
        self.preview.clear()
        self.places.show_model(None)
        self._trained = None
        for label in (self.title, self.warning_text, self.measure, self.status):
            label.clear()
        self.log.clear()
        self.headline.setText(tr("The accuracy of the model is shown here after training."))
        for part in (self.warnings, self.matrix_box, self.classes_box):
            part.hide()
        self._refresh()

    def shut_down(self) -> None:
        """Ends all runs and disconnects from the project, as the panel is being closed."""
        project = QgsProject.instance()
        project.cleared.disconnect(self.clear)
        project.layersRemoved.disconnect(self._refresh)
        self.clear()

    # -- what the buttons do ---------------------------------------------------------------------

    def open_report(self, *_: Any) -> bool:
        """Opens the report in the browser."""
        return QDesktopServices.openUrl(QUrl.fromLocalFile(self._report()))

    def start_preview(self, *_: Any) -> None:
        """Starts a preview of the current view."""
        if self._trained is not None and not self._running:
            self.say(tr("Mapping the current view…"))
            self._was_compared = self.compare.active
            self.preview.start(self._trained)

    def apply(self, *_: Any) -> Any:
        """Opens the tool with model and raster filled in; the user chooses the output."""
        if self._trained is None:
            return None
        rasters = self._trained.rasters()
        settings = self._iface.mapCanvas().mapSettings()
        seen = shown(rasters, settings.visibleExtent(), settings.destinationCrs())
        layers = seen[0] if seen is not None else (rasters[0] if rasters else ())
        return open_tool(self._trained.tool, self._trained.mapping(layers))

    def retrain(self, *_: Any) -> None:
        """Requests a training that starts from this model."""
        if self._trained is not None:
            self.retrain_requested.emit(self._trained.trainable)

    def stop(self, *_: Any) -> None:
        """Cancels all runs."""
        for run in (self.preview.run, self.places.run):
            run.cancel()

    def say(self, text: str) -> None:
        """Shows a message below the buttons and in the log."""
        self.status.setText(text)
        self.status.setVisible(bool(text))
        self.log.appendPlainText(text)

    # -- what the runs tell ----------------------------------------------------------------------

    def _advance(self, percent: float, message: str, seconds: float | None) -> None:
        self.bar.setValue(int(percent))

    def _on_ready(self, text: str) -> None:
        self.say(text)
        self._refresh()
        if self._was_compared:  # the comparison ended with the old layer
            self._toggle_compare(True)

    def _on_found(self, layer: Any) -> None:
        self.compare.stop()
        self.preview.hide()  # so that the imagery to label is visible
        self.label_here_requested.emit(layer)

    def _on_failed(self, message: str, details: str) -> None:
        if details and details != message:
            self.log.appendPlainText(details)
        self.say(message)

    def _toggle_compare(self, on: bool) -> None:
        layer = self.preview.layer() if on else None
        if layer is not None:
            self.compare.start(layer)
        else:
            self.compare.stop()
            self.compare_button.setChecked(False)

    # -- what is seen ----------------------------------------------------------------------------

    @property
    def _running(self) -> bool:
        return self.preview.run.running or self.places.run.running

    def _report(self) -> str:
        return str(self._trained.result.get("OUTPUT_REPORT") or "") if self._trained else ""

    def _refresh(self, *_: Any) -> None:
        there, running = self._trained is not None, self._running
        self.report_button.setVisible(bool(self._report()) and Path(self._report()).is_file())
        self.preview_button.setEnabled(there and not running)
        self.places.button.setEnabled(not running)
        self.compare_button.setEnabled(self.preview.layer() is not None)
        self.apply_button.setEnabled(there)
        self.retrain_button.setEnabled(there and Path(self._trained.trainable).is_file())
        self.bar.setVisible(running)
        self.stop_button.setVisible(running)
        if not running:
            self.bar.setValue(0)
        self.status.setVisible(bool(self.status.text()))
        if self.places.walk.layer() is None:
            self.places.walk.hide()


def judged_by(method: str, accuracy: dict[str, Any]) -> str:
    """A sentence about the labels on which the confusion matrix was counted.

    Args:
        method: Method of the training.
        accuracy: Accuracy from the engine's result.
    """
    samples = accuracy.get("samples", 0)
    if method == "quick":
        return tr(
            "Held-back labels: {samples}. Each place was held back once, from a model that did not see it; the final "
            "model was trained on all labels."
        ).format(samples=samples)
    return tr(
        "Held-back labels: {samples}. The best epoch was chosen with the same labels, so these figures are slightly "
        "too optimistic."
    ).format(samples=samples)
