"""The words that tools take, such as "quick": an interface in English, shown in the user's language."""

from __future__ import annotations

from .i18n import tr


def shown(word: str) -> str:
    """Return a word as a list shows it: "Szenen (scenes)", as scripts, help and log have the English one."""
    name = _names().get(word, word)
    return word if name == word else tr("{name} ({word})").format(name=name, word=word)


def _names() -> dict[str, str]:
    """Names of formats, devices and presets are the same everywhere; a method's word says too little by itself."""
    return {
        "auto": tr("auto"),
        "cpu": tr("cpu"),
        "segmentation": tr("segmentation"),
        "scenes": tr("scenes"),
        "change": tr("change"),
        "change-detection": tr("change-detection"),
        "backbone": tr("backbone"),
        "quick": tr("base stays as it is"),
        "adapters": tr("a small part of the base learns"),
        "full": tr("all of the base learns"),
        "anywhere": tr("anywhere"),
        "here": tr("here"),
        "simple": tr("simple"),
        "stratified": tr("stratified"),
        "proportional": tr("proportional"),
        "equal": tr("equal"),
        "interpolate": tr("interpolate"),
        "drop": tr("drop"),
    }
