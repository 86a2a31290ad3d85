"""Prepares raster layers for the engine, reading all that it needs while in the layer's thread.

The engine opens raster files itself, in its own process. A layer that is not a file (a web service, a database, a
virtual layer) is first written to a temporary GeoTIFF of limited size.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCoordinateTransformContext,
    QgsDataProvider,
    QgsFeedback,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProviderRegistry,
    QgsRasterBlockFeedback,
    QgsRasterDataProvider,
    QgsRasterFileWriter,
    QgsRasterLayer,
    QgsRasterPipe,
    QgsRectangle,
)
from qgis.PyQt.QtCore import Qt

from ..i18n import tr
from ..raster_source import additional_nodata, crs_text, engine_path
from .ground_size import pixel_of
from .vector_input import file_stem

EXPORT_LIMIT = 2 * 1024**3  # bytes, uncompressed


class RasterInput(NamedTuple):
    """A raster for the engine.

    Attributes:
        name: The layer's name, for messages.
        path: A path or GDAL data source name; empty if the layer must be written to a file first.
        crs: The CRS to assume if the file itself has none: an authority id or WKT; may be empty.
        extent: In the layer's CRS.
        layer_crs: The layer's CRS.
        nodata: Additional no-data values that the user set in the layer's properties.
        notes: Warnings for the user, each a sentence.
        provider_key: Key of the QGIS data provider that reads the layer.
        uri: Data source URI for that provider.
        has_crs: Whether the file itself has a CRS.
    """

    name: str
    path: str
    crs: str
    extent: QgsRectangle
    layer_crs: QgsCoordinateReferenceSystem
    nodata: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()
    provider_key: str = ""
    uri: str = ""
    has_crs: bool = True

    def source(
        self,
        folder: Path,
        area: tuple[QgsRectangle, QgsCoordinateReferenceSystem] | None,
        pixel_metres: float,
        transforms: QgsCoordinateTransformContext,
        feedback: QgsProcessingFeedback,
    ) -> str:
        """A path or GDAL data source name that the engine can open; writes the layer to a file where necessary.

        Args:
            folder: Folder for the temporary file.
            area: The part that is needed, with its CRS; None for all of it.
            pixel_metres: Pixel size on the ground in metres, for services without a resolution of their own.
            transforms: Coordinate transforms of the run.
            feedback: Can cancel the writing; takes the pixel size of a service.

        Raises:
            QgsProcessingException: The layer cannot be written, or is too large for that.
        """
        if self.path:
            return self.path
        # A new provider in this thread, not a clone of the layer's: clones of some providers share state with it.
        provider = QgsProviderRegistry.instance().createProvider(
            self.provider_key, self.uri, QgsDataProvider.ProviderOptions()
        )
        if provider is None or not provider.isValid():
            raise QgsProcessingException(
                tr(
                    "The layer '{}' cannot be opened. Check its source, or remove it and add it again."
                ).format(self.name)
            )
        extent = self._needed(area, transforms)
        width, height = provider.xSize(), provider.ySize()
        if width > 0 and height > 0:
            pixel = (self.extent.width() / width, self.extent.height() / height)
        else:
            # A web service can deliver any resolution, so use the one that the model was trained at.
            self._check_limited(area is not None)
            pixel = pixel_of(pixel_metres, extent, self.layer_crs, transforms)
            feedback.pushInfo(self._told_size(pixel_metres, pixel))
        columns, rows = (
            max(1, round(side / step))
            for side, step in zip((extent.width(), extent.height()), pixel)
        )
        # Named after the layer, as the engine's messages contain the file name.
        target = folder / f"{file_stem(self.name) or 'input'}.tif"
        self._check_room(provider, columns, rows, folder)
        names = band_names(provider)
        self._write(provider, target, columns, rows, extent, transforms, feedback)
        _write_band_names(target, names)
        return str(target)

    def _needed(
        self,
        area: tuple[QgsRectangle, QgsCoordinateReferenceSystem] | None,
        transforms: QgsCoordinateTransformContext,
    ) -> QgsRectangle:
        if area is None:
            return self.extent
        rectangle, crs = area
        if crs.isValid() and self.layer_crs.isValid() and crs != self.layer_crs:
            rectangle = QgsCoordinateTransform(
                crs, self.layer_crs, transforms
            ).transformBoundingBox(rectangle)
        needed = rectangle.intersect(self.extent)
        if needed.isEmpty():
            raise QgsProcessingException(
                tr(
                    "The extent does not intersect the layer '{}'. Draw an extent over the layer, or leave it empty."
                ).format(self.name)
            )
        return needed

    def _check_limited(self, limited: bool) -> None:
        if not limited:
            raise QgsProcessingException(
                tr(
                    "The layer '{}' is a web service without a fixed size. If the tool has an extent parameter, set "
                    "it to the area that you need. Otherwise save that area as a GeoTIFF (right-click, Export, Save "
                    "As) and use the file."
                ).format(self.name)
            )

    def _told_size(self, metres: float, pixel: tuple[float, float]) -> str:
        return tr(
            "The layer '{name}' is a service without a size of its own: it is read at {metres:g} m on the ground, "
            "there {across:.6g} x {down:.6g} units of {crs}."
        ).format(
            name=self.name,
            metres=metres,
            across=pixel[0],
            down=pixel[1],
            crs=self.layer_crs.authid() or self.layer_crs.description(),
        )

    def _check_room(
        self, provider: QgsRasterDataProvider, columns: int, rows: int, folder: Path
    ) -> None:
        count = max(1, provider.bandCount())
        size = (
            columns
            * rows
            * sum(max(1, provider.dataTypeSize(band)) for band in range(1, count + 1))
        )
        limit = min(EXPORT_LIMIT, shutil.disk_usage(folder).free)
        if size > limit:
            raise QgsProcessingException(
                tr(
                    "The layer '{name}' is not a file, so it has to be copied first: {columns} x {rows} pixels in "
                    "{count} bands, {size:.1f} GB. At most {limit:.1f} GB can be copied. Set a smaller extent, or "
                    "save the layer as a GeoTIFF (right-click, Export, Save As) and use the file."
                ).format(
                    name=self.name,
                    columns=columns,
                    rows=rows,
                    count=count,
                    size=size / 1024**3,
                    limit=limit / 1024**3,
                )
            )

    def _write(
        self,
        provider: QgsRasterDataProvider,
        target: Path,
        columns: int,
        rows: int,
        extent: QgsRectangle,
        transforms: QgsCoordinateTransformContext,
        feedback: QgsFeedback,
    ) -> None:
        pipe = QgsRasterPipe()
        if not pipe.set(provider):
            raise QgsProcessingException(
                tr(
                    "The layer '{}' cannot be read pixel by pixel. Save it as a GeoTIFF and use the file."
                ).format(self.name)
            )
        writer = QgsRasterFileWriter(str(target))
        writer.setOutputFormat("GTiff")
        writer.setCreateOptions(["TILED=YES", "COMPRESS=DEFLATE", "BIGTIFF=IF_SAFER"])
        block_feedback = QgsRasterBlockFeedback()
        # A direct connection, because this thread has no event loop that would deliver a queued signal.
        feedback.canceled.connect(block_feedback.cancel, Qt.ConnectionType.DirectConnection)
        try:
            result = writer.writeRaster(
                pipe, columns, rows, extent, self.layer_crs, transforms, block_feedback
            )
        finally:
            feedback.canceled.disconnect(block_feedback.cancel)
        if feedback.isCanceled():
            return
        if result != QgsRasterFileWriter.WriterError.NoError:
            raise QgsProcessingException(
                tr(
                    "The layer '{name}' could not be copied to {path} (error {code}). Check that the service "
                    "responds and that the disk has enough free space, or save the layer as a GeoTIFF and use the "
                    "file."
                ).format(name=self.name, path=target, code=int(result))
            )


class RasterFiles:
    """The rasters of a run as the engine opens them, and what its job has to say of all of them."""

    def __init__(
        self,
        folder: Path,
        area: tuple[QgsRectangle, QgsCoordinateReferenceSystem] | None,
        pixel_metres: float,
        transforms: QgsCoordinateTransformContext,
        feedback: QgsProcessingFeedback,
    ) -> None:
        """Starts without rasters; for the arguments see `RasterInput.source`."""
        self._folder, self._feedback = folder, feedback
        self._settings = (area, pixel_metres, transforms, feedback)
        self._rasters: list[RasterInput] = []

    def add(self, raster: RasterInput, name: str) -> str:
        """A path or GDAL data source name; also tells the notes about the raster.

        Args:
            raster: The raster.
            name: Name of its own folder inside the folder for temporary files.

        Raises:
            QgsProcessingException: See `RasterInput.source`.
        """
        for note in raster.notes:
            self._feedback.pushWarning(note)
        inside = self._folder / name
        inside.mkdir()
        self._rasters.append(raster)
        return raster.source(inside, *self._settings)

    def fields(self) -> dict[str, Any]:
        """The CRS to assume, and the additional no-data values, which the engine takes for all rasters alike."""
        values = dict.fromkeys(value for raster in self._rasters for value in raster.nodata)
        crs = {"crs": assumed_crs(self._rasters)} if self._rasters else {}
        return {**crs, "nodata": list(values)}


def band_names(provider: QgsRasterDataProvider) -> list[str]:
    """Names of the bands, without the "Band 1" that QGIS prepends; empty for a band without a name."""
    return [
        re.sub(r"^Band 0*\d+\s*:?\s*", "", provider.generateBandName(band))
        for band in range(1, provider.bandCount() + 1)
    ]


def _write_band_names(target: Path, names: list[str]) -> None:
    """Writes the band names to an .aux.xml file that GDAL reads, as QGIS's raster writer drops them."""
    entries = "".join(
        f'<PAMRasterBand band="{number}"><Description>{escape(name)}</Description></PAMRasterBand>'
        for number, name in enumerate(names, start=1)
        if name
    )
    Path(f"{target}.aux.xml").write_text(f"<PAMDataset>{entries}</PAMDataset>", encoding="utf-8")


def read_raster(layer: QgsRasterLayer) -> RasterInput:
    """Reads from a layer all that a run needs, so that other threads need not touch the layer.

    Args:
        layer: A valid raster layer of this thread.
    """
    provider = layer.dataProvider()
    nodata, notes = additional_nodata(layer)
    own, given = provider.crs(), layer.crs()
    if own.isValid() and given.isValid() and own != given:
        notes.append(
            tr(
                "The layer '{name}' has the CRS {given}, but its file specifies {own}. The CRS of the file is used."
            ).format(
                name=layer.name(),
                given=given.userFriendlyIdentifier(),
                own=own.userFriendlyIdentifier(),
            )
        )
    path = engine_path(layer)
    return RasterInput(
        name=layer.name(),
        path=path,
        crs=crs_text(given),
        extent=QgsRectangle(layer.extent()),
        layer_crs=given,
        nodata=nodata,
        notes=tuple(notes),
        provider_key=layer.providerType(),
        uri=layer.source(),
        has_crs=own.isValid(),
    )


def assumed_crs(rasters: Iterable[RasterInput]) -> str:
    """The CRS to assume for files without one: that of the first layer with such a file, else of the first layer."""
    return min(rasters, key=lambda raster: raster.has_crs).crs
