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
    nodes = list(ast.walk(ast.parse(source)))
    told = {id(_told(node)) for node in nodes}
    hidden = {id(part) for node in nodes for part in _hidden(node)}
    found = []
    for node in nodes:
        text = "" if id(node) in hidden else template(node)
        if text and (_is_sentence(text) or (id(node) in told and any(map(str.isalpha, text)))):
            found.append((node.lineno, node.col_offset, text))
    return [text for _, _, text in sorted(found)]


def _told(node: ast.AST) -> ast.AST | None:
    """The argument of a call that users will see: a message of progress, or a marked text."""
    if not isinstance(node, ast.Call):
        return None
    name = getattr(node.func, "attr", "")
    place = 1 if name == "update" else 0
    if name in PROGRESS and len(node.args) > place:
        return node.args[place]
    return node.args[0] if _calls(node, MARK) else None


def _calls(node: ast.AST, name: str) -> bool:
    """Whether a node calls a function by its plain name, with an argument."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        return False
    return node.func.id == name and bool(node.args)


def template(node: ast.AST) -> str:
    """The text of a string with its gaps numbered; empty if the node is not a string."""
    if isinstance(node, ast.Constant):
        return _literal(node.value) if isinstance(node.value, str) else ""
    if not isinstance(node, ast.JoinedStr):
        return ""
    pieces, gaps = [], 0
    for piece in node.values:
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


def _hidden(node: ast.AST) -> list[ast.AST]:
    """Strings inside a node that are no messages: pieces of f-strings, docstrings, and texts that tr() translates."""
    if isinstance(node, ast.JoinedStr):
        return list(ast.walk(node))[1:]
    if _calls(node, "tr"):
        return node.args[:1]
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    if isinstance(node, kinds) and node.body and isinstance(node.body[0], ast.Expr):
        return [node.body[0].value]
    return []
