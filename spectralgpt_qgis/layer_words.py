"""Messages about layers that cannot be used, for the tools and the dock."""

from __future__ import annotations

from .i18n import tr


def without_crs(name: str) -> str:
    """Message about a layer without a CRS."""
    return tr(
        "The layer '{}' has no coordinate reference system. Set it with right-click, Layer CRS."
    ).format(name)


def without_class_field(name: str) -> str:
    """Message about a label layer without a field that could hold the class."""
    return tr(
        "The layer '{}' has no text or whole-number field that could hold a class. Add one, and give every feature "
        "its class."
    ).format(name)


def without_classes(field: str) -> str:
    """Message about labels none of which has a class."""
    return tr("None of the labels has a class: fill in the field '{}'.").format(field)


def picture_without_classes(name: str) -> str:
    """Message about a picture that was chosen as class raster."""
    return tr(
        "The layer '{}' is an image rendered by a web service, so its colours are not classes. Choose the original "
        "class raster, as a GeoTIFF or from a coverage service (WCS)."
    ).format(name)
