"""What earlier runs took on this machine, kept with the environment: what the next one is estimated by."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from .kept_file import keep_file

# With the environment, as the choice of a backend is.
KEPT = Path(sys.prefix) / "spectralgpt-pace.json"
_MOST = 200  # kept rates; the oldest go
_NEW = 0.5  # weight of the latest run
TIMES = ("window", "finish", "polygons")  # of what is counted, what is told in seconds


class Pace:
    """Rates of one model in one backend, by the name of what is counted."""

    def __init__(self, key: str) -> None:
        """Reads what is kept.

        Args:
            key: Model, backend, and what else rates depend on.
        """
        self._key = key

    def rate(self, name: str) -> float | None:
        """Seconds or bytes for each unit of `name`; None where no run has told yet."""
        return _read().get(f"{self._key} | {name}")

    def learn(self, rates: Mapping[str, float]) -> None:
        """Keeps what a run took.

        Two engines may do so at once: a rate that is lost, or cannot be written, is learned again.

        Args:
            rates: By name.
        """
        if not rates:
            return
        kept = _read()
        for name, rate in rates.items():
            full = f"{self._key} | {name}"
            earlier = kept.pop(full, rate)  # to the end: the oldest are those not learned for long
            # A slow run may have had other work beside it; a fast one shows what the machine can do.
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
