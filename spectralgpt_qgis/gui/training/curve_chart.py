"""The chart of a training run's curves, in the colours of the user's theme."""

from __future__ import annotations

from dataclasses import dataclass

from qgis.PyQt.QtCore import QPointF, QRectF, QSize, Qt
from qgis.PyQt.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen, QPolygonF
from qgis.PyQt.QtWidgets import QLabel, QSizePolicy, QWidget

from ...i18n import localised, tr
from .axes import limits, ticks, whole_ticks

# Colours that colour-blind people can distinguish, readable on white and on black.
SCORE, SECOND, LOSS = "#2f86c8", "#3aa183", "#d9822b"


@dataclass(frozen=True)
class Curve:
    """A curve.

    Attributes:
        title: Text in the legend.
        color: "#rrggbb".
        points: Value by step.
        is_share: Whether values are shares 0..1, drawn in percent on the left axis; others use the right axis.
    """

    title: str
    color: str
    points: dict[int, float]
    is_share: bool = True


class CurveChart(QLabel):
    """Shares on the left axis, losses on the right, steps on the lower axis; shows a message while it is empty.

    A QLabel without text, because QGIS's dark themes set the text colour only for labels.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        """Starts empty."""
        super().__init__(parent)
        self._curves: list[Curve] = []
        self._last = 1
        self._step_title = ""
        self._mark: tuple[int, float] | None = None
        self._empty = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(150)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Wide enough for a dock."""
        return QSize(340, 190)

    def show_message(self, text: str) -> None:
        """Clears the chart and shows a message.

        Args:
            text: What will be shown here, or why nothing is.
        """
        self._curves, self._mark, self._empty = [], None, text
        self.setAccessibleDescription(text)
        self.update()

    def show_curves(
        self,
        curves: list[Curve],
        last: int,
        step_title: str,
        mark: tuple[int, float] | None = None,
    ) -> None:
        """Draws curves.

        Args:
            curves: The curves, in the order of the legend.
            last: The last possible step.
            step_title: Name of a step.
            mark: Step and share of the point to mark as the best.
        """
        self._curves = [curve for curve in curves if curve.points]
        steps = [step for curve in self._curves for step in curve.points]
        self._last = max([last, 1, *steps])
        self._step_title, self._mark = step_title, mark
        self.setAccessibleDescription(
            "; ".join(
                f"{curve.title}: {_value(curve, curve.points[max(curve.points)])}"
                for curve in self._curves
            )
        )
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draws the curves, or the message."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        text = self.palette().color(self.foregroundRole())
        painter.setPen(text)
        if not self._curves:
            flags = int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextWordWrap)
            faint = QColor(text)
            faint.setAlpha(170)
            painter.setPen(faint)
            painter.drawText(self.rect().adjusted(12, 12, -12, -12), flags, self._empty)
            return
        small = self.font()
        small.setPointSizeF(max(6.5, small.pointSizeF() - 1))
        painter.setFont(small)
        metrics = QFontMetricsF(small)
        line = metrics.height()
        shares = [curve for curve in self._curves if curve.is_share]
        losses = [curve for curve in self._curves if not curve.is_share]
        top = self._draw_legend(painter, metrics, text) + 0.6 * line
        right = metrics.horizontalAdvance("0.00") + 8 if losses else 12
        left = metrics.horizontalAdvance("100 %") + 8
        frame = QRectF(left, top, self.width() - left - right, self.height() - top - 2.3 * line)
        self._draw_steps(painter, frame, metrics, text)
        if shares:
            low, high = limits([value for curve in shares for value in curve.points.values()])
            low, high = max(low, 0.0), min(high, 1.0)
            self._draw_axis(painter, frame, (low, high), text, percent=True)
            for curve in reversed(shares):  # the first decides the best round, so it is on top
                self._draw_curve(painter, frame, curve, (low, high))
            if self._mark is not None:
                self._draw_mark(painter, frame, (low, high))
        if losses:
            span = limits([value for curve in losses for value in curve.points.values()])
            self._draw_axis(painter, frame, span, text, percent=False, grid=not shares)
            for curve in losses:
                self._draw_curve(painter, frame, curve, span)

    def _draw_legend(self, painter: QPainter, metrics: QFontMetricsF, text: QColor) -> float:
        """Draws the legend, in as many rows as it needs; returns the y coordinate of its lower edge."""
        x, y, line = 6.0, 2.0, metrics.height()
        for curve in self._curves:
            title = f"{curve.title}  {_value(curve, curve.points[max(curve.points)])}"
            width = 22 + metrics.horizontalAdvance(title) + 14
            if x > 6 and x + width > self.width():
                x, y = 6.0, y + line
            painter.setPen(_pen(curve))
            painter.drawLine(QPointF(x, y + line / 2), QPointF(x + 16, y + line / 2))
            painter.setPen(text)
            painter.drawText(QPointF(x + 22, y + metrics.ascent()), title)
            x += width
        return y + line

    def _draw_steps(
        self, painter: QPainter, frame: QRectF, metrics: QFontMetricsF, text: QColor
    ) -> None:
        """Draws the lower axis, with whole steps and the name of a step."""
        most = max(2, int(frame.width() / (metrics.horizontalAdvance("000") + 12)))
        painter.setPen(text)
        for step in whole_ticks(self._last, most):
            x, label = self._x(frame, step), str(step)
            painter.drawLine(QPointF(x, frame.bottom()), QPointF(x, frame.bottom() + 3))
            place = QPointF(
                x - metrics.horizontalAdvance(label) / 2, frame.bottom() + 4 + metrics.ascent()
            )
            painter.drawText(place, label)
        middle = frame.center().x() - metrics.horizontalAdvance(self._step_title) / 2
        painter.drawText(QPointF(middle, self.height() - metrics.descent() - 1), self._step_title)
        painter.drawLine(frame.bottomLeft(), frame.bottomRight())

    def _draw_axis(
        self,
        painter: QPainter,
        frame: QRectF,
        span: tuple[float, float],
        text: QColor,
        *,
        percent: bool,
        grid: bool = True,
    ) -> None:
        """Draws a vertical axis with its grid: percent on the left, plain numbers on the right."""
        metrics = QFontMetricsF(painter.font())
        faint = QColor(text)
        faint.setAlpha(40)
        for value in ticks(*span, max(2, min(5, int(frame.height() / (2 * metrics.height()))))):
            y = _y(frame, value, span)
            if grid:
                painter.setPen(faint)
                painter.drawLine(QPointF(frame.left(), y), QPointF(frame.right(), y))
            label = f"{100 * value:.0f} %" if percent else localised(f"{value:g}")
            left = frame.left() - metrics.horizontalAdvance(label) - 5
            x = left if percent else frame.right() + 5
            painter.setPen(text)
            painter.drawText(QPointF(x, y + metrics.ascent() / 2 - 1), label)

    def _draw_curve(
        self, painter: QPainter, frame: QRectF, curve: Curve, span: tuple[float, float]
    ) -> None:
        points = [
            QPointF(self._x(frame, step), _y(frame, curve.points[step], span))
            for step in sorted(curve.points)
        ]
        painter.setPen(_pen(curve))
        painter.drawPolyline(QPolygonF(points))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(curve.color))
        for point in points if len(points) <= 60 else points[-1:]:
            painter.drawEllipse(point, 2.4, 2.4)
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def _draw_mark(self, painter: QPainter, frame: QRectF, span: tuple[float, float]) -> None:
        step, value = self._mark or (0, 0.0)
        place = QPointF(self._x(frame, step), _y(frame, value, span))
        painter.setPen(QPen(self.palette().color(self.foregroundRole()), 1.4))
        painter.drawEllipse(place, 5.5, 5.5)
        metrics = QFontMetricsF(painter.font())
        label = tr("best")
        width = metrics.horizontalAdvance(label)
        x = min(max(place.x() - width / 2, frame.left()), frame.right() - width)
        above = place.y() - 8 > frame.top() + metrics.ascent()
        y = place.y() - 8 if above else place.y() + 8 + metrics.ascent()
        painter.drawText(QPointF(x, y), label)

    def _x(self, frame: QRectF, step: int) -> float:
        return frame.left() + frame.width() * step / self._last


def _y(frame: QRectF, value: float, span: tuple[float, float]) -> float:
    low, high = span
    return frame.bottom() - frame.height() * (value - low) / (high - low or 1)


def _pen(curve: Curve) -> QPen:
    pen = QPen(QColor(curve.color), 1.8)
    if not curve.is_share:
        pen.setStyle(Qt.PenStyle.DashLine)
    return pen


def _value(curve: Curve, value: float) -> str:
    return f"{100 * value:.0f} %" if curve.is_share else localised(f"{value:.3g}")
