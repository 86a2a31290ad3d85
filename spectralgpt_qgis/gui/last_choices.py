"""Remembers what was chosen in the last run of each tool, for the next time its dialog is opened from our menus.

Only what is a matter of taste and not of the data; where to compute is set in the options. Scripts are not concerned:
there a parameter that is left out always has its documented default.
"""

from __future__ import annotations

import json
from typing import Any

from qgis.PyQt.QtCore import QObject

from .. import settings
from ..run_journal import FinishedRun, journal


class LastChoices(QObject):
    """Learns from every run that ends well."""

    def __init__(self, iface: Any) -> None:
        """Learns nothing yet."""
        super().__init__()

    def add(self) -> None:
        """Listens from now on."""
        journal.finished.connect(self.remember)

    def remove(self) -> None:
        """Listens no longer; what was learned is kept in the settings."""
        journal.finished.disconnect(self.remember)

    def remember(self, run: FinishedRun) -> None:
        """Keeps the choices of a run."""
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
    except ValueError:  # a user's own edit of the settings
        return {}
    return known if isinstance(known, dict) else {}
