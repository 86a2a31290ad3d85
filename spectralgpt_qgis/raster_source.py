"""Source, CRS and no-data of a raster layer in the form that the engine needs to open it in another process."""

from __future__ import annotations

import os

from qgis.core import (
    Qgis,
    QgsCoordinateReferenceSystem,
    QgsMapLayer,
    QgsRasterDataProvider,
    QgsRasterLayer,
)

from .i18n import tr

# Sources in the memory of the QGIS process, which another process cannot open.
_IN_PROCESS = ("MEM:", "/vsimem/")
# Formats that QGIS's GDAL may read but the engine's GDAL, which comes with rasterio, does not.
_ABSENT = (
    *("ARG", "CAD", "DODS", "ECW", "FITS", "GEORASTER", "HDF4", "HDF4Image", "HEIF", "JPIPKAK"),
    *("KEA", "MrSID", "NGW", "OGCAPI", "PLSCENES", "PostGISRaster", "TileDB"),
)
_WHOLE = 1e-3  # rounding tolerance, as scales such as 0.0001 are not exact in binary


def crs_text(crs: QgsCoordinateReferenceSystem) -> str:
    """A CRS as text that any PROJ understands: the authority id, else WKT; empty if the CRS is invalid."""
    if not crs.isValid():
        return ""
    # An id such as USER:100001 is known only in this QGIS profile.
    if crs.authid() and not crs.authid().startswith("USER:"):
        return crs.authid()
    return crs.toWkt(QgsCoordinateReferenceSystem.WktVariant.WKT_PREFERRED)


def engine_path(layer: QgsRasterLayer) -> str:
    """The layer's source if the engine's process can open it, else empty."""
    if layer.providerType() != "gdal":
        return ""
    # After the | come options of QGIS's own, such as open options and credentials.
    source, _, options = layer.source().partition("|")
    if source.startswith(_IN_PROCESS) or options or "authcfg=" in source:
        return ""
    if _driver(source) in _ABSENT:
        return ""
    # Absolute, as the engine's working folder is not that of qgis_process.
    return os.path.abspath(source) if os.path.exists(source) else source


def is_picture(layer: QgsMapLayer | None) -> bool:
    """Whether the layer is a picture from a web service (WMS, WMTS, XYZ), with colours instead of measured values."""
    if not isinstance(layer, QgsRasterLayer) or not layer.isValid():
        return False
    kinds = Qgis.DataType
    return layer.dataProvider().dataType(1) in (kinds.ARGB32, kinds.ARGB32_Premultiplied)


def _driver(source: str) -> str:
    """The GDAL driver for a source; empty if there is none, or the source is not on this machine."""
    from osgeo import gdal  # not at the start of QGIS

    if source.startswith("/vsi"):
        return ""
    try:
        driver = gdal.IdentifyDriver(source)
    except RuntimeError:  # raised if other code in QGIS has switched GDAL's exceptions on
        return ""
    return driver.ShortName if driver is not None else ""


def additional_nodata(layer: QgsRasterLayer) -> tuple[tuple[float, ...], list[str]]:
    """Additional no-data values from the layer's properties, and notes on settings that cannot be applied."""
    provider, is_file = layer.dataProvider(), bool(engine_path(layer))
    values: dict[float, None] = {}
    notes = []
    for band in range(1, layer.bandCount() + 1):
        if provider.sourceHasNoDataValue(band) and not provider.useSourceNoDataValue(band):
            notes.append(
                tr(
                    "The no-data value of '{name}', band {band}, is switched off in the layer properties. It is "
                    "still treated as no-data here."
                ).format(name=layer.name(), band=band)
            )
        for item in provider.userNoDataValues(band):
            if item.min() == item.max():
                # A layer that is not a file is copied, and the copy has the values that QGIS reads.
                value = float(item.min())
                values[_stored(value, provider, band) if is_file else value] = None
            else:
                notes.append(
                    tr(
                        "The additional no-data range {low} to {high} of '{name}' is ignored: only single values are "
                        "supported."
                    ).format(low=item.min(), high=item.max(), name=layer.name())
                )
    return tuple(values), list(dict.fromkeys(notes))


def _stored(value: float, provider: QgsRasterDataProvider, band: int) -> float:
    """A no-data value as stored in the file; in QGIS it refers to values after the band's scale and offset."""
    scale, offset = provider.bandScale(band), provider.bandOffset(band)
    if scale in (0, 1) and offset == 0:
        return value
    stored = (value - offset) / (scale or 1)
    return float(round(stored)) if abs(stored - round(stored)) < _WHOLE else stored
