"""What the last test of the engine found on this machine: kept in the settings, shown in the options."""

from __future__ import annotations

import hashlib
import json
import platform
import time
from typing import Any

from . import settings


def keep_test(result: dict[str, Any]) -> None:
    """Keep what the engine's verb `doctor` told, with the time and the machine."""
    kept = {name: result.get(name) for name in _KEPT}
    kept.update(when=time.strftime("%Y-%m-%d %H:%M"), machine=_machine())
    settings.set_value("tested", json.dumps(kept))


def last_test() -> dict[str, Any] | None:
    """Return what the last test on this machine found; None without one.

    A profile may travel between machines: what another one can do says nothing.
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
    """Forget it: the engine is another one now."""
    settings.set_value("tested", "")


_KEPT = ("python", "platform", "libraries", "providers", "devices", "graphics_cards")


def _machine() -> str:
    """A mark of this machine that does not tell its name."""
    return hashlib.sha256(platform.node().encode()).hexdigest()[:12]
