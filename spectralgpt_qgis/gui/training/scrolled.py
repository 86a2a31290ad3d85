"""A tab of the dock: panels one below the other, in a scroll area."""

from __future__ import annotations

from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget


def scrolled(*widgets: QWidget, grows: bool = False) -> QScrollArea:
    """Puts panels into a scroll area.

    Args:
        widgets: The panels, from top to bottom.
        grows: Whether the last panel takes the remaining height, for its curves.
    """
    inside = QWidget()
    layout = QVBoxLayout(inside)
    layout.setContentsMargins(0, 6, 0, 0)
    for widget in widgets:
        layout.addWidget(widget)
    if grows:
        layout.setStretchFactor(widgets[-1], 100)
    layout.addStretch(1)
    area = QScrollArea()
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(inside)
    return area
