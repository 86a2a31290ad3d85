"""Makes the plugin's package: a zipped folder with all its files, as plugins.qgis.org requires.

python3 scripts/package.py [--out dist]
"""

from __future__ import annotations

import argparse
import sys
import zipfile
from collections.abc import Mapping
from configparser import ConfigParser
from pathlib import Path

import translations

ROOT = Path(__file__).resolve().parent.parent
NAME = "spectralgpt_qgis"
LARGEST = 25_000_000  # bytes that plugins.qgis.org accepts
WANTED_BY_SITE = (
    *("name", "description", "about", "version", "qgisMinimumVersion", "author", "email"),
    *("homepage", "tracker", "repository"),
)

# The engine's recipes make the models that ship, from data that users do not have. spectralgpt.ts is the template for
# new languages; the other .ts files are included, as the engine reads them (QGIS reads .qm files).
LEFT_OUT = ("__pycache__", "recipes", "spectralgpt.ts")
LEFT_OUT_ENDINGS = (".pyc", ".pyo", ".aux.xml")


def main() -> int:
    """Make the package and print its path; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    if translations.compile_all(translations.FOLDER):
        return 1
    package = out / f"{NAME}-{version()}.zip"
    unfinished = package.with_suffix(".part")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for source, name in contents():
            archive.write(source, name)
    size = unfinished.stat().st_size
    if size > LARGEST:
        unfinished.unlink()
        print(f"The package would have {size / 1e6:.1f} MB; {LARGEST / 1e6:.0f} MB are allowed.")
        return 1
    unfinished.replace(package)
    print(f"{package} ({size / 1e6:.1f} MB)")
    if missing := not_yet_publishable(general()):
        print(
            "QGIS installs it from the zip. plugins.qgis.org would refuse it: metadata.txt has no "
            f"{', '.join(missing)}."
        )
    return 0


def version() -> str:
    """Return the version from metadata.txt."""
    return general()["version"]


def general() -> Mapping[str, str]:
    """Return the fields of metadata.txt."""
    metadata = ConfigParser(interpolation=None)
    metadata.read(ROOT / "metadata.txt", encoding="utf-8")
    return metadata["general"]


def not_yet_publishable(fields: Mapping[str, str]) -> list[str]:
    """Return the fields required by plugins.qgis.org that are empty, or still have an address at example.org."""
    return [
        name
        for name in WANTED_BY_SITE
        if not fields.get(name, "").strip() or "example.org" in fields[name]
    ]


def contents() -> list[tuple[Path, str]]:
    """Return the files to include, each with its path in the package."""
    files = [(file, file.relative_to(ROOT)) for file in _files(ROOT / NAME)]
    for part in ("engine", "resources", "i18n"):
        files += [(file, NAME / file.relative_to(ROOT)) for file in _files(ROOT / part)]
    for name in ("metadata.txt", "LICENSE", "CHANGELOG.md", "README.md"):
        if (ROOT / name).is_file():
            files.append((ROOT / name, Path(NAME, name)))
    return sorted((file, name.as_posix()) for file, name in files)


def _files(folder: Path) -> list[Path]:
    return [
        file
        for file in folder.rglob("*")
        if file.is_file()
        and not file.name.endswith(LEFT_OUT_ENDINGS)
        and not any(
            part in LEFT_OUT or part.startswith(".") for part in file.relative_to(folder).parts
        )
    ]


if __name__ == "__main__":
    sys.exit(main())
