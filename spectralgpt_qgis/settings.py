"""The plugin's settings, stored in QGIS's settings; every setting has a default that works."""

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

# Name -> default, whose type is also the type of the setting.
DEFAULTS: dict[str, Any] = {
    "engine_home": "",  # empty: the user's data folder
    "accelerator": "cpu",  # cpu | cuda: build of the libraries to install
    "device": "auto",  # auto | cpu | gpu: default of the tools
    "threads": 0,  # 0: all cores
    "memory": 0,  # memory limit of the engine in MB, 0: no limit
    "tested": "",  # result of the last test of the engine, JSON
    "not_now": "",  # ISO date until which the user is not reminded of the missing engine
    "shared_models": "",  # folders of shared models, one per line
    "index": "",
    "proxy": "",  # empty: QGIS's proxy
    "ca_file": "",
    "wheels": "",
    "training_runs": "",  # JSON: durations of trainings on this machine
    "last_choices": "",  # JSON: {algorithm: {parameter: value}}
}


def value(name: str) -> Any:
    """Return a setting, or its default.

    Raises:
        KeyError: If there is no setting of this name.
    """
    default = DEFAULTS[name]
    return QgsSettings().value(f"{_GROUP}/{name}", default, type=type(default))


def set_value(name: str, new: Any) -> None:
    """Store a setting; removes it if the new value is the default.

    Raises:
        KeyError: If there is no setting of this name.
    """
    if new == DEFAULTS[name]:
        QgsSettings().remove(f"{_GROUP}/{name}")
    else:
        QgsSettings().setValue(f"{_GROUP}/{name}", new)


def home(chosen: str | None = None) -> Path:
    """Return the engine's home: from the environment variable, else the setting, else the default.

    Args:
        chosen: Used instead of the stored setting; None for the stored one.
    """
    chosen = value("engine_home") if chosen is None else chosen
    if chosen and paths.HOME_VARIABLE not in os.environ:
        return Path(chosen).expanduser()
    return paths.engine_home()


def shared_models() -> tuple[Path, ...]:
    """Return the folders of shared models, without accessing them."""
    return tuple(Path(line) for line in value("shared_models").splitlines() if line.strip())


def engine_environment() -> EngineEnvironment:
    """Return the engine's environment in the folder that the settings name."""
    from .engine_environment import EngineEnvironment  # QGIS starts without it

    return EngineEnvironment(home())


def install_sources() -> Sources:
    """Return the sources of the engine's packages."""
    from .package_installer import Sources  # QGIS starts without it

    return Sources(
        index=value("index"),
        proxy=value("proxy") or qgis_proxy(),
        ca_file=value("ca_file"),
        wheels=value("wheels"),
    )


def qgis_proxy() -> str:
    """Return the proxy in QGIS's network settings as an address; empty if there is none."""
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
