"""The editor of a label layer's classes: to name, colour, add, remove and draw them."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    Qgis,
    QgsExpression,
    QgsFeatureRequest,
    QgsMapLayer,
    QgsRasterLayer,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.PyQt import sip
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from ...i18n import tr
from ...tasks.label_count import LabelCounts
from ..plain_text import plain_message, push_plain
from .class_table import NAME, ClassTable
from .drawing import Drawing
from .label_classes import (
    MOST_CLASSES,
    LabelClass,
    is_whole,
    next_class,
    read_classes,
    write_classes,
)


class ClassEditor(QWidget):
    """The table of classes and its buttons; changes are applied to the layer's style at once."""

    changed = pyqtSignal()

    def __init__(self, iface: Any, parent: QWidget | None = None) -> None:
        """Starts without classes.

        Args:
            iface: QGIS's interface.
            parent: The panel.
        """
        super().__init__(parent)
        self._iface = iface
        self._layer: QgsMapLayer | None = None
        self._field = ""
        self._counts: LabelCounts | None = None
        # Styles of removed classes, as Undo may restore their polygons.
        self._remembered: dict[str, LabelClass] = {}
        self._removed: set[str] = set()
        self.drawing = Drawing(iface, self)
        self.table = ClassTable()
        self.table.setAccessibleName(tr("Classes"))
        self.table.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.table)
        layout.addLayout(self._make_buttons())
        self.drawing.changed.connect(self._show_drawing)
        self.table.classes.edited.connect(self._on_edited)
        self.table.classes.taken.connect(self._offer_to_join)
        self.table.draw_wanted.connect(self.draw)
        self.table.selectionModel().selectionChanged.connect(self._show_drawing)

    @property
    def classes(self) -> tuple[LabelClass, ...]:
        """The classes as the table shows them."""
        return self.table.classes.classes

    @property
    def unit(self) -> str:
        """The kind of labels: "polygon", "point" or "raster"."""
        layer = self._layer
        if isinstance(layer, QgsRasterLayer):
            return "raster"
        points = QgsWkbTypes.GeometryType.PointGeometry
        is_point = isinstance(layer, QgsVectorLayer) and layer.geometryType() == points
        return "point" if is_point else "polygon"

    def show_layer(self, layer: QgsMapLayer | None, field: str) -> None:
        """Shows the classes of a layer, without counts.

        Args:
            layer: Labels; None shows nothing.
            field: The class field; empty for a raster, or if none is chosen.
        """
        if (layer, field) != (self._layer, self._field):
            self.drawing.stop()
            self._remembered.clear()
            self._removed.clear()
            before, self._layer, self._field = self._layer, layer, field
            # The user may change names and colours in the layer's properties.
            if before is not None and not sip.isdeleted(before):
                before.styleChanged.disconnect(self._show_classes)
            if layer is not None:
                layer.styleChanged.connect(self._show_classes)
        self.show_counts(None)

    def show_counts(self, counts: LabelCounts | None) -> None:
        """Shows the label counts.

        Args:
            counts: The counts; None while they are not known.
        """
        self._counts = counts
        self._show_classes()
        self._style_what_came_back()

    def _style_what_came_back(self) -> None:
        """Adds removed classes to the style again if Undo has restored their labels, which would be invisible."""
        back = self._removed & set(self._counts.classes if self._counts is not None else ())
        if back:
            self._removed -= back
            self._keep(list(self.classes))

    def shortage(self) -> list[str]:
        """The names of the classes with too few labels."""
        model = self.table.classes
        return [item.name for row, item in enumerate(model.classes) if model.shortage(row)]

    def stop(self) -> None:
        """Ends drawing and forgets the layer."""
        self.show_layer(None, "")

    # -- drawing and editing ---------------------------------------------------------------------

    def draw(self, row: int) -> None:
        """Starts drawing labels of a class; ends drawing if that class is being drawn already.

        Args:
            row: Row of the class.
        """
        if not self._can_draw() or not 0 <= row < len(self.classes):
            return
        self.table.selectRow(row)
        label = self.classes[row].label
        if self.drawing.label == label:
            self.drawing.stop()
            self._iface.actionPan().trigger()
        elif self._can_edit():
            self.drawing.start(self._layer, self._column(), self._value(label))

    def add_class(self, *_: Any) -> None:
        """Adds a class and opens the editor of its name."""
        if self._layer is None or self.unit == "raster":
            return
        column = self._column()
        numbers = self._layer.fields().at(column).isNumeric()
        self._keep([*self.classes, next_class(self.classes, numbers)])
        last = self.table.classes.index(len(self.classes) - 1, NAME)
        self.table.setCurrentIndex(last)
        self.table.edit(last)

    def remove_class(self, *_: Any) -> None:
        """Removes the selected class and its labels, which Undo restores."""
        row = self.table.row()
        if self._layer is None or self.unit == "raster" or row < 0:
            return
        gone, layer = self.classes[row], self._layer
        ids = self._labels_of(gone)
        if ids and not self._can_edit():
            return
        if ids:
            layer.beginEditCommand(tr("Remove class '{}'").format(gone.name))
            layer.deleteFeatures(ids)
            layer.endEditCommand()
        self._drop(gone)

    def join_classes(self, gone: LabelClass, kept: LabelClass) -> None:
        """Gives the labels of a class to another one and removes the class; Undo restores both.

        Args:
            gone: The class to remove.
            kept: The class that gets its labels.
        """
        if not {gone, kept} <= set(self.classes) or not self._can_edit():
            return  # the layer or its classes have changed since the question
        layer, column, value = self._layer, self._column(), self._value(kept.label)
        layer.beginEditCommand(
            tr("Join class '{gone}' with '{kept}'").format(gone=gone.name, kept=kept.name)
        )
        for place in self._labels_of(gone):
            layer.changeAttributeValue(place, column, value)
        layer.endEditCommand()
        self._drop(gone)

    def _offer_to_join(self, row: int, other: int) -> None:
        """Says that a name is taken, as most likely the user wants one class in place of two."""
        gone, kept = self.classes[row], self.classes[other]
        text = tr("There is a class '{}' already.").format(kept.name)
        bar = self._iface.messageBar()
        item = plain_message(bar, text)
        if self._can_draw():
            button = QPushButton(tr("Join '{}' with it").format(gone.name))
            button.clicked.connect(lambda: self.join_classes(gone, kept))
            button.clicked.connect(lambda: bar.popWidget(item))
            item.layout().addWidget(button)
        bar.pushWidget(item, Qgis.MessageLevel.Warning)

    def _drop(self, gone: LabelClass) -> None:
        """Takes a class without labels out of the style."""
        if self.drawing.label == gone.label:
            self.drawing.stop()
        if self._counts is not None:
            self._counts.classes.pop(gone.label, None)
        self._remembered[gone.label] = gone
        self._removed.add(gone.label)
        self._keep([item for item in self.classes if item != gone])

    def _labels_of(self, item: LabelClass) -> list[int]:
        """The ids of the features of a class."""
        wanted = QgsExpression.createFieldEqualityExpression(self._field, self._value(item.label))
        request = QgsFeatureRequest().setFilterExpression(wanted).setNoAttributes()
        request.setFlags(QgsFeatureRequest.Flag.NoGeometry)
        return [feature.id() for feature in self._layer.getFeatures(request)]

    def _can_edit(self) -> bool:
        """Starts editing; if the layer cannot be edited, a message tells the user."""
        if self._layer.isEditable() or self._layer.startEditing():
            return True
        text = tr(
            "The layer '{}' cannot be edited. Save it as a GeoPackage (right-click, Export, Save Features As) and use "
            "that."
        ).format(self._layer.name())
        push_plain(self._iface.messageBar(), text)
        return False

    def _on_edited(self) -> None:
        self._keep(list(self.classes))

    def _keep(self, classes: list[LabelClass]) -> None:
        """Writes the classes to the layer."""
        if self._layer is not None:
            self._remembered.update({item.label: item for item in classes})
            write_classes(self._layer, self._field, classes)
            self._show_classes()
            self.changed.emit()

    # -- what is shown ---------------------------------------------------------------------------

    def _show_classes(self) -> None:
        layer = self._layer
        classes: list[LabelClass] = []
        if layer is not None and (self._field or self.unit == "raster"):
            styled = {item.label for item in read_classes(layer, self._field)}
            found = self._counts.classes if self._counts is not None else ()
            # More values mean a field of unique ids, for which a table of classes is useless.
            found = found if len(found) <= MOST_CLASSES else ()
            classes = [
                item if item.label in styled else self._remembered.get(item.label, item)
                for item in read_classes(layer, self._field, found)
            ]
        row = self.table.row()
        self.table.classes.show_classes(classes, self.unit)
        self.table.classes.show_counts(self._counts)
        self.table.setVisible(bool(classes))  # an empty table is a white area
        if classes:
            self.table.selectRow(min(max(row, 0), len(classes) - 1))
        self._show_drawing()

    def _show_drawing(self, *_: Any) -> None:
        row, label = self.table.row(), self.drawing.label
        self.table.classes.show_drawn(label)
        chosen = self.classes[row] if 0 <= row < len(self.classes) else None
        can_draw = self._can_draw()
        self._draw.setEnabled(can_draw and chosen is not None)
        self._draw.setChecked(chosen is not None and bool(label) and chosen.label == label)
        self._add.setEnabled(can_draw)
        self._remove.setEnabled(can_draw and chosen is not None)

    def _make_buttons(self) -> QHBoxLayout:
        self._draw = QPushButton(tr("Draw"))
        self._draw.setCheckable(True)
        self._draw.setToolTip(
            tr(
                "New polygons get the chosen class. Right-click to finish a polygon; click this button again to stop "
                "drawing."
            )
        )
        self._draw.clicked.connect(self._on_draw)
        self._add = QPushButton(tr("Add class"))
        self._add.clicked.connect(self.add_class)
        self._remove = QPushButton(tr("Remove"))
        self._remove.setToolTip(
            tr("Removes the chosen class and its labels. Use Undo to restore them.")
        )
        self._remove.clicked.connect(self.remove_class)
        row = QHBoxLayout()
        for button in (self._draw, self._add, self._remove):
            row.addWidget(button)
        row.addStretch(1)
        return row

    def _on_draw(self, *_: Any) -> None:
        self.draw(self.table.row())
        self._show_drawing()  # the click has toggled the button, whether or not drawing started

    # -- small questions -------------------------------------------------------------------------

    def _can_draw(self) -> bool:
        return self._layer is not None and self.unit != "raster" and self._column() >= 0

    def _column(self) -> int:
        return self._layer.fields().lookupField(self._field) if self._field else -1

    def _value(self, label: str) -> Any:
        """A class's value in the type of its field."""
        is_number = self._layer.fields().at(self._column()).isNumeric()
        return int(label) if is_number and is_whole(label) else label
