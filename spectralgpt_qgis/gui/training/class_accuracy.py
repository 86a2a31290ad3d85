"""The table of precision, recall, F1 and IoU of each class."""

from __future__ import annotations

from typing import Any

from qgis.PyQt.QtCore import QEvent, QSize, Qt
from qgis.PyQt.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from ...i18n import tr
from ..plain_text import unmarked
from .accuracy_words import percent
from .class_bars import swatch

FIGURES = ("precision", "recall", "f1", "iou")


class ClassAccuracy(QTableWidget):
    """One row per class; tooltips of the columns explain the figures."""

    def __init__(self, parent: QWidget | None = None) -> None:
        """Starts without classes."""
        super().__init__(0, 1 + len(FIGURES), parent)
        titles = (
            (tr("Class"), ""),
            (
                tr("Prec."),
                tr(
                    "Precision (user's accuracy): the share of the pixels mapped as this class that really belong to "
                    "it."
                ),
            ),
            (
                tr("Recall"),
                tr(
                    "Recall (producer's accuracy): the share of the pixels of this class that were mapped as this "
                    "class."
                ),
            ),
            (tr("F1"), tr("The harmonic mean of precision and recall.")),
            (
                tr("Overlap"),
                tr(
                    "Overlap (intersection over union, IoU): the area where map and labels both show this class, "
                    "divided by the area where at least one of them does."
                ),
            ),
        )
        self.setHorizontalHeaderLabels([title for title, _ in titles])
        for column, (_, tip) in enumerate(titles):
            self.horizontalHeaderItem(column).setToolTip(tip)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(30)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in range(1, self.columnCount()):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setVisible(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setShowGrid(False)

    def show_classes(self, classes: list[dict[str, Any]], figures: dict[str, Any]) -> None:
        """Shows the classes.

        Args:
            classes: Title and color of each class.
            figures: Figures of each class, by title.
        """
        self.setRowCount(len(classes))
        for row, item in enumerate(classes):
            name = QTableWidgetItem(swatch(item["color"]), item["title"])
            name.setToolTip(unmarked(item["title"]))
            self.setItem(row, 0, name)
            of_class = figures.get(item["title"], {})
            for column, figure in enumerate(FIGURES, 1):
                cell = QTableWidgetItem(percent(of_class.get(figure)))
                cell.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.setItem(row, column, cell)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Fits the columns to another font or theme; both come only when the table is in a window."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()

    def _fit(self) -> None:
        """Makes the columns of figures as narrow as they can be, as class names are long."""
        header, text = self.horizontalHeader(), self.fontMetrics()
        for column in range(1, self.columnCount()):
            usual = text.horizontalAdvance("99.9 %") + 8
            wanted = (usual, header.sectionSizeHint(column), self.sizeHintForColumn(column))
            header.resizeSection(column, max(wanted))
        self.verticalHeader().setDefaultSectionSize(text.height() + 6)
        self.setFixedHeight(self.sizeHint().height())

    def sizeHint(self) -> QSize:  # noqa: N802
        """High enough to show all rows."""
        height = self.horizontalHeader().sizeHint().height() + 2 * self.frameWidth()
        return QSize(320, height + self.rowCount() * self.verticalHeader().defaultSectionSize())
