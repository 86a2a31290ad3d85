"""Paints the map without one of its layers over the map canvas, to the right of a line."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsMapRendererParallelJob, QgsMapSettings
from qgis.gui import QgsMapCanvas, QgsMapCanvasItem
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QObject, QPoint, QRectF, QTimer
from qgis.PyQt.QtGui import QImage, QPainter

PAUSE_MS = 30  # to render only once for several changes in a row
# z value: the canvas's map is at -10; rubber bands, markers and annotations are at 0 and above.
_ABOVE_THE_MAP = -5.0


class BareMap(QgsMapCanvasItem):
    """The canvas item with the image. Like the canvas, it scales the last image until the next one is rendered."""

    def __init__(self, canvas: QgsMapCanvas) -> None:
        """Adds the item without an image.

        Args:
            canvas: The map canvas, whose scene owns the item.
        """
        super().__init__(canvas)
        self._canvas = canvas
        self._image: QImage | None = None
        self._settings = QgsMapSettings()
        self._line = 0
        self.setZValue(_ABOVE_THE_MAP)

    def set_line(self, x: int) -> None:
        """Limits the image to the part to the right of a column of the viewport."""
        self._line = x
        self.update()

    def set_image(self, image: QImage, settings: QgsMapSettings) -> None:
        """Shows an image.

        Args:
            image: A rendered map.
            settings: Map settings with which it was rendered.
        """
        self._image, self._settings = image, settings
        self.update()

    def updatePosition(self) -> None:  # noqa: N802
        """Does nothing; the base class would move and rotate the item with the map, which `paint` does itself."""

    def boundingRect(self) -> QRectF:  # noqa: N802
        """The view and its surroundings, which panning may move into the view."""
        width, height = self._canvas.width(), self._canvas.height()
        return QRectF(-width, -height, 3 * width, 3 * height)

    def paint(self, painter: QPainter, *_: Any) -> None:
        """Paints the image at the current position and scale of its extent."""
        now, then = self._canvas.mapSettings(), self._settings
        if self._image is None or not now.hasValidSettings():
            return
        view = self._canvas.mapToScene(self._canvas.viewport().rect()).boundingRect()
        view.setLeft(self._canvas.mapToScene(QPoint(self._line, 0)).x())
        painter.save()
        painter.setClipRect(view)
        painter.fillRect(view, self._canvas.canvasColor())
        if now.destinationCrs() == then.destinationCrs():
            centre = now.mapToPixel().transform(then.visibleExtent().center())
            scale = then.mapUnitsPerPixel() / now.mapUnitsPerPixel()
            ratio = self._image.devicePixelRatio()
            width, height = self._image.width() / ratio, self._image.height() / ratio
            painter.translate(centre.x(), centre.y())
            painter.rotate(now.rotation() - then.rotation())
            painter.scale(scale, scale)
            painter.drawImage(QRectF(-width / 2, -height / 2, width, height), self._image)
        painter.restore()


class BareMapRenderer(QObject):
    """Renders the image in the background, again whenever the canvas renders its map."""

    def __init__(self, canvas: QgsMapCanvas, item: BareMap, without: str) -> None:
        """Starts the first rendering.

        Args:
            canvas: The canvas whose map is rendered.
            item: Takes the images.
            without: Id of the layer to leave out.
        """
        super().__init__()
        self._canvas, self._item, self._without = canvas, item, without
        self._job: QgsMapRendererParallelJob | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PAUSE_MS)
        self._timer.timeout.connect(self._start)
        canvas.renderStarting.connect(self._timer.start)
        self._start()

    @property
    def busy(self) -> bool:
        """Whether an image is being rendered, or going to be."""
        return self._job is not None or self._timer.isActive()

    def stop(self, canvas_is_gone: bool = False) -> None:
        """Cancels the rendering without waiting for it; no further image will arrive.

        Args:
            canvas_is_gone: Whether the canvas was deleted, so that it must not be touched.
        """
        self._timer.stop()
        if not canvas_is_gone:
            self._canvas.renderStarting.disconnect(self._timer.start)
        self._cancel()

    def _start(self) -> None:
        self._cancel()
        settings = QgsMapSettings(self._canvas.mapSettings())
        if not settings.hasValidSettings():
            return
        layers = [layer for layer in settings.layers() if layer.id() != self._without]
        settings.setLayers(layers)
        job = QgsMapRendererParallelJob(settings)
        # Owned by Qt, so that a cancelled job lives until its threads have ended.
        sip.transferto(job, None)
        job.finished.connect(self._take)
        job.finished.connect(job.deleteLater)
        self._job = job
        job.start()

    def _cancel(self) -> None:
        job, self._job = self._job, None
        if job is not None and not sip.isdeleted(job):
            job.finished.disconnect(self._take)
            job.cancelWithoutBlocking()

    def _take(self) -> None:
        job, self._job = self._job, None
        if job is not None and not sip.isdeleted(self._item):
            self._item.set_image(job.renderedImage(), job.mapSettings())
