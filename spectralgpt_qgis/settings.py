"""The plugin's settings, kept with those of QGIS; everything has a default that works."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from qgis.core import QgsSettings

from . import paths

if TYPE_CHECKING:
    from .engine_environment import EngineEnvironment
    from .package_installer import Sources

_GROUP = "SpectralGPT"

# Name: default. The type of the default is the type of the setting.
DEFAULTS: dict[str, Any] = {
    "engine_home": "",  # empty: the user's data folder
    "accelerator": "cpu",  # cpu | cuda: what is installed
    "device": "auto",  # auto | cpu | gpu: what runs, where a tool does not say
    "threads": 0,  # 0: all cores
    "memory": 0,  # MB that the engine may take, 0: no limit
    "tested": "",  # what the last test of the engine found, JSON
    "not_now": "",  # ISO date until which the missing engine is not mentioned
    "shared_models": "",  # folders of models of several people, a line each
    "index": "",
    "proxy": "",  # empty: that of QGIS
    "ca_file": "",
    "wheels": "",
    "training_runs": "",  # JSON: how long trainings took on this machine
    "last_choices": "",  # JSON: {algorithm: {parameter: value}}
}


def value(name: str) -> Any:
    """Return a setting, or its default.

    Raises:
        KeyError: When there is no setting of this name.
    """
    default = DEFAULTS[name]
    return QgsSettings().value(f"{_GROUP}/{name}", default, type=type(default))


def set_value(name: str, new: Any) -> None:
    """Keep a setting; its default is kept by removing it.

    Raises:
        KeyError: When there is no setting of this name.
    """
    if new == DEFAULTS[name]:
        QgsSettings().remove(f"{_GROUP}/{name}")
    else:
        QgsSettings().setValue(f"{_GROUP}/{name}", new)


def home(chosen: str | None = None) -> Path:
    """Return the engine's home: the environment variable, the setting, the default.

    Args:
        chosen: Stands in for the setting; None takes what is kept.
    """
    chosen = value("engine_home") if chosen is None else chosen
    if chosen and paths.HOME_VARIABLE not in os.environ:
        return Path(chosen).expanduser()
    return paths.engine_home()


def shared_models() -> tuple[Path, ...]:
    """Return the folders of models that several people use; nothing is read of them here."""
    return tuple(Path(line) for line in value("shared_models").splitlines() if line.strip())


def engine_environment() -> EngineEnvironment:
    """Return the engine's environment that the settings name."""
    from .engine_environment import EngineEnvironment  # QGIS starts without it

    return EngineEnvironment(home())


def install_sources() -> Sources:
    """Return where the engine's packages come from."""
    from .package_installer import Sources  # QGIS starts without it

    return Sources(
        index=value("index"),
        proxy=value("proxy") or qgis_proxy(),
        ca_file=value("ca_file"),
        wheels=value("wheels"),
    )


def qgis_proxy() -> str:
    """Return the proxy of QGIS's network settings as an address; empty when there is none."""
    settings = QgsSettings()
    settings.beginGroup("proxy")
    kind = settings.value("proxyType", "", type=str)
    host = settings.value("proxyHost", "", type=str)
    if not settings.value("proxyEnabled", False, type=bool) or not host:
        return ""
    if kind not in ("HttpProxy", "HttpCachingProxy", "Socks5Proxy"):
        return ""
    scheme = "socks5" if kind == "Socks5Proxy" else "http"
    user = quote(settings.value("proxyUser", "", type=str), safe="")
    password = quote(settings.value("proxyPassword", "", type=str), safe="")
    port = settings.value("proxyPort", "", type=str)
    login = f"{user}:{password}@" if user else ""
    return f"{scheme}://{login}{host}" + (f":{port}" if port else "")
