"""The panel for the labels: makes or selects a label layer, and edits and draws its classes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFieldProxyModel,
    QgsMapLayer,
    QgsMapLayerProxyModel,
    QgsProject,
    QgsRasterLayer,
    QgsVectorLayer,
)
from qgis.gui import QgsFieldComboBox
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QTimer, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QFileDialog,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from ...class_field import likely_field
from ...field_types import can_hold_classes
from ...i18n import tr
from ...label_look import hold_looks
from ...layer_words import (
    picture_without_classes,
    without_class_field,
    without_classes,
    without_crs,
)
from ...raster_source import is_picture
from ...tasks.label_count import ClassCount, LabelCounts
from ..layer_list import LayerList
from ..plain_text import push_plain
from .class_editor import ClassEditor
from .label_classes import MOST_CLASSES, LabelClass, first_classes
from .label_counter import LabelCounter
from .label_layer import (
    LabelLayerNotMade,
    free_file,
    free_label_file,
    make_label_layer,
    switch_snapping_off,
)

_NOTHING = ClassCount()


class LabelsPanel(QGroupBox):
    """Label layer, class field and the table of classes."""

    changed = pyqtSignal()

    def __init__(self, iface: Any, parent: QWidget | None = None) -> None:
        """Starts without labels.

        Args:
            iface: QGIS's interface.
            parent: The dock.
        """
        super().__init__(tr("Labels"), parent)
        self._iface = iface
        self._task = "segmentation"
        self._field = ""
        self._rasters: list[QgsRasterLayer] = []
        self._places: list[QgsCoordinateReferenceSystem] = []
        self._counts: LabelCounts | None = None
        self._listened: QgsVectorLayer | None = None
        self._counter = LabelCounter(self)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(0)
        self._build()
        self._counter.counted.connect(self._on_counted)
        self.layer_list.layerChanged.connect(self._on_layer)
        self.field_list.activated.connect(self._on_field)
        self._later.timeout.connect(self._hold_field)
        self.editor.changed.connect(self.changed)
        self._on_layer()

    # -- what is chosen --------------------------------------------------------------------------

    @property
    def layer(self) -> QgsMapLayer | None:
        """The label layer."""
        return self.layer_list.currentLayer()

    @property
    def field(self) -> str:
        """The class field; empty for a raster."""
        return self._field

    @property
    def counts(self) -> LabelCounts | None:
        """The label counts; None while they are not known."""
        return self._counts

    @property
    def classes(self) -> tuple[LabelClass, ...]:
        """The classes as the table shows them."""
        return self.editor.classes

    def problem(self) -> str:
        """Why training cannot start with these labels; empty if it can."""
        return self._problem_of_layer() or self._problem_of_counts()

    def _problem_of_layer(self) -> str:
        layer = self.layer
        if layer is None:
            return tr("Create a label layer, or choose one.")
        if is_picture(layer):
            return picture_without_classes(layer.name())
        if self._is_vector() and not any(map(can_hold_classes, layer.fields())):
            return without_class_field(layer.name())
        if self._is_vector() and not self.field:
            return tr("Choose the field with the class.")
        return ""

    def _problem_of_counts(self) -> str:
        if self._counts is None:
            return tr("Counting the labels…")
        if not self._counts.known:
            return ""
        if len(self._counts.classes) > MOST_CLASSES:
            if not self._is_vector():
                return tr(
                    "'{name}' has {found} different values, so it is an image and not a class raster. Choose another "
                    "layer."
                ).format(name=self.layer.name(), found=len(self._counts.classes))
            return tr(
                "{found} different values were found, but a model can have at most {most} classes. Choose the field "
                "that holds the class rather than an ID of the features, or merge classes."
            ).format(found=len(self._counts.classes), most=MOST_CLASSES)
        labelled = [item for item in self.classes if self._counts.of(item.label) != _NOTHING]
        if len(labelled) >= 2:
            return ""
        if not labelled and self._counts.outside:
            return tr("All labels lie outside the rasters. Draw some on them.")
        if not labelled and self._counts.unset:
            return without_classes(self.field)
        missing = [item.name for item in self.classes if item not in labelled]
        if missing:
            return tr("Label at least two classes: there are no labels of '{}' yet.").format(
                missing[0]
            )
        return tr("Label at least two classes. Add a second class.")

    def shortage(self) -> str:
        """A sentence about classes with too few labels; empty if there are none."""
        short = self.editor.shortage()
        if not short:
            return ""
        return tr(
            "Few labels: {}. The model can be trained, but its accuracy can hardly be measured."
        ).format(", ".join(short[:3]) + ("…" if len(short) > 3 else ""))

    # -- what comes from outside -----------------------------------------------------------------

    def show_imagery(self, task: str, rasters: list[QgsRasterLayer]) -> None:
        """Takes the task and the rasters, whose pixels are counted and which cannot be chosen as labels.

        Args:
            task: The task, as an option of the algorithm.
            rasters: All rasters, including those of the second date.
        """
        places = [raster.crs() for raster in rasters]
        if (task, rasters, places) == (self._task, self._rasters, self._places):
            return
        self._task, self._rasters, self._places = task, rasters, places
        self.layer_list.setExceptedLayerList(rasters)
        self._recount()

    def set_labels(self, layer: QgsMapLayer | None, field: str = "") -> None:
        """Selects a layer and its class field.

        Args:
            layer: A layer of the project, or None.
            field: The class field; empty for the most likely one.
        """
        self.layer_list.setLayer(layer)
        if field and self._is_vector() and self.layer.fields().lookupField(field) >= 0:
            self._field = field
            self.field_list.setField(field)
            self._recount()

    def hold_looks(self) -> None:
        """Stores the table's names and colours in the layer, so that the model gets those that its style lacks."""
        if self.layer is not None:
            looks = {item.label: (item.name, item.colour) for item in self.classes}
            hold_looks(self.layer, self.field, looks)

    def stop(self) -> None:
        """Stops counting and drawing, and restores the layer's settings."""
        self._counter.stop()
        self.editor.stop()
        self._listen_to_fields(None)

    # -- making and drawing ----------------------------------------------------------------------

    def make_layer(self, *_: Any) -> QgsVectorLayer | None:
        """Makes a label layer, if possible in the project's folder, and starts drawing its first class."""
        if not self._rasters:
            self._say(tr("Choose a raster first: the label layer uses its coordinate system."))
            return None
        raster = self._rasters[0]
        if not raster.crs().isValid():
            self._say(without_crs(raster.name()))
            return None
        path = self._new_file(raster)
        if path is None:
            return None
        name = tr("Labels {}").format(raster.name())
        try:
            layer = make_label_layer(path, name, raster.crs(), first_classes(self._task))
        except LabelLayerNotMade as error:
            self._say(str(error))
            return None
        project = QgsProject.instance()
        # At the top: QGIS would add it above the current layer, where a map of the same area might hide the labels.
        project.addMapLayer(layer, False)
        project.layerTreeRoot().insertLayer(0, layer)
        switch_snapping_off(project, layer)
        self.set_labels(layer)
        self.editor.draw(0)
        return layer

    def _new_file(self, raster: QgsRasterLayer) -> Path | None:
        """The path of a new label layer; None if the user cancelled the file dialog."""
        folder = QgsProject.instance().absolutePath()
        if folder and os.access(folder, os.W_OK):
            return free_label_file(Path(folder), raster.name())
        source = raster.source().partition("|")[0]
        # Not with pathlib, which raises if a source, such as that of a web service, is too long for a file name.
        beside = Path(source).parent if os.path.isfile(source) else Path.home()
        chosen, _ = QFileDialog.getSaveFileName(
            self,
            tr("Save label layer"),
            str(free_label_file(beside, raster.name())),
            tr("GeoPackage (*.gpkg)"),
            options=QFileDialog.Option.DontConfirmOverwrite,
        )
        if not chosen:
            return None
        path = Path(chosen)
        return free_file(path if path.suffix.lower() == ".gpkg" else Path(f"{path}.gpkg"))

    # -- what changes ----------------------------------------------------------------------------

    def _on_layer(self, *_: Any) -> None:
        layer = self.layer
        vector = layer if self._is_vector() else None
        self.field_list.setLayer(vector)
        self._field = likely_field(vector) if vector is not None else ""
        self.field_list.setField(self._field)
        self._listen_to_fields(vector)
        self._recount()

    def _on_field(self, *_: Any) -> None:
        self._field = self.field_list.currentField()
        self._recount()

    def _listen_to_fields(self, layer: QgsVectorLayer | None) -> None:
        before, self._listened = self._listened, layer
        if before is not None and not sip.isdeleted(before):
            before.updatedFields.disconnect(self._later.start)
        if layer is not None:
            layer.updatedFields.connect(self._later.start)

    def _hold_field(self) -> None:
        """Restores the field, as QGIS clears its list when anything changes in the fields, such as a default value."""
        if not self._is_vector():
            return
        # The field may have been renamed, deleted, or restored by Undo.
        if self.layer.fields().lookupField(self._field) < 0:
            self._field = likely_field(self.layer)
            self._recount()
        self.field_list.setField(self._field)

    def _recount(self) -> None:
        layer = self.layer
        self._counts = None
        self.editor.show_layer(layer, self.field)
        self._counter.watch(
            layer if self.field or not self._is_vector() else None, self.field, self._rasters
        )
        self._start.setVisible(layer is None)
        self.editor.setVisible(layer is not None)
        for widget in (self._field_label, self.field_list):
            widget.setVisible(self._is_vector())
        self._show_note()
        self.changed.emit()

    def _on_counted(self, counts: LabelCounts) -> None:
        self._counts = counts
        self.editor.show_counts(counts)
        self._show_note()
        self.changed.emit()

    def _show_note(self) -> None:
        notes = []
        if self._counts is not None and self._counts.unset:
            notes.append(tr("Left out because they have no class: {}.").format(self._counts.unset))
        if self._counts is not None and self._counts.outside:
            notes.append(
                tr("Left out because they lie outside the rasters: {}.").format(
                    self._counts.outside
                )
            )
        self._note.setText(" ".join(notes))
        self._note.setVisible(bool(notes))

    # -- the parts -------------------------------------------------------------------------------

    def _build(self) -> None:
        kinds = QgsMapLayerProxyModel.Filter
        self.layer_list = LayerList(
            kinds.PolygonLayer | kinds.PointLayer | kinds.RasterLayer, tr("Choose a layer")
        )
        self.layer_list.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.new_button = QPushButton(tr("&New…"))
        self.new_button.setToolTip(
            tr(
                "Creates an empty polygon layer next to the project, with a field for the class, and starts drawing "
                "in it."
            )
        )
        self.new_button.clicked.connect(self.make_layer)
        choice = QHBoxLayout()
        choice.addWidget(self.layer_list, 1)
        choice.addWidget(self.new_button)
        self.field_list = QgsFieldComboBox()
        self.field_list.setAllowEmptyFieldName(True)
        self.field_list.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.field_list.setFilters(
            QgsFieldProxyModel.Filter.String
            | QgsFieldProxyModel.Filter.Int
            | QgsFieldProxyModel.Filter.LongLong
        )
        self._form = QFormLayout()
        layer_label, self._field_label = QLabel(tr("La&yer")), QLabel(tr("&Field"))
        layer_label.setBuddy(self.layer_list)
        self._field_label.setBuddy(self.field_list)
        self._form.addRow(layer_label, choice)
        self._form.addRow(self._field_label, self.field_list)
        self._start = QLabel(
            tr(
                "Draw three to ten small polygons of every class, in different places, each on an area that clearly "
                "belongs to this class. Areas that you do not label are ignored."
            )
        )
        self._start.setWordWrap(True)
        self.editor = ClassEditor(self._iface)
        self._note = QLabel()
        self._note.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.addLayout(self._form)
        layout.addWidget(self._start)
        layout.addWidget(self.editor)
        layout.addWidget(self._note)

    # -- small questions -------------------------------------------------------------------------

    def _is_vector(self) -> bool:
        return isinstance(self.layer, QgsVectorLayer)

    def _say(self, text: str) -> None:
        push_plain(self._iface.messageBar(), text)
