"""Colours for states, readable in light and dark themes."""

from __future__ import annotations

from qgis.PyQt.QtGui import QPalette

# Each has a contrast of at least 4.5 to 1 with the window colours of QGIS's themes.
_ON_LIGHT = {"good": "#1c6e37", "busy": "#855000", "bad": "#b01f38"}
_ON_DARK = {"good": "#7fd69a", "busy": "#f2b75c", "bad": "#ff95a1"}
_HALF = 128


def status_colour(kind: str, palette: QPalette) -> str:
    """Returns a colour as #rrggbb.

    Args:
        kind: "good", "busy" or "bad".
        palette: Palette of the widget that shows it.
    """
    dark = palette.color(QPalette.ColorRole.Window).lightness() < _HALF
    return (_ON_DARK if dark else _ON_LIGHT)[kind]
