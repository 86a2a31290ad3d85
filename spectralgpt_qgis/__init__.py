"""SpectralGPT for QGIS: maps, labels and changes from multispectral rasters."""

from __future__ import annotations

from typing import Any


def classFactory(iface: Any) -> Any:
    """Return the plugin, as QGIS asks for it when it loads this package."""
    from .plugin import SpectralGPTPlugin

    return SpectralGPTPlugin(iface)
