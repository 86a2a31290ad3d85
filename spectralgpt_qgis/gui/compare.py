"""Compares a layer with the map below it by a swipe line: the layer to its left, the map without it to its right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qgis.core import QgsMapLayer
from qgis.gui import QgsMapCanvas, QgsMapTool
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QEvent, QObject, Qt, pyqtSignal

from ..i18n import tr
from .actions import make_action
from .bare_map import BareMap, BareMapRenderer
from .swipe_line import SwipeLine


class Compare(QObject):
    """A swipe over a map canvas, during which map tools, panning and zooming work as usual.

    It ends when the layer or the canvas is removed, and when the user presses Esc.
    """

    changed = pyqtSignal(bool)

    def __init__(self, canvas: QgsMapCanvas) -> None:
        """Starts without a comparison.

        Args:
            canvas: The map canvas; not owned.
        """
        super().__init__()
        self._canvas = canvas
        self._layer: QgsMapLayer | None = None
        self._line: SwipeLine | None = None
        self._item: BareMap | None = None
        self._renderer: BareMapRenderer | None = None

    @property
    def active(self) -> bool:
        """Whether a comparison is going on."""
        return self._line is not None

    @property
    def layer(self) -> QgsMapLayer | None:
        """The compared layer."""
        return self._layer

    def start(self, layer: QgsMapLayer) -> None:
        """Shows a layer only to the left of the line, and gives the line the keyboard focus.

        Args:
            layer: A layer of the canvas; it replaces one that is being compared already.
        """
        where = self._line.fraction if self._line is not None else 0.5
        self._end()
        self._layer = layer
        self._item = BareMap(self._canvas)
        self._line = SwipeLine(self._canvas)
        self._line.setToolTip(
            tr(
                "Left: with '{}'. Right: the map without it.\nDrag the line, or move it with the arrow keys. Press "
                "Esc to exit."
            ).format(layer.name())
        )
        self._line.moved.connect(self._follow)
        self._line.ended.connect(self.stop)
        self._line.move_to(where)
        self._renderer = BareMapRenderer(self._canvas, self._item, layer.id())
        layer.willBeDeleted.connect(self.stop)
        self._canvas.destroyed.connect(self._lose_canvas)
        for watched in (self._canvas, self._canvas.viewport()):
            watched.installEventFilter(self)
        self._line.show()
        self._line.raise_()
        self._line.setFocus()
        self.changed.emit(True)

    def stop(self, *_: Any) -> None:
        """Removes the line and shows the whole map again."""
        if self.active:
            self._end()
            self.changed.emit(False)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Follows the canvas's size, and ends on Esc in the map, unless Esc cancels a shape that is being drawn."""
        if self._line is None:
            return False
        # Not on the canvas's own event, which comes before its viewport is resized.
        if event.type() == QEvent.Type.Resize and watched is not self._canvas:
            self._line.place()
            self._follow()
        elif event.type() == QEvent.Type.KeyPress and event.key() == Qt.Key.Key_Escape:
            tool = self._canvas.mapTool()
            if tool is None or not tool.flags() & QgsMapTool.Flag.EditTool:
                self.stop()
                return True
        return False

    def _follow(self) -> None:
        if self._item is not None and self._line is not None:
            self._item.set_line(self._line.x_in_view)

    def _lose_canvas(self, *_: Any) -> None:
        self._end(canvas_is_gone=True)
        self.changed.emit(False)

    def _end(self, canvas_is_gone: bool = False) -> None:
        line, item, renderer, layer = self._line, self._item, self._renderer, self._layer
        self._line = self._item = self._renderer = self._layer = None
        if line is None:
            return
        if not sip.isdeleted(layer):
            layer.willBeDeleted.disconnect(self.stop)
        renderer.stop(canvas_is_gone)
        if canvas_is_gone:  # line and item were deleted with it
            return
        self._canvas.destroyed.disconnect(self._lose_canvas)
        for watched in (self._canvas, self._canvas.viewport()):
            watched.removeEventFilter(self)
        had_focus = line.hasFocus()
        line.hide()
        line.deleteLater()
        if had_focus:
            self._canvas.setFocus()
        self._canvas.scene().removeItem(item)


def compare_action(compare: Compare, layer: Callable[[], QgsMapLayer | None], parent: Any) -> Any:
    """Makes a checkable action that is checked while a layer is compared.

    Args:
        compare: The comparison that it starts and stops.
        layer: Returns the layer to compare when the action is checked; None for none.
        parent: Parent widget.
    """

    def switch(on: bool) -> None:
        chosen = layer() if on else None
        if chosen is not None:
            compare.start(chosen)
        else:
            compare.stop()
            action.setChecked(False)

    action = make_action("compare", tr("Compare with the map below"), parent, switch)
    action.setCheckable(True)
    action.setToolTip(
        tr(
            "Shows the layer only to the left of a line, which you can drag across the map (press Esc to exit)"
        )
    )
    action.setChecked(compare.active)
    compare.changed.connect(action.setChecked)
    return action
