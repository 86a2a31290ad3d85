"""Collects messages for translation from the engine, and from the modules of the plugin without Qt.

The engine runs in another process and its messages are in English. Each f-string becomes a template with numbered gaps
("The raster {1} is empty."), by which the plugin recognises and translates the message, see
spectralgpt_qgis/engine_messages.py, and the engine too for its reports, see engine/language.py.
i18n/engine_messages.json lists the templates. Texts in tr("...") are not messages, see translations.py.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "i18n" / "engine_messages.json"
LEFT_OUT = ("recipes", "benchmark")  # folders whose messages are only for developers
# Modules of the plugin that work without Qt, and therefore without tr().
WITHOUT_QT = (
    "base_python",
    "engine_client",
    "engine_environment",
    "engine_exit",
    "install_lock",
    "install_problems",
    "package_installer",
    "requirement_files",
)
PROGRESS = ("log", "warning", "update")
MARK = "marked"


def collect() -> Iterator[tuple[str, str]]:
    """Yields every template with the first file in which it occurs."""
    seen = set()
    for file in [
        *engine_files(),
        *(ROOT / "spectralgpt_qgis" / f"{name}.py" for name in WITHOUT_QT),
    ]:
        for text in templates(file.read_text(encoding="utf-8")):
            if text not in seen:
                seen.add(text)
                yield text, file.relative_to(ROOT).as_posix()


def engine_files() -> list[Path]:
    """The modules of the engine whose messages users may see."""
    return [
        file
        for file in sorted((ROOT / "engine").rglob("*.py"))
        if not set(LEFT_OUT) & set(file.relative_to(ROOT).parts)
    ]


def templates(source: str) -> list[str]:
    """The messages in a module's source, in order: progress messages, marked texts, and all whole sentences."""
    tree = ast.parse(source)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
    told = {
        id(call.args[place])
        for call in calls
        if isinstance(call.func, ast.Attribute)
        for place in [1 if call.func.attr == "update" else 0]
        if call.func.attr in PROGRESS and len(call.args) > place
    }
    named = [call for call in calls if isinstance(call.func, ast.Name)]
    told |= {id(call.args[0]) for call in named if call.func.id == MARK}
    translated = {id(call.args[0]) for call in named if call.func.id == "tr"}
    inside = translated | {
        id(part)
        for node in ast.walk(tree)
        for part in _parts(node)  # pieces of f-strings, and docstrings
    }
    found = []
    for node in ast.walk(tree):
        if id(node) in inside or not isinstance(node, (ast.Constant, ast.JoinedStr)):
            continue
        text = template(node)
        if text and (_is_sentence(text) or (id(node) in told and any(map(str.isalpha, text)))):
            found.append((node.lineno, node.col_offset, text))
    return [text for _, _, text in sorted(found)]


def template(node: ast.AST) -> str:
    """The text of a string with its gaps numbered; empty if the node is not a string."""
    if isinstance(node, ast.Constant):
        return _literal(node.value) if isinstance(node.value, str) else ""
    pieces, gaps = [], 0
    for piece in getattr(node, "values", ()):
        if isinstance(piece, ast.Constant):
            pieces.append(_literal(piece.value))
        else:
            gaps += 1
            pieces.append(f"{{{gaps}}}")
    return "".join(pieces)


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _is_sentence(text: str) -> bool:
    words = text.split()
    return len(words) > 3 and text.rstrip().endswith((".", "…")) and not text[0].islower()


def _parts(node: ast.AST) -> list[ast.AST]:
    if isinstance(node, ast.JoinedStr):
        return list(ast.walk(node))[1:]
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    if isinstance(node, kinds) and node.body and isinstance(node.body[0], ast.Expr):
        return [node.body[0].value]
    return []
