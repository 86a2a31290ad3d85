"""The map without one of its layers, painted over the canvas to the right of a line."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsMapRendererParallelJob, QgsMapSettings
from qgis.gui import QgsMapCanvas, QgsMapCanvasItem
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QObject, QPoint, QRectF, QTimer
from qgis.PyQt.QtGui import QImage, QPainter

PAUSE_MS = 30  # several changes in a row become one rendering
# The canvas paints its map at -10 and rubber bands, markers and annotations from 0 on.
_ABOVE_THE_MAP = -5.0


class BareMap(QgsMapCanvasItem):
    """The picture. After a zoom the last one is shown, scaled, until the next one is there, as the canvas does."""

    def __init__(self, canvas: QgsMapCanvas) -> None:
        """Shows nothing yet.

        Args:
            canvas: What it lies on; its scene owns it.
        """
        super().__init__(canvas)
        self._canvas = canvas
        self._image: QImage | None = None
        self._settings = QgsMapSettings()
        self._line = 0
        self.setZValue(_ABOVE_THE_MAP)

    def set_line(self, x: int) -> None:
        """Paints only to the right of this column of the viewport."""
        self._line = x
        self.update()

    def set_image(self, image: QImage, settings: QgsMapSettings) -> None:
        """Takes a picture.

        Args:
            image: A rendered map.
            settings: What it was rendered with.
        """
        self._image, self._settings = image, settings
        self.update()

    def updatePosition(self) -> None:  # noqa: N802
        """Stays where it is: the base class turns and moves items with the ground, which `paint` does itself."""

    def boundingRect(self) -> QRectF:  # noqa: N802
        """All of the view, and what may be moved into it."""
        width, height = self._canvas.width(), self._canvas.height()
        return QRectF(-width, -height, 3 * width, 3 * height)

    def paint(self, painter: QPainter, *_: Any) -> None:
        """Paints it where its ground is now."""
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
    """Renders the picture in the background, anew whenever the canvas renders its own."""

    def __init__(self, canvas: QgsMapCanvas, item: BareMap, without: str) -> None:
        """Starts the first one.

        Args:
            canvas: Whose map.
            item: Gets the pictures.
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
        """Whether a picture is on its way."""
        return self._job is not None or self._timer.isActive()

    def stop(self, canvas_is_gone: bool = False) -> None:
        """Ends a rendering, without waiting for it; no picture comes after this.

        Args:
            canvas_is_gone: It must not be touched any more.
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
        # A cancelled one lives until its threads have ended, whoever has forgotten it by then.
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
