"""The table of classes: colour, name, value, label counts, and warnings where there are too few labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from qgis.core import QgsApplication
from qgis.gui import QgsColorDialog
from qgis.PyQt.QtCore import QAbstractTableModel, QModelIndex, QSize, Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor, QFont, QFontMetrics, QIcon, QPixmap
from qgis.PyQt.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from ...i18n import tr
from ...tasks.label_count import LabelCounts
from ..plain_text import unmarked
from .label_classes import LabelClass, renamed

# Labels per class, in different places, that the help of 'Train model from labels' recommends at least.
FEWEST = 3
COLOUR, NAME, VALUE, FEATURES, PIXELS, DRAW = range(6)
_FLAGS = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_RIGHT = int(getattr(_FLAGS, "value", _FLAGS))  # item models return ints, with Qt 6 too


def shortage(item: LabelClass, counts: LabelCounts, unit: str) -> str:
    """A sentence about a class with too few labels; empty if it has enough.

    Args:
        item: The class.
        counts: Label counts of its layer.
        unit: "polygon", "point" or "raster".
    """
    found = counts.of(item.label)
    if unit == "raster":
        return "" if found.pixels else tr("No pixel of the raster has this value.")
    if found.features >= FEWEST:
        return ""
    if unit == "point":
        return tr(
            "{given} of at least {wanted} points. Draw {wanted} to ten points in different places: some of them are "
            "held back to measure the accuracy on areas that the model has not seen."
        ).format(given=found.features, wanted=FEWEST)
    return tr(
        "{given} of at least {wanted} polygons. Draw {wanted} to ten polygons in different places: some of them are "
        "held back to measure the accuracy on areas that the model has not seen."
    ).format(given=found.features, wanted=FEWEST)


class ClassTableModel(QAbstractTableModel):
    """Classes and their counts; colours and names can be edited."""

    edited = pyqtSignal()  # the user changed a colour or a name
    taken = pyqtSignal(int, int)  # row whose name was refused, and row of the class that has it

    def __init__(self, parent: Any = None) -> None:
        """Starts without classes.

        Args:
            parent: Parent object.
        """
        super().__init__(parent)
        self._classes: list[LabelClass] = []
        self._counts: LabelCounts | None = None
        self._unit = "polygon"
        self._drawn = ""

    @property
    def classes(self) -> tuple[LabelClass, ...]:
        """The classes, in the order shown."""
        return tuple(self._classes)

    def show_classes(self, classes: Sequence[LabelClass], unit: str) -> None:
        """Replaces the classes.

        Args:
            classes: The classes, in order.
            unit: Kind of labels: "polygon", "point" or "raster".
        """
        if list(classes) == self._classes and unit == self._unit:
            return
        self.beginResetModel()
        self._classes, self._unit = list(classes), unit
        self.endResetModel()

    def show_counts(self, counts: LabelCounts | None) -> None:
        """Shows the label counts; None while they are not known."""
        self._counts = counts
        self._tell_rows(FEATURES, PIXELS)

    def show_drawn(self, label: str) -> None:
        """Marks the class that is being drawn; empty for none."""
        self._drawn = label
        self._tell_rows(COLOUR, DRAW)

    def shortage(self, row: int) -> str:
        """The sentence about too few labels for a row; empty if there are enough, or not known yet."""
        if self._counts is None or not self._counts.known:
            return ""
        return shortage(self._classes[row], self._counts, self._unit)

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008, N802
        """One row per class."""
        return 0 if parent.isValid() else len(self._classes)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008, N802
        """The columns are the constants of this module."""
        return 0 if parent.isValid() else DRAW + 1

    def headerData(self, section: int, orientation: Any, role: int = 0) -> Any:  # noqa: N802
        """The titles of the columns."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            labels = tr("Points") if self._unit == "point" else tr("Polygons")
            return ("", tr("Class"), tr("Value"), labels, tr("Pixels"), "")[section]
        if role == Qt.ItemDataRole.ToolTipRole and section == PIXELS:
            return tr("Labelled area in pixels of the first raster, including unsaved edits.")
        return None

    def flags(self, index: QModelIndex) -> Any:
        """Colours and names can be edited."""
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return flags | Qt.ItemFlag.ItemIsEditable if index.column() in (COLOUR, NAME) else flags

    def data(self, index: QModelIndex, role: int = 0) -> Any:
        """The data of a cell."""
        item, column = self._classes[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(item, column)
        if role == Qt.ItemDataRole.EditRole:
            return {COLOUR: item.colour, NAME: item.name}.get(column)
        if role == Qt.ItemDataRole.DecorationRole:
            return self._picture(index.row(), column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return unmarked(self._tip(index.row(), column))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._spoken(index.row(), column)
        if role == Qt.ItemDataRole.FontRole and self._drawn == item.label:
            font = QFont()
            font.setBold(True)
            return font
        if role == Qt.ItemDataRole.TextAlignmentRole and column in (VALUE, FEATURES, PIXELS):
            return _RIGHT
        return None

    def setData(self, index: QModelIndex, value: Any, role: int = 0) -> bool:  # noqa: N802
        """Sets a new name or colour."""
        if role != Qt.ItemDataRole.EditRole:
            return False
        item, text = self._classes[index.row()], str(value).strip()
        if index.column() == NAME:
            others = [other for other in self._classes if other is not item]
            names = [other.name for other in self._classes]
            if text in names and text != item.name:
                self.taken.emit(index.row(), names.index(text))
                return False
            new = renamed(item, text, others) if text and text != item.name else item
        else:
            new = replace(item, colour=QColor(text).name()) if QColor(text).isValid() else item
        if new == item:
            return False
        self._classes[index.row()] = new
        self.dataChanged.emit(index.siblingAtColumn(COLOUR), index.siblingAtColumn(NAME))
        self.edited.emit()
        return True

    def _text(self, item: LabelClass, column: int) -> str | None:
        if column == NAME:
            return item.name
        if column == VALUE:
            return item.label
        if column not in (FEATURES, PIXELS):
            return None
        if self._counts is None:
            return "…"
        if not self._counts.known:
            return ""
        found = self._counts.of(item.label)
        if column == FEATURES:
            return "" if self._unit == "raster" else f"{found.features:n}"
        # Without a pixel size, the pixels are not known.
        return f"{round(found.pixels):n}" if found.pixels or not found.features else "–"

    def _picture(self, row: int, column: int) -> Any:
        if column == COLOUR:
            return _swatch(self._classes[row].colour)
        if column == FEATURES and self.shortage(row):
            return QgsApplication.getThemeIcon("/mIconWarning.svg")
        if column == DRAW and self._unit == "polygon":
            return QgsApplication.getThemeIcon(
                "/mActionToggleEditing.svg"
                if self._drawn == self._classes[row].label
                else "/mActionCapturePolygon.svg"
            )
        return None

    def _tip(self, row: int, column: int) -> str:
        item = self._classes[row]
        if column == COLOUR:
            return tr("Double-click to choose another colour.")
        if column == NAME:
            return tr("{} (double-click to rename)").format(item.name)
        if column == DRAW and self._unit == "polygon":
            return tr("Draw polygons of '{}'").format(item.name)
        return self.shortage(row)

    def _spoken(self, row: int, column: int) -> str:
        """The text for screen readers, where a cell shows an icon."""
        if column == COLOUR:
            return self._classes[row].colour
        if column == FEATURES and self.shortage(row):
            return f"{self._text(self._classes[row], column)}, {self.shortage(row)}"
        if column == DRAW:
            return self._tip(row, column)
        return self._text(self._classes[row], column) or ""

    def _tell_rows(self, first: int, last: int) -> None:
        if self._classes:
            self.dataChanged.emit(self.index(0, first), self.index(len(self._classes) - 1, last))


def _swatch(colour: str) -> QIcon:
    """A square of the colour, which the selection of its row does not tint."""
    square = QPixmap(16, 16)
    square.fill(QColor(colour))
    icon = QIcon(square)
    icon.addPixmap(square, QIcon.Mode.Selected)
    return icon


class ColourDelegate(QStyledItemDelegate):
    """Chooses a colour with QGIS's own dialog."""

    def createEditor(  # noqa: N802
        self, parent: QWidget, option: QStyleOptionViewItem, index: QModelIndex
    ) -> QWidget | None:
        """Opens the dialog instead of an editor in the cell."""
        before = QColor(index.data(Qt.ItemDataRole.EditRole))
        chosen = QgsColorDialog.getColor(before, parent, tr("Colour of the class"))
        if chosen.isValid():
            index.model().setData(index, chosen.name(), Qt.ItemDataRole.EditRole)
        return None


class ClassTable(QTableView):
    """Shows the classes within a width of 340 pixels, and without scrolling up to eight rows."""

    draw_wanted = pyqtSignal(int)  # row

    MOST_ROWS = 8

    def __init__(self, parent: QWidget | None = None) -> None:
        """Starts without classes.

        Args:
            parent: The panel.
        """
        super().__init__(parent)
        self.classes = ClassTableModel(self)
        self.setModel(self.classes)
        self._colours = ColourDelegate(self)
        self.setItemDelegateForColumn(COLOUR, self._colours)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.setIconSize(QSize(16, 16))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(QFontMetrics(self.font()).height() + 8)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(24)
        for column, how in (
            (COLOUR, QHeaderView.ResizeMode.Fixed),
            (NAME, QHeaderView.ResizeMode.Stretch),
            (VALUE, QHeaderView.ResizeMode.ResizeToContents),
            (FEATURES, QHeaderView.ResizeMode.ResizeToContents),
            (PIXELS, QHeaderView.ResizeMode.ResizeToContents),
            (DRAW, QHeaderView.ResizeMode.Fixed),
        ):
            header.setSectionResizeMode(column, how)
        header.resizeSection(COLOUR, 28)
        header.resizeSection(DRAW, 28)
        self.clicked.connect(self._on_click)
        self.classes.modelReset.connect(self._fit)
        self.classes.dataChanged.connect(self._fit_width)
        self._fit()

    def row(self) -> int:
        """The selected row; -1 if there is none."""
        rows = self.selectionModel().selectedRows()
        return rows[0].row() if rows else -1

    def _on_click(self, index: QModelIndex) -> None:
        if index.column() == DRAW and index.data(Qt.ItemDataRole.DecorationRole) is not None:
            self.draw_wanted.emit(index.row())

    def _fit(self) -> None:
        rows = min(self.classes.rowCount(), self.MOST_ROWS)
        height = self.horizontalHeader().sizeHint().height() + 2 * self.frameWidth()
        self.setFixedHeight(height + rows * self.verticalHeader().defaultSectionSize())
        self._fit_width()

    def resizeEvent(self, event: Any) -> None:  # noqa: N802
        """Hides columns if the dock is narrow."""
        super().resizeEvent(event)
        self._fit_width()

    def _fit_width(self, *_: Any) -> None:
        """Hides values, then pixels, before names are cut off; the theme Night Mapping pads every cell."""
        header = self.horizontalHeader()
        for column in (VALUE, PIXELS):
            self.setColumnHidden(column, False)
        fixed = header.sectionSize(COLOUR) + header.sectionSize(DRAW)
        wanted = {
            column: max(self.sizeHintForColumn(column), header.sectionSizeHint(column))
            for column in (NAME, VALUE, FEATURES, PIXELS)
        }
        for column in (VALUE, PIXELS):
            if fixed + sum(wanted.values()) <= self.viewport().width():
                break
            wanted.pop(column)
            self.setColumnHidden(column, True)
