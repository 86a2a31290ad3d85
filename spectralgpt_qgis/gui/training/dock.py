"""The training dock, with three steps: imagery and labels, training, result."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from qgis.core import (
    QgsApplication,
    QgsMapLayer,
    QgsProcessingContext,
    QgsProject,
    QgsRasterLayer,
    QgsVectorLayer,
)
from qgis.gui import QgsDockWidget
from qgis.PyQt.QtCore import Qt, QTimer
from qgis.PyQt.QtWidgets import QTabWidget, QVBoxLayout, QWidget

from ... import engine_access
from ...i18n import tr
from ...temporary_layers import TemporaryLayers
from ..help import add_help
from .engine_missing import EngineMissing
from .expected_time import Run, expected_time, keep_run, kept_runs
from .footer import Footer
from .imagery_panel import ImageryPanel
from .kept_result import read_result, write_result
from .labels_panel import LabelsPanel
from .options_panel import OptionsPanel
from .place_walk import PlaceWalk, kept_places
from .plan_words import plan
from .prediction import SOURCES, layer_sources
from .raster_describer import RasterDescriber
from .reserved_name import ReservedName
from .run_to_come import run_to_come
from .scrolled import scrolled
from .training_setup import (
    ALGORITHM,
    TrainingSetup,
    kept_text,
    read_setup,
    write_setup,
)

LABELS, TRAIN, RESULT = range(3)


class TrainingDock(QgsDockWidget):
    """Three steps as tabs, and a footer that always says what is missing before a training can start."""

    def __init__(
        self,
        iface: Any,
        run_panel: QWidget,
        result_panel: QWidget,
        open_engine: Callable[..., Any] | None = None,
    ) -> None:
        """Shows the setup that is stored in the project, or the defaults.

        Args:
            iface: QGIS's interface.
            run_panel: Runs the training in the background and shows its progress.
            result_panel: Shows the result.
            open_engine: Opens the window that installs the engine.
        """
        super().__init__(tr("Fine-tune a model"), iface.mainWindow())
        self.setObjectName("SpectralGPTTraining")
        self._iface = iface
        self.run_panel, self.result_panel = run_panel, result_panel
        self._quiet = True  # while the project is read, nothing is written to it
        self._closed = False
        self._kept = ""  # the setup as text, when it was last read or written
        self._entry = ""  # the project's entry at that time
        self._started: tuple[float, Run, dict[str, Any]] | None = None
        self._reserved = ReservedName()
        self._same_project = True  # whether the project is that in which the training began
        self._describer = RasterDescriber(self)
        self.imagery = ImageryPanel(self._describer)
        self.labels = LabelsPanel(iface)
        self.walk = PlaceWalk(iface.mapCanvas())
        self.options = OptionsPanel()
        self._engine = EngineMissing(open_engine)
        self.footer = Footer()
        self.status, self.train_button = self.footer.status, self.footer.train_button
        self._temporary = TemporaryLayers(self)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(50)
        self._later.timeout.connect(self.refresh)
        self._build()
        self._connect()
        self.restore()
        self.options.look_for_models()

    # -- what is set up --------------------------------------------------------------------------

    def setup(self) -> TrainingSetup:
        """The current setup."""
        return TrainingSetup(
            self.imagery.task,
            tuple(self.imagery.rows.pairs()),
            self.labels.layer,
            self.labels.field,
            self.options.options(),
        )

    def open_with(self, layer: QgsMapLayer | None) -> None:
        """Raises the dock, with a raster already chosen.

        Args:
            layer: The raster; other layers are ignored.
        """
        if isinstance(layer, QgsRasterLayer) and layer not in self.imagery.rasters():
            self.imagery.rows.first_list.setLayer(layer)
        self.setUserVisible(True)
        self.refresh()

    def missing(self) -> str:
        """What is missing before a training can start; empty if nothing is."""
        if engine_access.why_not_ready("training"):
            return tr("The engine's training libraries are missing.")
        if self.run_panel.running:
            return tr("Training… You can continue drawing in the meantime.")
        return (
            self.imagery.problem()
            or self.labels.problem()
            or self.options.problem()
            or self._refusal()
        )

    def _refusal(self) -> str:
        """Why the algorithm itself refuses the parameters; empty if it does not."""
        algorithm = QgsApplication.processingRegistry().createAlgorithmById(ALGORITHM)
        if algorithm is None:
            return tr(
                "The SpectralGPT tools are missing from the Processing toolbox. Reload the plugin."
            )
        context = QgsProcessingContext()
        context.setProject(QgsProject.instance())
        valid, reason = algorithm.checkParameterValues(self.setup().parameters(), context)
        return "" if valid else reason

    # -- training --------------------------------------------------------------------------------

    def train(self, *_: Any) -> None:
        """Starts a training if nothing is missing."""
        if self.missing():
            self.refresh()
            return
        self.labels.hold_looks()
        setup = self.setup()
        parameters = setup.parameters()
        while not self._reserved.take(parameters["OUTPUT_MODEL"]):
            parameters = setup.parameters()  # with the next name
        layers = [setup.labels, *(layer for pair in setup.pairs for layer in pair)]
        kept = {**parameters, SOURCES: layer_sources(layers)}
        self._started = (time.monotonic(), run_to_come(setup, self.labels.counts), kept)
        self._same_project = True
        self.steps.setCurrentIndex(TRAIN)
        self.run_panel.show()
        self.run_panel.start(parameters)
        self.refresh()

    def retrain(self, path: str) -> None:
        """Prepares a further training that starts from a model.

        Args:
            path: Its .safetensors file.
        """
        self.options.set_base(path)
        self.steps.setCurrentIndex(LABELS)

    def label_here(self, places: QgsVectorLayer) -> None:
        """Goes back to the labels, to label the most uncertain places.

        Args:
            places: Layer of the places, ranked with the most uncertain first.
        """
        titles = {item.label: item.name for item in self.labels.classes}
        self.walk.set_layer(places, titles)
        self.walk.show()
        self.walk.step(1)
        self.steps.setCurrentIndex(LABELS)

    def _on_finished(self, result: Any) -> None:
        self._reserved.release()
        if self._started is None:
            return
        began, run, parameters = self._started
        self._started = None
        method = str(result.get("METHOD_USED", ""))
        # Not the duration of a cancelled training, which is too short for estimates.
        if method and not result.get("TRAINING", {}).get("cancelled"):
            seconds = round(time.monotonic() - began, 1)
            keep_run(Run(**{**vars(run), "method": method, "seconds": seconds}))
        self._show_result(result, parameters)
        self.steps.setCurrentIndex(RESULT)
        if self._same_project:
            write_result(result, parameters, QgsProject.instance())
        self._describer.forget()
        self.options.look_for_models()
        self.refresh()

    def _show_result(self, result: dict[str, Any], parameters: dict[str, Any]) -> None:
        self.result_panel.show_result(result, parameters)
        self.steps.setTabEnabled(RESULT, True)

    def _on_ended(self, *_: Any) -> None:
        self._reserved.release()
        self._started = None
        self.refresh()

    # -- what is shown ---------------------------------------------------------------------------

    def refresh(self) -> None:
        """Shows what is missing and the expected time, and stores the setup in the project."""
        if self._quiet:
            return
        setup = self.setup()
        rasters = [layer for pair in setup.pairs for layer in pair if layer is not None]
        self.labels.show_imagery(setup.task, rasters)
        self.options.show_task(setup.task)
        self.options.show_fits(self._describer.of(rasters[0]) if rasters else None)
        self.imagery.show_base("" if setup.options.bands else self.options.base_path)
        self._engine.look()
        self.options.setVisible(not self.run_panel.running)
        if self.walk.layer() is None:
            self.walk.hide()
        missing = self.missing()
        run = run_to_come(setup, self.labels.counts)
        expected = expected_time(run, kept_runs())
        self.options.show_plan(plan(setup.options.method, run, self.options.base_title), expected)
        self.train_button.setToolTip(expected)
        self.footer.show_state(missing, self.run_panel.running, self.labels.shortage())
        self._keep()

    # -- the project -----------------------------------------------------------------------------

    def restore(self, *_: Any) -> None:
        """Shows the setup that is stored in the project; the defaults if there is none."""
        self._quiet = True
        kept = read_setup(QgsProject.instance())
        setup = kept or TrainingSetup()
        self.imagery.set_task(setup.task)
        self.imagery.rows.set_pairs(list(setup.pairs))
        self.options.set_options(setup.options)
        self.labels.set_labels(setup.labels, setup.field)
        if kept is None:
            active = self._iface.activeLayer()
            self.imagery.rows.first_list.setLayer(
                active if isinstance(active, QgsRasterLayer) else _some_raster()
            )
        places = kept_places(QgsProject.instance())
        self.walk.set_layer(places)
        self.walk.setVisible(places is not None)
        result = read_result(QgsProject.instance())
        if result is not None:
            self._show_result(*result)
        self._quiet = False
        self._kept = self.setup().to_text()
        self._entry = kept_text(QgsProject.instance())
        self.refresh()

    def _keep(self) -> None:
        project, setup = QgsProject.instance(), self.setup()
        text = setup.to_text()
        # While QGIS reads a project, layers are added before its entries are complete: these must not be changed yet.
        if text != self._kept and kept_text(project) == self._entry:
            self._kept = self._entry = text
            write_setup(setup, project)

    def _leave(self) -> None:
        """Pauses when all layers are removed, usually with the project: that must not be written into the next one."""
        self._quiet = True
        self.labels.stop()
        QTimer.singleShot(0, self._stay)

    def _stay(self) -> None:
        if self._quiet and not self._closed:
            self._quiet = False
            self.refresh()

    def _on_cleared(self) -> None:
        self._same_project = False
        self.result_panel.clear()
        self.steps.setTabEnabled(RESULT, False)
        self.steps.setCurrentIndex(LABELS)
        self.restore()

    def close_down(self) -> None:
        """Ends all runs and disconnects from the project, so that the dock can be deleted."""
        self._quiet = self._closed = True
        self._later.stop()
        project = QgsProject.instance()
        project.removeAll.disconnect(self._leave)
        project.cleared.disconnect(self._on_cleared)
        project.readProject.disconnect(self.restore)
        self.run_panel.shut_down()
        self._reserved.release()
        self.result_panel.shut_down()
        self._temporary.stop()
        self._describer.stop()
        self.options.stop()
        self.labels.stop()

    # -- the parts -------------------------------------------------------------------------------

    def _build(self) -> None:
        self.steps = QTabWidget()
        self.steps.setDocumentMode(True)
        # The dock is at least as wide as the names of its tabs, so that no language is cut off.
        self.steps.setUsesScrollButtons(False)
        self.steps.setElideMode(Qt.TextElideMode.ElideNone)
        self.steps.addTab(
            scrolled(self.walk, self.imagery, self.labels), tr("1 Imagery and labels")
        )
        self.steps.addTab(scrolled(self.options, self.run_panel, grows=True), tr("2 Train"))
        self.steps.addTab(scrolled(self.result_panel), tr("3 Result"))
        self.steps.setTabEnabled(RESULT, False)
        self.steps.setTabToolTip(RESULT, tr("Available after training."))
        self.run_panel.hide()
        self.walk.hide()
        body = QWidget()
        layout = QVBoxLayout(body)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(self._engine)
        layout.addWidget(self.steps, 1)
        layout.addWidget(self.footer)
        self.setWidget(body)
        self.setMinimumWidth(340)
        add_help(self, "training")

    def _connect(self) -> None:
        self.train_button.clicked.connect(self.train)
        for panel in (self.imagery, self.labels, self.options):
            panel.changed.connect(self._refresh_later)
        self.run_panel.finished.connect(self._on_finished)
        self.run_panel.failed.connect(self._on_ended)
        self.run_panel.stopped.connect(self._on_ended)
        self.result_panel.retrain_requested.connect(self.retrain)
        self.result_panel.label_here_requested.connect(self.label_here)
        self.visibilityChanged.connect(self._refresh_later)
        project = QgsProject.instance()
        project.removeAll.connect(self._leave)
        project.cleared.connect(self._on_cleared)
        project.readProject.connect(self.restore)

    def _refresh_later(self, *_: Any) -> None:
        if not self._quiet:
            self._later.start()


def _some_raster() -> QgsRasterLayer | None:
    """Any raster of the project; None if there is none."""
    layers = QgsProject.instance().mapLayers().values()
    return next((layer for layer in layers if isinstance(layer, QgsRasterLayer)), None)
