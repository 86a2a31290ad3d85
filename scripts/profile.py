"""Prepares a separate QGIS configuration folder in which the plugin is installed and enabled.

    python3 scripts/profile.py .profile               the plugin of this checkout, by links
    python3 scripts/profile.py DIR --zip FILE.zip     a packaged plugin, as a user would install it

Start QGIS with QGIS_CUSTOM_CONFIG_PATH set to the folder; the user's own profile is not touched.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import zipfile
from configparser import ConfigParser
from pathlib import Path

import translations

ROOT = Path(__file__).resolve().parent.parent
NAME = "spectralgpt_qgis"


def main() -> int:
    """Run the command line and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--zip", type=Path, help="install this package instead of the checkout")
    options = parser.parse_args()
    profile = options.folder.resolve() / "profiles" / "default"
    plugins = profile / "python" / "plugins"
    plugins.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(plugins / NAME, ignore_errors=True)
    if options.zip:
        with zipfile.ZipFile(options.zip) as package:
            package.extractall(plugins)
    else:
        translations.compile_all(translations.FOLDER)
        link_checkout(plugins / NAME)
    for version in (3, 4):
        enable(profile / "QGIS" / f"QGIS{version}.ini")
    return 0


def link_checkout(folder: Path) -> None:
    """Make a plugin folder with links to the checkout, so that edits need no copying."""
    folder.mkdir()
    for source in [*(ROOT / NAME).iterdir(), ROOT / "metadata.txt", ROOT / "resources"]:
        if source.name != "__pycache__":
            (folder / source.name).symlink_to(source, target_is_directory=source.is_dir())


def enable(settings: Path) -> None:
    """Set QGIS to load the plugin and Processing, without tips and version checks at the start."""
    ini = ConfigParser(interpolation=None)
    ini.optionxform = str  # type: ignore[assignment,method-assign]
    ini.read(settings, encoding="utf-8")
    for group, name, value in (
        ("PythonPlugins", NAME, "true"),
        ("PythonPlugins", "processing", "true"),
        ("qgis", "checkVersion", "false"),
        ("qgis", "showTips", "false"),
    ):
        if not ini.has_section(group):
            ini.add_section(group)
        ini.set(group, name, value)
    settings.parent.mkdir(parents=True, exist_ok=True)
    with settings.open("w", encoding="utf-8") as stream:
        ini.write(stream, space_around_delimiters=False)


if __name__ == "__main__":
    sys.exit(main())
