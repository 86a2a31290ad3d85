"""The swipe line, which the user drags over the map by mouse, or by the arrow keys while it has the focus."""

from __future__ import annotations

from qgis.PyQt.QtCore import QEvent, QPointF, QRect, Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF, QRegion
from qgis.PyQt.QtWidgets import QAbstractScrollArea, QWidget

from ..i18n import tr

GRIP = 13  # radius of the round handle in pixels
GRAB = 4  # distance from the line in pixels at which the mouse grabs it
STEP = 0.02  # share of the width that an arrow key moves it
_LIGHT, _DARK = QColor(255, 255, 255), QColor(40, 40, 40)


class SwipeLine(QWidget):
    """A vertical line over a map canvas, as high as the map.

    It is a widget on the canvas, not part of the map: it keeps its place while the map is panned, and all mouse events
    beside it go to the map tool.
    """

    moved = pyqtSignal()
    ended = pyqtSignal()

    def __init__(self, canvas: QAbstractScrollArea) -> None:
        """Places the line in the middle.

        Args:
            canvas: The map canvas, its parent.
        """
        super().__init__(canvas)
        self._canvas = canvas
        self._fraction = 0.5
        self._grabbed_at = 0.0
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Line between the two maps"))
        self.place()

    @property
    def fraction(self) -> float:
        """The line's position, from 0 (left) to 1 (right)."""
        return self._fraction

    @property
    def x_in_view(self) -> int:
        """The line's position in the canvas's viewport, in pixels from the left."""
        return round(self._fraction * (self._canvas.viewport().width() - 1))

    def move_to(self, fraction: float) -> None:
        """Moves the line.

        Args:
            fraction: Position from 0 (left) to 1 (right); other values are clamped.
        """
        self._fraction = min(1.0, max(0.0, fraction))
        self.place()
        self.moved.emit()

    def place(self) -> None:
        """Fits the line to the current size of the canvas."""
        view = self._canvas.viewport().geometry()
        self.setGeometry(
            view.left() + self.x_in_view - GRIP, view.top(), 2 * GRIP + 1, view.height()
        )
        line = QRegion(QRect(GRIP - GRAB, 0, 2 * GRAB + 1, view.height()))
        self.setMask(line.united(QRegion(self._grip(), QRegion.RegionType.Ellipse)))

    def _grip(self) -> QRect:
        return QRect(0, self.height() // 2 - GRIP, 2 * GRIP + 1, 2 * GRIP + 1)

    def _x_in_view_of(self, event: QEvent) -> float:
        # position() in Qt 6, pos() in Qt 5.
        at = event.position() if hasattr(event, "position") else event.pos()
        return at.x() + self.x() - self._canvas.viewport().x()

    # -- mouse -----------------------------------------------------------------------------------

    def mousePressEvent(self, event: QEvent) -> None:  # noqa: N802
        """Grabs the line with the left button; the map handles the others."""
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        self._grabbed_at = self._x_in_view_of(event) - self.x_in_view
        event.accept()

    def mouseMoveEvent(self, event: QEvent) -> None:  # noqa: N802
        """Drags the line."""
        if not event.buttons() & Qt.MouseButton.LeftButton:
            event.ignore()
            return
        width = max(1, self._canvas.viewport().width() - 1)
        self.move_to((self._x_in_view_of(event) - self._grabbed_at) / width)
        event.accept()

    # -- keyboard --------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        """Claims the line's keys before QGIS's shortcuts get them."""
        if event.type() == QEvent.Type.ShortcutOverride and event.key() in _KEYS:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QEvent) -> None:  # noqa: N802
        """Arrow keys move the line, with Shift by one pixel; Home and End move it to the edges; Esc ends."""
        key = event.key()
        if key == Qt.Key.Key_Escape:
            self.ended.emit()
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            fine = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
            step = 1 / max(1, self._canvas.viewport().width() - 1) if fine else STEP
            self.move_to(self._fraction + (step if key == Qt.Key.Key_Right else -step))
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self.move_to(0.0 if key == Qt.Key.Key_Home else 1.0)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QEvent) -> None:  # noqa: N802
        """Repaints the line to show that it has the focus."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QEvent) -> None:  # noqa: N802
        """Repaints the line to show that it has lost the focus."""
        super().focusOutEvent(event)
        self.update()

    # -- look ------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draws a light line with dark edges, which is visible on every map, and the handle with two arrows."""
        painter = QPainter(self)
        painter.fillRect(QRect(GRIP - 2, 0, 5, self.height()), _DARK)
        painter.fillRect(QRect(GRIP - 1, 0, 3, self.height()), _LIGHT)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        focus = self.palette().highlight().color() if self.hasFocus() else _DARK
        painter.setPen(QPen(focus, 3 if self.hasFocus() else 2))
        painter.setBrush(_LIGHT)
        grip = self._grip()
        painter.drawEllipse(grip.adjusted(2, 2, -2, -2))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_DARK)
        middle = QPointF(GRIP + 0.5, grip.top() + GRIP + 0.5)
        for side in (-1, 1):
            corners = [(8, 0), (3, -4.5), (3, 4.5)]
            painter.drawPolygon(QPolygonF([middle + QPointF(side * x, y) for x, y in corners]))
        painter.end()


_KEYS = (
    Qt.Key.Key_Escape,
    Qt.Key.Key_Left,
    Qt.Key.Key_Right,
    Qt.Key.Key_Home,
    Qt.Key.Key_End,
)
