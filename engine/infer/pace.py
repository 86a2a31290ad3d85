"""Remembers the speed and memory of runs on this machine, by which the next run is estimated."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from .kept_file import keep_file

# Inside the environment, like the choices of backends.
KEPT = Path(sys.prefix) / "spectralgpt-pace.json"
_MOST = 200  # rates to keep; the oldest are dropped
_NEW = 0.5  # weight of the latest run in the running mean
TIMES = ("window", "finish", "polygons")  # the rates that are seconds, not bytes


class Pace:
    """The remembered rates of one model in one backend, by the name of what is counted."""

    def __init__(self, key: str) -> None:
        """Reads nothing yet.

        Args:
            key: Model, backend, and what else rates depend on.
        """
        self._key = key

    def rate(self, name: str) -> float | None:
        """Seconds or bytes a unit of `name`; None before the first run."""
        return _read().get(f"{self._key} | {name}")

    def learn(self, rates: Mapping[str, float]) -> None:
        """Updates the rates with those of a run.

        Two engines may write at once, and one update be lost: it is then learned again.

        Args:
            rates: Rates by name.
        """
        if not rates:
            return
        kept = _read()
        for name, rate in rates.items():
            full = f"{self._key} | {name}"
            earlier = kept.pop(full, rate)  # re-inserted at the end: the first are the oldest
            # A slow run may have competed with other work; a fast one shows what the machine can do.
            faster = name in TIMES and rate < earlier
            kept[full] = rate if faster else (1 - _NEW) * earlier + _NEW * rate
        latest = dict(list(kept.items())[-_MOST:])
        keep_file(KEPT, (json.dumps(latest, indent=1) + "\n").encode())


def _read() -> dict[str, float]:
    try:
        kept = json.loads(KEPT.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(kept, dict):
        return {}
    return {name: rate for name, rate in kept.items() if isinstance(rate, (int, float))}
