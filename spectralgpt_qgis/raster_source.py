"""A raster layer in the terms of the engine, which opens it in another process: its file, its CRS, its no-data."""

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

# These live inside the QGIS process: another process cannot open them by name.
_IN_PROCESS = ("MEM:", "/vsimem/")
# Formats that the GDAL of QGIS may read and that of the engine, which rasterio brings, does not.
_ABSENT = (
    *("ARG", "CAD", "DODS", "ECW", "FITS", "GEORASTER", "HDF4", "HDF4Image", "HEIF", "JPIPKAK"),
    *("KEA", "MrSID", "NGW", "OGCAPI", "PLSCENES", "PostGISRaster", "TileDB"),
)
_WHOLE = 1e-3  # what is nearer to a whole number is one: scales such as 0.0001 are no exact numbers


def crs_text(crs: QgsCoordinateReferenceSystem) -> str:
    """A CRS as text that any PROJ understands: the authority's id, else WKT; empty when invalid."""
    if not crs.isValid():
        return ""
    # USER:100001 means something in this QGIS profile only.
    if crs.authid() and not crs.authid().startswith("USER:"):
        return crs.authid()
    return crs.toWkt(QgsCoordinateReferenceSystem.WktVariant.WKT_PREFERRED)


def engine_path(layer: QgsRasterLayer) -> str:
    """The layer's source when another process can open it, else empty."""
    if layer.providerType() != "gdal":
        return ""
    # After the bar come QGIS's own options, such as open options and credentials.
    source, _, options = layer.source().partition("|")
    if source.startswith(_IN_PROCESS) or options or "authcfg=" in source:
        return ""
    if _driver(source) in _ABSENT:
        return ""
    # The engine has another working folder than qgis_process.
    return os.path.abspath(source) if os.path.exists(source) else source


def is_picture(layer: QgsMapLayer | None) -> bool:
    """Whether a web service draws it, as WMS, WMTS and XYZ do: colours of a screen instead of measured values."""
    if not isinstance(layer, QgsRasterLayer) or not layer.isValid():
        return False
    kinds = Qgis.DataType
    return layer.dataProvider().dataType(1) in (kinds.ARGB32, kinds.ARGB32_Premultiplied)


def _driver(source: str) -> str:
    """The GDAL driver that opens a source; empty for one that is not on this machine, or where none does."""
    from osgeo import gdal  # not at the start of QGIS

    if source.startswith("/vsi"):
        return ""
    try:
        driver = gdal.IdentifyDriver(source)
    except RuntimeError:  # whether GDAL raises is set by whoever uses it in QGIS
        return ""
    return driver.ShortName if driver is not None else ""


def additional_nodata(layer: QgsRasterLayer) -> tuple[tuple[float, ...], list[str]]:
    """The values the user declared as no-data in the layer's properties, and what cannot be honoured."""
    provider, is_file = layer.dataProvider(), bool(engine_path(layer))
    values: dict[float, None] = {}
    notes = []
    for band in range(1, layer.bandCount() + 1):
        if provider.sourceHasNoDataValue(band) and not provider.useSourceNoDataValue(band):
            notes.append(
                tr(
                    "The no-data value of '{name}', band {band}, is switched off in the layer's properties; "
                    "it is honoured here all the same."
                ).format(name=layer.name(), band=band)
            )
        for item in provider.userNoDataValues(band):
            if item.min() == item.max():
                # A copy, of what is no file, holds what QGIS reads.
                value = float(item.min())
                values[_stored(value, provider, band) if is_file else value] = None
            else:
                notes.append(
                    tr(
                        "The additional no-data range {low} to {high} of '{name}' is left out: only single values "
                        "are supported."
                    ).format(low=item.min(), high=item.max(), name=layer.name())
                )
    return tuple(values), list(dict.fromkeys(notes))


def _stored(value: float, provider: QgsRasterDataProvider, band: int) -> float:
    """A value as the file holds it: QGIS compares no-data with what a band's scale and offset make of that."""
    scale, offset = provider.bandScale(band), provider.bandOffset(band)
    if scale in (0, 1) and offset == 0:
        return value
    stored = (value - offset) / (scale or 1)
    return float(round(stored)) if abs(stored - round(stored)) < _WHOLE else stored
