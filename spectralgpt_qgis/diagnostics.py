"""The diagnostics report for support: versions, settings, and the last failure.

It is always in English, for those who read it, and contains nothing that names the user.
"""

from __future__ import annotations

import os
import platform
import sys
from typing import Any

from qgis.core import Qgis
from qgis.PyQt.QtCore import PYQT_VERSION_STR, QT_VERSION_STR, QLocale

from . import paths, settings, tested_devices
from .engine_environment import EngineEnvironment
from .install_size import free_space, system_key
from .job_failure import last_failure
from .redaction import redactor_of_this_machine

_SHOWN = ("accelerator", "device", "threads", "memory")
_SET_OR_NOT = ("engine_home", "index", "proxy", "ca_file", "wheels")
_LOG_LINES, _DETAIL_LINES = 40, 40
_VARIABLES = (paths.HOME_VARIABLE, paths.PYTHON_VARIABLE)


def report() -> str:
    """Return the report; call it in a task, as it reads from the engine's disk."""
    environment = settings.engine_environment()
    parts = [
        ("Versions", _versions()),
        ("Settings", _settings()),
        ("Engine", _engine(environment)),
        ("Tested on this machine", _tested()),
        ("Last installation", environment.log.tail(_LOG_LINES) or ["nothing is recorded"]),
        ("Last job that failed in this session", _failure()),
    ]
    text = "\n\n".join("\n".join([f"## {title}", *lines]) for title, lines in parts)
    proxies = [settings.value("proxy"), settings.qgis_proxy(), settings.value("index")]
    proxies += [value for name, value in os.environ.items() if name.lower().endswith("_proxy")]
    return redactor_of_this_machine(proxies).redact(f"# SpectralGPT for QGIS\n\n{text}\n")


def _versions() -> list[str]:
    return [
        f"Plugin: {paths.version()}",
        f"QGIS: {Qgis.version()}",
        f"Qt: {QT_VERSION_STR}, PyQt: {PYQT_VERSION_STR}",
        f"Python of QGIS: {platform.python_version()}",
        f"System: {platform.platform()} ({system_key()})",
        f"Processors: {os.cpu_count()}",
        f"Locale: {QLocale().name()}, file names: {sys.getfilesystemencoding()}",
    ]


def _settings() -> list[str]:
    lines = [f"{name}: {settings.value(name)}" for name in _SHOWN]
    lines += [f"{name}: {'set' if settings.value(name) else 'not set'}" for name in _SET_OR_NOT]
    lines.append(f"proxy of QGIS: {'set' if settings.qgis_proxy() else 'not set'}")
    return lines + [
        f"{name}: {'set' if os.environ.get(name) else 'not set'}" for name in _VARIABLES
    ]


def _engine(environment: EngineEnvironment) -> list[str]:
    status = environment.status()
    lines = [f"State: {status.state}", f"Message: {status.message}"]
    if status.tier:
        lines.append(f"Installed: {status.tier}, {status.accelerator}")
    lines.append(f"Folder: {environment.home}")
    try:
        lines.append(f"Free there: {free_space(environment.home) / 1e9:.1f} GB")
    except OSError as error:
        lines.append(f"Free there: unknown ({error.strerror})")
    return lines


def _tested() -> list[str]:
    test = tested_devices.last_test()
    if test is None:
        return ["nothing yet"]
    libraries = test.get("libraries") or {}
    lines = [
        f"When: {test.get('when')}",
        f"Python of the engine: {test.get('python')}, {test.get('platform')}",
        "Libraries: " + ", ".join(f"{name} {version}" for name, version in libraries.items()),
        "Providers: " + ", ".join(map(str, test.get("providers") or ["none"])),
        "Graphics cards: " + ("; ".join(map(str, test.get("graphics_cards") or [])) or "none"),
    ]
    return lines + [_device(device) for device in test["devices"]]


def _device(device: dict[str, Any]) -> str:
    what = f"{device.get('device')} for {device.get('use')}"
    if device.get("works"):
        return f"{what}: works, {device.get('name')}, {device.get('milliseconds')} ms"
    return f"{what}: no, {device.get('reason')}"


def _failure() -> list[str]:
    failure = last_failure()
    if failure is None:
        return ["none"]
    details = failure.details.splitlines()[-_DETAIL_LINES:]
    return [f"{failure.when} {failure.verb}: {failure.kind}", failure.message, *details]
