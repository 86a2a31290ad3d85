"""The confusion matrix of reference and map, small enough for a dock."""

from __future__ import annotations

from dataclasses import dataclass

from qgis.PyQt.QtCore import QEvent, QRectF, QSize, Qt
from qgis.PyQt.QtGui import QColor, QFont, QFontMetricsF, QHelpEvent, QPainter, QPaintEvent
from qgis.PyQt.QtWidgets import QLabel, QSizePolicy, QToolTip, QWidget

from ...i18n import localised, tr
from ..plain_text import unmarked
from .accuracy_words import percent

RIGHT, WRONG = "#2f8f4e", "#c2334d"
_CELL = (26, 24)  # minimum width and height
_WIDEST = 76
_SWATCH = 10
_DOCK = 320  # width, px
_STANDING = 110.0  # maximum height of a vertical title


@dataclass(frozen=True)
class Place:
    """A cell of the matrix."""

    row: int
    column: int


class ConfusionMatrix(QLabel):
    """Reference in rows, map in columns; the darker a cell, the larger its share of the row.

    A QLabel without text, because QGIS's dark themes set the text colour only for labels.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        """Starts empty."""
        super().__init__(parent)
        self._titles: list[str] = []
        self._colors: list[str] = []
        self._counts: list[list[int]] = []
        self._as_percent = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_matrix(self, titles: list[str], colors: list[str], counts: list[list[int]]) -> None:
        """Shows a matrix.

        Args:
            titles: Titles of the classes.
            colors: Colors of the classes, "#rrggbb".
            counts: Counts by row (reference) and column (map).
        """
        self._titles, self._colors, self._counts = titles, colors, counts
        self.setAccessibleName(tr("Confusion matrix"))
        self.setAccessibleDescription(
            "; ".join(
                self.text_at(Place(row, column))
                for row in range(len(titles))
                for column in range(len(titles))
                if counts[row][column]
            )
        )
        self.updateGeometry()
        self.setFixedHeight(self.sizeHint().height())
        self.update()

    def set_percent(self, on: bool) -> None:
        """Shows shares of the row instead of counts."""
        self._as_percent = on
        self.update()

    def text_at(self, place: Place) -> str:
        """The description of a cell."""
        count = self._counts[place.row][place.column]
        total = sum(self._counts[place.row])
        share = percent(count / total) if total else "–"
        reference, mapped = self._titles[place.row], self._titles[place.column]
        if place.row == place.column:
            return tr("{reference}: {count} mapped correctly ({share})").format(
                reference=reference, count=count, share=share
            )
        return tr("{reference}: {count} mapped as {mapped} ({share})").format(
            reference=reference, mapped=mapped, count=count, share=share
        )

    # -- measures --------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:  # noqa: N802
        """High enough for all rows."""
        rows = max(len(self._titles), 1)
        return QSize(330, round(self._top + rows * self._row_height + 4))

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Wide enough for all columns at their minimum width."""
        count = max(len(self._titles), 1)
        return QSize(round(self._narrowest_left + (count + 1) * _CELL[0]), self.sizeHint().height())

    @property
    def _metrics(self) -> QFontMetricsF:
        return QFontMetricsF(self.font())

    @property
    def _row_height(self) -> float:
        return max(float(_CELL[1]), self._metrics.height() + 6)

    @property
    def _narrowest_left(self) -> float:
        return 64.0

    @property
    def _left(self) -> float:
        """Width of the row titles."""
        widest = max((self._metrics.horizontalAdvance(t) for t in self._titles), default=0.0)
        most = max(self._narrowest_left, 0.36 * self.width())
        own = self._metrics.horizontalAdvance(tr("Reference ↓")) + 6
        return max(own, min(widest + _SWATCH + 14, most))

    @property
    def _cell_width(self) -> float:
        """Width of a cell; one more column than classes, for the sums."""
        room = self.width() - self._left - 2
        return min(max(room / (len(self._titles) + 1), _CELL[0]), _WIDEST)

    @property
    def _upright(self) -> bool:
        """Whether the column titles are vertical, because horizontal ones would not fit into a narrow dock.

        Independent of the current width: the height depends on this, and Qt's layout would not settle.
        """
        room = _DOCK - max(self._narrowest_left, 0.36 * _DOCK)
        fits = min(room / (len(self._titles) + 1), _WIDEST) - 6
        return any(self._metrics.horizontalAdvance(title) > fits for title in self._titles)

    @property
    def _top(self) -> float:
        """Height of the column titles."""
        line = self._metrics.height()
        if not self._upright:
            return 2 * line + _SWATCH + 12
        widest = max((self._metrics.horizontalAdvance(t) for t in self._titles), default=0.0)
        return line + min(widest, _STANDING) + _SWATCH + 14

    def _cell(self, row: int, column: int) -> QRectF:
        width, height = self._cell_width, self._row_height
        return QRectF(self._left + column * width, self._top + row * height, width, height)

    # -- drawing ---------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draws titles, cells and sums."""
        if not self._titles:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        text = self.palette().color(self.foregroundRole())
        faint = QColor(text)
        faint.setAlpha(170)
        painter.setPen(faint)
        line = self._metrics.height()
        corner = QRectF(0, 0, self.width() - 2, line)
        # The arrows say that columns are the map and rows the reference.
        painter.drawText(
            QRectF(self._left, 0, corner.width() - self._left, line),
            int(Qt.AlignmentFlag.AlignLeft),
            self._metrics.elidedText(
                tr("Mapped as →"), Qt.TextElideMode.ElideRight, self.width() - self._left
            ),
        )
        painter.drawText(
            QRectF(0, self._top - line - 3, self._left, line),
            int(Qt.AlignmentFlag.AlignLeft),
            tr("Reference ↓"),
        )
        for number in range(len(self._titles)):
            self._draw_column_title(painter, number, text)
            self._draw_row(painter, number, text)
        sums = self._cell(-1, len(self._titles))
        painter.setPen(faint)
        painter.drawText(sums, int(Qt.AlignmentFlag.AlignCenter), tr("Sum"))

    def _draw_column_title(self, painter: QPainter, number: int, text: QColor) -> None:
        cell = self._cell(0, number)
        self._draw_swatch(painter, number, cell.center().x(), self._top - _SWATCH / 2 - 4)
        painter.setPen(text)
        line = self._metrics.height()
        if not self._upright:
            box = QRectF(cell.left(), line + 2, cell.width(), line)
            painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), self._titles[number])
            return
        room = self._top - line - _SWATCH - 12
        painter.save()
        painter.translate(cell.center().x() - line / 2, self._top - _SWATCH - 8)
        painter.rotate(-90)
        title = self._metrics.elidedText(self._titles[number], Qt.TextElideMode.ElideRight, room)
        flags = int(Qt.AlignmentFlag.AlignLeft) | int(Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(QRectF(0, 0, room + 4, line), flags, title)
        painter.restore()

    def _draw_row(self, painter: QPainter, row: int, text: QColor) -> None:
        cell = self._cell(row, 0)
        self._draw_swatch(painter, row, _SWATCH / 2 + 2, cell.center().y())
        painter.setPen(text)
        room = self._left - _SWATCH - 10
        title = self._metrics.elidedText(self._titles[row], Qt.TextElideMode.ElideRight, room)
        box = QRectF(_SWATCH + 7, cell.top(), room, cell.height())
        flags = int(Qt.AlignmentFlag.AlignLeft) | int(Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(box, flags, title)
        total = sum(self._counts[row])
        for column, count in enumerate(self._counts[row]):
            self._draw_cell(painter, Place(row, column), count, total, text)
        painter.setPen(text)
        self._draw_figure(painter, self._cell(row, len(self._titles)), str(total))

    def _draw_cell(
        self, painter: QPainter, place: Place, count: int, total: int, text: QColor
    ) -> None:
        cell = self._cell(place.row, place.column).adjusted(1, 1, -1, -1)
        back = QColor(RIGHT if place.row == place.column else WRONG)
        share = count / total if total else 0.0
        back.setAlphaF(0.08 + 0.72 * share if count else 0.0)
        painter.fillRect(cell, back)
        painter.setPen(_line(text))
        painter.drawRect(cell)
        if not count:
            return
        # White on dark cells, else the theme's text colour.
        painter.setPen(QColor("#ffffff") if share > 0.55 else text)
        self._draw_figure(painter, cell, percent(share) if self._as_percent else str(count))

    def _draw_figure(self, painter: QPainter, cell: QRectF, figure: str) -> None:
        """Draws a number, smaller if it does not fit, and abbreviated if it still does not."""
        font = painter.font()
        least = 0.75 * font.pointSizeF()
        briefer = short(int(figure)) if figure.isdigit() else figure.replace(" %", "")
        for given in (figure, briefer):
            small = self.font()
            while _too_wide(given, small, cell) and small.pointSizeF() > least:
                small.setPointSizeF(small.pointSizeF() - 0.5)
            figure = given
            if not _too_wide(given, small, cell):
                break
        painter.setFont(small)
        painter.drawText(cell, int(Qt.AlignmentFlag.AlignCenter), figure)
        painter.setFont(font)

    def _draw_swatch(self, painter: QPainter, number: int, x: float, y: float) -> None:
        box = QRectF(x - _SWATCH / 2, y - _SWATCH / 2, _SWATCH, _SWATCH)
        painter.fillRect(box, QColor(self._colors[number]))
        painter.setPen(QColor(0, 0, 0, 90))
        painter.drawRect(box)

    # -- what a cell says ------------------------------------------------------------------------

    def place_at(self, x: float, y: float) -> Place | None:
        """The cell at a point of the widget; None if there is none."""
        count = len(self._titles)
        column = int((x - self._left) // self._cell_width)
        row = int((y - self._top) // self._row_height)
        return Place(row, column) if 0 <= row < count and 0 <= column < count else None

    def event(self, event: QEvent) -> bool:
        """Shows the description of a cell as tooltip."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            place = self.place_at(event.pos().x(), event.pos().y())
            if place is None:
                QToolTip.hideText()
            else:
                QToolTip.showText(event.globalPos(), unmarked(self.text_at(place)), self)
            return True
        return super().event(event)


def short(count: int) -> str:
    """A large number in abbreviated form: 1234 becomes 1.2k."""
    for size, mark in ((10**6, "M"), (10**3, "k")):
        if count >= size:
            value = count / size
            return localised(f"{value:.1f}{mark}" if value < 10 else f"{value:.0f}{mark}")
    return str(count)


def _too_wide(figure: str, font: QFont, cell: QRectF) -> bool:
    return QFontMetricsF(font).horizontalAdvance(figure) > cell.width() - 2


def _line(text: QColor) -> QColor:
    faint = QColor(text)
    faint.setAlpha(45)
    return faint
