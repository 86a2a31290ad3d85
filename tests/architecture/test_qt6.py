"""Every name that the plugin takes from Qt must be there in Qt 6, on which QGIS 4 is built, under the same path.

The tests of the plugin run on Qt 5, where `Qt.AlignLeft` and `Qt.AlignmentFlag.AlignLeft` are both right.
"""

from __future__ import annotations

import ast
import importlib
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "spectralgpt_qgis").rglob("*.py"))
# PyQt6 has no module for what QVariant named; field_types.py asks for it in QGIS before 3.38 alone.
QT5_ONLY = {"PyQt6.QtCore.QVariant.String"}


def qt_names(file: Path) -> set[str]:
    """Dotted names that a file takes from Qt, such as `PyQt6.QtCore.Qt.ItemDataRole.UserRole`."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    imported = {
        alias.asname or alias.name: f"{node.module}.{alias.name}".replace("qgis.PyQt", "PyQt6")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("qgis.PyQt")
        for alias in node.names
    }
    names = set(imported.values())
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            first, *rest = ast.unparse(node).split(".")
            if first in imported and all(part.isidentifier() for part in rest):
                names.add(".".join([imported[first], *rest]))
    return names - QT5_ONLY


@lru_cache(None)
def found(name: str) -> object | None:
    """What a dotted name stands for; None where there is nothing."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        parent, _, last = name.rpartition(".")
        return getattr(found(parent), last, None) if parent else None


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_names_of_qt_are_there_in_qt6(file):
    try:
        importlib.import_module("PyQt6.QtWidgets")
    except ImportError as error:
        pytest.skip(f"PyQt6 cannot be loaded here: {error}")
    assert [name for name in sorted(qt_names(file)) if found(name) is None] == []


def test_a_name_of_qt5_alone_is_found_out(tmp_path):
    file = tmp_path / "old.py"
    file.write_text(
        "from qgis.PyQt.QtCore import Qt\na = Qt.AlignLeft, Qt.AlignmentFlag.AlignLeft\n"
    )
    names = qt_names(file)
    assert names == {
        "PyQt6.QtCore.Qt",
        "PyQt6.QtCore.Qt.AlignLeft",
        "PyQt6.QtCore.Qt.AlignmentFlag",
        "PyQt6.QtCore.Qt.AlignmentFlag.AlignLeft",
    }
    pytest.importorskip("PyQt6.QtCore")
    assert [name for name in names if found(name) is None] == ["PyQt6.QtCore.Qt.AlignLeft"]
