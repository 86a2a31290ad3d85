"""A step of the dock: panels one under the other, scrolled to where the dock is lower than they are."""

from __future__ import annotations

from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget


def scrolled(*widgets: QWidget, grows: bool = False) -> QScrollArea:
    """Puts panels into a scroll area.

    Args:
        widgets: From top to bottom.
        grows: Gives the last one the height that is left, for its curves.
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
