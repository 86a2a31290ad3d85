"""Stores the result of the last test of the engine in the settings, for the options page."""

from __future__ import annotations

import hashlib
import json
import platform
import time
from typing import Any

from . import settings


def keep_test(result: dict[str, Any]) -> None:
    """Store the answer of the engine's verb `doctor`, with the time and the machine."""
    kept = {name: result.get(name) for name in _KEPT}
    kept.update(when=time.strftime("%Y-%m-%d %H:%M"), machine=_machine())
    settings.set_value("tested", json.dumps(kept))


def last_test() -> dict[str, Any] | None:
    """Return the result of the last test on this machine; None if there is none.

    A QGIS profile may be used on several machines, and the result from another one does not apply here.
    """
    try:
        kept = json.loads(settings.value("tested"))
    except ValueError:
        return None
    if not isinstance(kept, dict) or kept.get("machine") != _machine():
        return None
    devices = kept.get("devices")
    kept["devices"] = [d for d in devices if isinstance(d, dict)] if devices else []
    return kept


def forget_test() -> None:
    """Delete the result, as it does not apply to a changed engine."""
    settings.set_value("tested", "")


_KEPT = ("python", "platform", "libraries", "providers", "devices", "graphics_cards")


def _machine() -> str:
    """A hash that identifies this machine without revealing its name."""
    return hashlib.sha256(platform.node().encode()).hexdigest()[:12]
