"""Collects the texts that users read into i18n/spectralgpt.ts, the template of all translations.

    python3 scripts/translations.py [LANGUAGE ...]

With languages (such as `de`), i18n/spectralgpt_LANGUAGE.ts gets the new texts and keeps what is translated. Translate
with Qt Linguist; `lrelease` turns a .ts file into the .qm file that the plugin loads. The texts are read from the
source: every call of tr("...") with a literal, as spectralgpt_qgis/i18n.py asks for.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from html import escape, unescape
from pathlib import Path
from re import DOTALL, findall

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "i18n"
CONTEXT = "SpectralGPT"  # as in spectralgpt_qgis/i18n.py


def main() -> int:
    """Writes the template and the languages that are asked for."""
    FOLDER.mkdir(exist_ok=True)
    texts = dict(collect())
    for language in ["", *sys.argv[1:]]:
        path = FOLDER / f"spectralgpt{'_' + language if language else ''}.ts"
        done = translated(path)
        path.write_text(as_ts(texts, language, done), encoding="utf-8")
        left = sum(text not in done for text in texts)
        sys.stdout.write(f"{path.relative_to(ROOT)}: {len(texts)} texts, {left} to translate\n")
    return 0


def collect() -> Iterator[tuple[str, str]]:
    """Every text with the first file that has it, in the order of the source."""
    seen = set()
    for file in sorted((ROOT / "spectralgpt_qgis").rglob("*.py")):
        calls = [
            node
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "tr"
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ]
        for call in sorted(calls, key=lambda node: (node.lineno, node.col_offset)):
            text = str(call.args[0].value)
            if text not in seen:
                seen.add(text)
                yield text, file.relative_to(ROOT).as_posix()


def translated(path: Path) -> dict[str, str]:
    """The finished translations of a .ts file of ours."""
    if not path.is_file():
        return {}
    pattern = r"<source>(.*?)</source>\s*<translation>(.*?)</translation>"
    found = findall(pattern, path.read_text(encoding="utf-8"), DOTALL)
    return {unescape(source): unescape(translation) for source, translation in found}


def as_ts(texts: dict[str, str], language: str, done: dict[str, str]) -> str:
    """A .ts file; texts without a translation are marked unfinished."""
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<!DOCTYPE TS>"]
    lines.append(f'<TS version="2.1" sourcelanguage="en"{_attribute("language", language)}>')
    lines.append(f"<context>\n    <name>{CONTEXT}</name>")
    for text, file in texts.items():
        lines.append(f'    <message>\n        <location filename="../{file}"/>')
        lines.append(f"        <source>{escape(text)}</source>")
        if text in done:
            lines.append(f"        <translation>{escape(done[text])}</translation>")
        else:
            lines.append('        <translation type="unfinished"></translation>')
        lines.append("    </message>")
    return "\n".join([*lines, "</context>", "</TS>", ""])


def _attribute(name: str, value: str) -> str:
    return f' {name}="{value}"' if value else ""


if __name__ == "__main__":
    sys.exit(main())
