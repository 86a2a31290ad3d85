"""Waits for background work in tests."""

from __future__ import annotations

import time

from qgis.core import QgsApplication


def wait(condition, seconds=60):
    """Lets QGIS process events until a condition holds."""
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        QgsApplication.processEvents()
        time.sleep(0.01)
    assert condition(), f"did not happen within {seconds} s"
