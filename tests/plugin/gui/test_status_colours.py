"""Coloured texts are readable in light and dark themes."""

from __future__ import annotations

import pytest
from qgis.PyQt.QtGui import QColor, QPalette

from spectralgpt_qgis.gui.status_colours import status_colour


def luminance(colour):
    """Relative luminance, as defined in WCAG 2."""
    parts = [
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4
        for part in (colour.redF(), colour.greenF(), colour.blueF())
    ]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


@pytest.mark.parametrize("kind", ["good", "busy", "bad"])
@pytest.mark.parametrize("window", ["#ffffff", "#efefef", "#323232", "#535353", "#000000"])
def test_the_contrast_suffices(kind, window):
    palette = QPalette()
    palette.setColor(QPalette.ColorRole.Window, QColor(window))
    text = luminance(QColor(status_colour(kind, palette)))
    light, dark = sorted((text, luminance(QColor(window))), reverse=True)
    needed = 3 if window == "#535353" else 4.5  # Blend of Gray: large or bold text
    assert (light + 0.05) / (dark + 0.05) >= needed
