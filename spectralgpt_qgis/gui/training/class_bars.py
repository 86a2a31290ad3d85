"""The table of classes with a bar for each class's IoU."""

from __future__ import annotations

from qgis.PyQt.QtCore import QModelIndex, QRect, QSize, Qt
from qgis.PyQt.QtGui import QColor, QIcon, QPainter, QPalette, QPixmap
from qgis.PyQt.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from ...i18n import tr
from ..plain_text import unmarked
from .run_record import ClassScore

_SHARE = Qt.ItemDataRole.UserRole
_ROWS = 6  # visible without scrolling


class ClassBars(QTableWidget):
    """One row per class: colour, name, and its IoU as a bar with the figure."""

    def __init__(self, parent: QWidget | None = None) -> None:
        """Starts without classes."""
        super().__init__(0, 2, parent)
        self.setHorizontalHeaderLabels([tr("Class"), tr("Overlap (IoU)")])
        self.horizontalHeaderItem(1).setToolTip(
            tr(
                "Overlap (intersection over union, IoU): the area where map and labels both show this class, divided "
                "by the area where at least one of them does. 100 % is best."
            )
        )
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.horizontalHeader().setHighlightSections(False)
        self.verticalHeader().setVisible(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setShowGrid(False)
        self.setItemDelegateForColumn(1, _Bar(self))
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 6)

    def show_scores(self, scores: list[ClassScore]) -> None:
        """Shows the classes in the order given."""
        self.setRowCount(len(scores))
        for row, score in enumerate(scores):
            name = QTableWidgetItem(swatch(score.color), score.title)
            name.setToolTip(unmarked(score.title))
            self.setItem(row, 0, name)
            figure = QTableWidgetItem("–" if score.iou is None else f"{100 * score.iou:.0f} %")
            figure.setData(_SHARE, -1.0 if score.iou is None else score.iou)
            if score.iou is None:
                figure.setToolTip(tr("Not known: no label of this class is held back."))
            self.setItem(row, 1, figure)
        self.updateGeometry()
        self.setFixedHeight(self.sizeHint().height())

    def sizeHint(self) -> QSize:  # noqa: N802
        """High enough for a few classes; the table scrolls if there are more."""
        rows = min(max(self.rowCount(), 1), _ROWS)
        height = self.horizontalHeader().sizeHint().height()
        height += rows * self.verticalHeader().defaultSectionSize() + 2 * self.frameWidth()
        return QSize(300, height)


def swatch(color: str, side: int = 12) -> QIcon:
    """A square of a class's colour."""
    square = QPixmap(side, side)
    square.fill(QColor(color))
    painter = QPainter(square)
    painter.setPen(QColor(0, 0, 0, 90))
    painter.drawRect(0, 0, side - 1, side - 1)
    painter.end()
    return QIcon(square)


class _Bar(QStyledItemDelegate):
    """Draws a share as a bar with its figure beside it."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Draws one cell."""
        share = float(index.data(_SHARE) or 0.0)
        box = QRect(option.rect).adjusted(2, 3, -4, -3)
        width = option.fontMetrics.horizontalAdvance("100 %") + 6
        track = QRect(box.left(), box.top() + 2, box.width() - width, box.height() - 4)
        painter.save()
        text = option.palette.color(QPalette.ColorRole.Text)
        if share >= 0:
            faint = QColor(text)
            faint.setAlpha(30)
            painter.fillRect(track, faint)
            filled = QRect(track)
            filled.setWidth(round(track.width() * min(share, 1.0)))
            painter.fillRect(filled, QColor("#2f86c8"))
        painter.setPen(text)
        figure = QRect(box.right() - width, box.top(), width, box.height())
        flags = int(Qt.AlignmentFlag.AlignRight) | int(Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(figure, flags, str(index.data()))
        painter.restore()
