"""Texts for the state of the engine, its test and its size."""

from __future__ import annotations

from html import escape
from typing import Any

from qgis.PyQt.QtGui import QPalette

from ...engine_messages import in_users_language
from ...i18n import localised, tr
from ...install_size import InstallSize
from ...tasks.engine_state import EngineState
from ..status_colours import status_colour

_MB, _GB = 1e6, 1e9
_COLOURS = {"ready": "good", "outdated": "busy", "missing": "busy", "broken": "bad"}


def bytes_in_words(count: float) -> str:
    """A size in readable units, such as 155 MB or 1.4 GB."""
    if count < _GB:
        return tr("{} MB").format(round(count / _MB))
    return localised(tr("{:.1f} GB").format(count / _GB))


def headline(state: EngineState) -> str:
    """The state in one sentence."""
    return {
        "ready": tr("The engine is installed and ready."),
        "outdated": tr("The engine works. An update is available."),
        "missing": tr("The engine is not installed yet."),
        "broken": tr("The engine is damaged and must be repaired."),
    }[state.status.state]


def state_text(state: EngineState, palette: QPalette, failure: str = "") -> str:
    """The state in a few lines of rich text.

    Args:
        state: State of the engine.
        palette: Palette of the label that shows it.
        failure: Why the last task failed; empty if it did not.
    """
    status = state.status
    colour = status_colour(_COLOURS[status.state], palette)
    lines = [f'<b style="color:{colour}; font-size:large">{headline(state)}</b>']
    if status.state == "missing":
        lines.append(
            tr(
                "The engine computes the maps in a separate process. It is downloaded once into your own folder and "
                "does not change QGIS."
            )
        )
        if status.interrupted:
            lines.append(escape(in_users_language(status.message)))
    elif status.usable:
        what = tr("maps and training") if status.tier == "training" else tr("maps")
        device = tr("processor and NVIDIA GPU") if status.accelerator == "cuda" else tr("processor")
        lines.append(tr("For {what}, on {device}.").format(what=what, device=device))
    if status.state in ("outdated", "broken"):
        lines.append(escape(in_users_language(status.message)))
    place = escape(str(state.home))
    if state.size and state.size >= _MB:  # a smaller folder contains no engine
        lines.append(tr("{size} in {place}").format(size=bytes_in_words(state.size), place=place))
    else:
        lines.append(tr("Folder: {}").format(place))
    if failure:
        lines.append(f'<b style="color:{status_colour("bad", palette)}">{escape(failure)}</b>')
    return "<br>".join(lines)


def cost_text(size: InstallSize, free: int | None, offline: bool, palette: QPalette) -> str:
    """The download and disk space of an installation, and whether there is enough space.

    Args:
        size: Size of the chosen installation.
        free: Free bytes on the target disk; None if unknown.
        offline: Whether packages come from a folder of wheels.
        palette: Palette of the label that shows it.
    """
    if offline:
        download = tr("Nothing is downloaded: the packages come from the folder of wheels.")
    elif size.download is None:
        download = tr("The download size is not known for this system.")
    else:
        download = tr("Download size: {}.").format(bytes_in_words(size.download))
    needed = bytes_in_words(size.disk)
    if free is None:
        room = tr("Disk space needed: {}.").format(needed)
    elif free < size.disk:
        room = tr(
            "Disk space needed: {needed}, but only {free} is available. Free some space, or choose another folder."
        ).format(needed=needed, free=bytes_in_words(free))
        room = f'<span style="color:{status_colour("bad", palette)}">{room}</span>'
    else:
        room = tr("Disk space needed: {needed} ({free} available).").format(
            needed=needed, free=bytes_in_words(free)
        )
    return f"{download} {room}"


def tested_text(test: dict[str, Any] | None, palette: QPalette) -> str:
    """The result of the last test on this machine, in rich text.

    Args:
        test: Result of `tested_devices.last_test`.
        palette: Palette of the label that shows it.
    """
    if test is None:
        return tr("Not tested on this computer yet. Verify tests the processor and the GPU.")
    lines = [tr("Tested {}:").format(escape(str(test.get("when", ""))))]
    for device in test["devices"]:
        works = bool(device.get("works"))
        colour = status_colour("good" if works else "busy", palette)
        mark = tr("works") if works else tr("not available")
        line = f'{_use(device)}: <b style="color:{colour}">{mark}</b>'
        said = str(device.get("name") if works else device.get("reason"))
        line += f" · {escape(said)}"
        if works and device.get("milliseconds"):
            took = tr("{milliseconds:g} ms for {side} x {side} pixels").format(
                milliseconds=device["milliseconds"], side=device.get("window")
            )
            line += " · " + localised(took)
        lines.append(line)
    cards = test.get("graphics_cards") or []
    if cards:
        lines.append(tr("Graphics cards: {}").format(escape("; ".join(map(str, cards)))))
    return "<br>".join(lines)


def _use(device: dict[str, Any]) -> str:
    if device.get("use") == "training":
        return tr("GPU for training")
    return tr("GPU") if device.get("device") == "gpu" else tr("Processor")


def report_of(result: dict[str, Any]) -> str:
    """The result of the self-test, in a few lines of plain text.

    Args:
        result: Result of the engine's verb `doctor`.
    """
    libraries = ", ".join(f"{name} {version}" for name, version in result["libraries"].items())
    lines = [
        tr("The engine passed its test."),
        tr("Python {python} on {platform}").format(**result),
        tr("Libraries: {}").format(libraries),
    ]
    for device in result.get("devices", []):
        said = device["name"] if device["works"] else device["reason"]
        lines.append(f"{_use(device)}: {said}")
    return "\n".join(lines)
