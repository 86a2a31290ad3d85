"""Remembers choices of the last run of each tool, for the next time that its dialog is opened from the plugin's menus.

Only choices that do not depend on the data; the device is set in the options. Scripts are not affected: there, omitted
parameters always have their documented defaults.
"""

from __future__ import annotations

import json
from typing import Any

from qgis.PyQt.QtCore import QObject

from .. import settings
from ..run_journal import FinishedRun, journal


class LastChoices(QObject):
    """Stores the choices of every successful run."""

    def __init__(self, iface: Any) -> None:
        """Does nothing yet; :meth:`add` connects it."""
        super().__init__()

    def add(self) -> None:
        """Starts listening for finished runs."""
        journal.finished.connect(self.remember)

    def remove(self) -> None:
        """Stops listening; the choices are kept in the settings."""
        journal.finished.disconnect(self.remember)

    def remember(self, run: FinishedRun) -> None:
        """Stores the choices of a run."""
        if run.choices:
            known = _known()
            known[run.algorithm] = run.choices
            settings.set_value("last_choices", json.dumps(known))

    def recall(self, algorithm: str) -> dict[str, Any]:
        """The choices of the algorithm's last run; empty before the first one."""
        return dict(_known().get(algorithm, {}))


def _known() -> dict[str, Any]:
    try:
        known = json.loads(settings.value("last_choices") or "{}")
    except ValueError:  # the user has edited the settings
        return {}
    return known if isinstance(known, dict) else {}
