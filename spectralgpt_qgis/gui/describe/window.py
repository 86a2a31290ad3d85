"""The window that describes a layer: its bands as the engine recognises them, and the models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qgis.core import Qgis, QgsApplication, QgsMapLayerProxyModel, QgsRasterLayer
from qgis.gui import QgsMapLayerComboBox
from qgis.PyQt.QtCore import QSize, Qt
from qgis.PyQt.QtGui import QIcon
from qgis.PyQt.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from ... import engine_access, paths
from ...acquisition_date import acquisition_date
from ...i18n import tr
from ...raster_source import additional_nodata, crs_text, engine_path
from ...tasks.engine_task import EngineTask
from ..help import add_help
from ..window_size import resize_on_screen
from . import words
from .tables import BandTable, ModelTable

UseModel = Callable[[QgsRasterLayer, "dict[str, Any]"], Any]


class DescribeWindow(QDialog):
    """Describes one layer at a time; the engine reads it in a task, so QGIS stays usable."""

    def __init__(self, parent: QWidget | None, use_model: UseModel) -> None:
        """Shows nothing yet.

        Args:
            parent: QGIS's main window.
            use_model: Called with the layer and a model from the engine's answer.
        """
        super().__init__(parent)
        self._use_model = use_model
        self._task: EngineTask | None = None
        self.setWindowTitle(tr("Describe Layer for Models"))
        self.setWindowIcon(QIcon(paths.icon("spectralgpt")))
        resize_on_screen(self, 860, 640)
        self.layers = QgsMapLayerComboBox()
        self.layers.setFilters(raster_filter())
        self.layers.layerChanged.connect(self._look)
        self._pages = QStackedWidget()
        self._pages.addWidget(self._make_message())
        self._pages.addWidget(self._make_description())
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Help | QDialogButtonBox.StandardButton.Close
        )
        buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        top = QFormLayout()
        top.addRow(tr("&Layer"), self.layers)
        layout.addLayout(top)
        layout.addWidget(self._pages, 1)
        layout.addWidget(buttons)
        add_help(self, "describe")

    # -- the parts of the window -----------------------------------------------------------------

    def _make_message(self) -> QWidget:
        """Makes the message shown instead of a description: progress, or why there is none."""
        self._icon = QLabel()
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.message.setTextFormat(Qt.TextFormat.PlainText)
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.bar = QProgressBar()
        self.bar.setRange(0, 0)
        row = QHBoxLayout()
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.message, 1)
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.addLayout(row)
        layout.addWidget(self.bar)
        layout.addStretch(1)
        return page

    def _make_description(self) -> QWidget:
        self.facts = {name: _fact() for name in ("values", "nodata", "pixel", "crs", "date")}
        form = QFormLayout()
        for title, name in (
            (tr("Values"), "values"),
            (tr("No data"), "nodata"),
            (tr("Pixel size"), "pixel"),
            (tr("CRS"), "crs"),
            (tr("Image date"), "date"),
        ):
            form.addRow(title, self.facts[name])
        self.warnings = _fact()
        self._warnings_title = QLabel(tr("Remarks"))
        form.addRow(self._warnings_title, self.warnings)
        self.bands = BandTable()
        self.models = ModelTable(self._use)
        tables = QSplitter(Qt.Orientation.Vertical)
        tables.setChildrenCollapsible(False)
        tables.addWidget(_titled(tr("&Bands"), self.bands))
        tables.addWidget(_titled(tr("&Models"), self.models))
        tables.setSizes([240, 240])
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(form)
        layout.addWidget(tables, 1)
        return page

    # -- looking at a layer ----------------------------------------------------------------------

    def describe(self, layer: QgsRasterLayer | None) -> None:
        """Describes a layer, again if it is the one shown; by default the layer chosen in the window."""
        if layer is not None and layer.id() != self._layer_id():
            self.layers.setLayer(layer)  # its signal starts the description
        else:
            self._look(self.layers.currentLayer())

    @property
    def busy(self) -> bool:
        """Whether a description is running."""
        return self._task is not None

    def reject(self) -> None:
        """Cancels a running description; called however the window is closed."""
        self._give_up()
        super().reject()

    def _layer_id(self) -> str:
        layer = self.layers.currentLayer()
        return layer.id() if layer is not None else ""

    def _look(self, layer: QgsRasterLayer | None) -> None:
        self._give_up()
        if layer is None:
            self._tell(
                tr("There is no raster layer in this project. Add one to see which models fit it.")
            )
            return
        reason = _cannot_be_described(layer) or engine_access.why_not_ready()
        if reason:
            self._tell(reason, "/mIconWarning.svg")
            return
        task = EngineTask(
            tr("Describe {}").format(layer.name()),
            engine_access.client(),
            "describe",
            {
                "input": engine_path(layer),
                "crs": crs_text(layer.crs()),
                "nodata": list(additional_nodata(layer)[0]),
            },
        )
        task.succeeded.connect(self._succeeded)
        task.failed.connect(self._failed)
        task.stopped.connect(self._stopped)
        self._task = task
        self._tell(tr("Reading the bands and values of '{}'…").format(layer.name()), busy=True)
        task.start()

    def _give_up(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.succeeded.disconnect(self._succeeded)
            task.failed.disconnect(self._failed)
            task.stopped.disconnect(self._stopped)
            task.cancel()

    def _succeeded(self, answer: dict[str, Any]) -> None:
        self._task = None
        layer = self.layers.currentLayer()
        if layer is not None:
            self._show(layer, answer["raster"], answer["models"])

    def _stopped(self) -> None:
        """Called if the user cancelled it in QGIS's task manager."""
        self._task = None
        self._tell(tr("Stopped."))

    def _failed(self, message: str, details: str) -> None:
        self._task = None
        self._tell(message, "/mIconWarning.svg")

    # -- what is shown ---------------------------------------------------------------------------

    def _tell(self, text: str, icon: str = "/mIconInfo.svg", busy: bool = False) -> None:
        self.message.setText(text)
        self._icon.setPixmap(QgsApplication.getThemeIcon(icon).pixmap(QSize(24, 24)))
        self.bar.setVisible(busy)
        self._pages.setCurrentIndex(0)

    def _show(
        self, layer: QgsRasterLayer, raster: dict[str, Any], models: list[dict[str, Any]]
    ) -> None:
        crs = layer.crs()
        for name, text in (
            ("values", raster["values"]),
            ("nodata", raster["nodata"] or tr("None declared: every pixel is used")),
            ("pixel", words.pixel_words(raster, layer)),
            ("crs", crs.userFriendlyIdentifier() if crs.isValid() else raster["crs"]),
            ("date", words.date_words(acquisition_date(layer))),
        ):
            self.facts[name].setText(text)
        remarks = [raster["remark"], *raster["warnings"]]
        self.warnings.setText("\n".join(remark for remark in remarks if remark))
        self.warnings.setVisible(any(remarks))
        self._warnings_title.setVisible(any(remarks))
        self.bands.show_bands(raster["bands"])
        self.models.show_models(models)
        self._pages.setCurrentIndex(1)

    def _use(self, model: dict[str, Any]) -> None:
        layer = self.layers.currentLayer()
        if layer is not None:
            self._use_model(layer, model)


def _cannot_be_described(layer: QgsRasterLayer) -> str:
    """Why the engine cannot describe a layer; empty if it can."""
    if not layer.isValid():
        return tr(
            "The data source of the layer '{}' cannot be found. Repair it first (right-click, Change Data Source)."
        ).format(layer.name())
    if not engine_path(layer):
        return tr(
            "The layer '{}' is not a file but a web service or an internal QGIS layer, so its bands and values "
            "cannot be described. Save the area you need as a GeoTIFF (right-click, Export, Save As) and describe "
            "that layer."
        ).format(layer.name())
    return ""


def raster_filter() -> Any:
    """The layer filter for raster layers, in all versions of QGIS."""
    filters = Qgis.LayerFilter if hasattr(Qgis, "LayerFilter") else QgsMapLayerProxyModel.Filter
    return filters.RasterLayer


def _fact() -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def _titled(title: str, table: QWidget) -> QWidget:
    """A table below its title, whose mnemonic moves the focus to the table."""
    label = QLabel(title)
    label.setBuddy(table)
    box = QWidget()
    layout = QVBoxLayout(box)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(label)
    layout.addWidget(table)
    return box
