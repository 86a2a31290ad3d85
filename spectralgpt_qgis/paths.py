"""All paths of the plugin, for a checkout and for an installed plugin.

In a checkout, ``engine/`` and ``resources/`` are beside this package; in the packaged plugin they
are inside it. Standard library only, so that the installer can be run from a shell.
"""

from __future__ import annotations

import os
import sys
from configparser import ConfigParser
from pathlib import Path

PLUGIN = Path(__file__).resolve().parent
# The folder that contains the engine package, resources, i18n and metadata.txt.
ROOT = PLUGIN if (PLUGIN / "engine").is_dir() else PLUGIN.parent

ENGINE = ROOT / "engine"
REQUIREMENTS = ENGINE / "requirements"
FAMILIAR_COLOURS = ENGINE / "data" / "familiar_colours.json"
RESOURCES = ROOT / "resources"
ICONS = RESOURCES / "icons"
MODELS = RESOURCES / "models"
SAMPLE = RESOURCES / "sample"
HELP = RESOURCES / "help"
PUBLISHED_WEIGHTS = RESOURCES / "published_weights.json"
TRANSLATIONS = ROOT / "i18n"
ENGINE_MESSAGES = TRANSLATIONS / "engine_messages.json"
METADATA = ROOT / "metadata.txt"
PARENT_WATCH = PLUGIN / "parent_watch.py"

# Environment variable with another folder for the engine's environment and the user's models (servers, tests,
# checkouts).
HOME_VARIABLE = "SPECTRALGPT_HOME"
# Environment variable with an interpreter that was prepared by other means (clusters, development).
PYTHON_VARIABLE = "SPECTRALGPT_PYTHON"


def engine_home() -> Path:
    """Return the folder for the engine's environment and the user's own models."""
    chosen = os.environ.get(HOME_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute()
    return _user_data() / "SpectralGPT"


def user_models(home: Path | None = None) -> Path:
    """Return the folder of the models that the user trained or imported."""
    return (home or engine_home()) / "models"


def environment_python(environment: Path) -> Path:
    """Return the interpreter of a virtual environment's folder."""
    if os.name == "nt":
        return environment / "Scripts" / "python.exe"
    return environment / "bin" / "python"


def icon(name: str) -> str:
    """Return the path of the icon ``NAME.svg`` as text, as Qt requires."""
    return str(ICONS / f"{name}.svg")


def version() -> str:
    """Return the plugin's version from metadata.txt."""
    metadata = ConfigParser(interpolation=None)
    metadata.read(METADATA, encoding="utf-8")
    return metadata.get("general", "version", fallback="0.0.0")


def _user_data() -> Path:
    """Return the platform's folder for a user's application data."""
    home = Path.home()
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    if sys.platform == "darwin":
        return home / "Library" / "Application Support"
    return Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
