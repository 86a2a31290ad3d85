"""Translations of parameter options such as "quick", which are an English interface for scripts."""

from __future__ import annotations

from .i18n import tr


def shown(word: str) -> str:
    """Return an option as dialogs list it: "Szenen (scenes)", with the word that scripts, help and log use."""
    name = _names().get(word, word)
    return word if name == word else tr("{name} ({word})").format(name=name, word=word)


def _names() -> dict[str, str]:
    """Option -> translation; formats, devices and presets are not translated, and methods get an explanation."""
    return {
        "auto": tr("auto"),
        "cpu": tr("cpu"),
        "segmentation": tr("segmentation"),
        "scenes": tr("scenes"),
        "change": tr("change"),
        "change-detection": tr("change-detection"),
        "backbone": tr("backbone"),
        "quick": tr("the backbone is not changed"),
        "adapters": tr("a small part of the model is trained"),
        "full": tr("the whole model is trained"),
        "anywhere": tr("anywhere"),
        "here": tr("here"),
        "simple": tr("simple"),
        "stratified": tr("stratified"),
        "proportional": tr("proportional"),
        "equal": tr("equal"),
        "interpolate": tr("interpolate"),
        "drop": tr("drop"),
    }
