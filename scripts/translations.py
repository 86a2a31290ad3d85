"""Collects the texts that users read into i18n/*.ts, and makes the .qm files that the plugin loads.

    python3 scripts/translations.py             # adds new texts to every language, and removes obsolete ones
    python3 scripts/translations.py --compile   # .ts to .qm, with Qt's lrelease

To add a language, copy the template i18n/spectralgpt.ts to spectralgpt_LANGUAGE.ts and translate it with Qt Linguist.
The texts are collected from the source: literals in calls of tr("..."), in the plugin (see spectralgpt_qgis/i18n.py)
and in the engine's reports (see engine/language.py); the engine's messages (see message_templates.py); and texts about
models in data files (see card_texts.py).
"""

from __future__ import annotations

import argparse
import ast
import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path
from xml.etree import ElementTree

import card_texts
import message_templates

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "i18n"
CONTEXT = "SpectralGPT"  # the same as in spectralgpt_qgis/i18n.py


def main() -> int:
    """Writes all .ts files, or all .qm files; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--compile", action="store_true", help="make the .qm files")
    return compile_all(FOLDER) if parser.parse_args().compile else update_all()


def update_all() -> int:
    """Writes the template and all languages."""
    texts = all_texts()
    messages = json.dumps(sorted(dict(message_templates.collect())), ensure_ascii=False, indent=0)
    message_templates.LIST.write_text(messages + "\n", encoding="utf-8")
    for path in [FOLDER / "spectralgpt.ts", *languages()]:
        done = translated(path)
        language = path.stem.partition("_")[2]
        path.write_text(as_ts(texts, language, done), encoding="utf-8")
        left = sum(text not in done for text in texts)
        sys.stdout.write(f"{path.relative_to(ROOT)}: {len(texts)} texts, {left} to translate\n")
    return 0


def compile_all(folder: Path) -> int:
    """Makes the .qm files in a folder; returns the exit code."""
    program = shutil.which("lrelease") or shutil.which("pyside6-lrelease")
    if program is None:
        sys.stdout.write("Qt's lrelease is missing: install qttools5-dev-tools.\n")
        return 1
    for path in languages():
        compiled = folder / path.with_suffix(".qm").name
        subprocess.run([program, "-silent", str(path), "-qm", str(compiled)], check=True)
    return 0


def languages() -> list[Path]:
    """The .ts files of the languages."""
    return sorted(FOLDER.glob("spectralgpt_*.ts"))


def all_texts() -> dict[str, str]:
    """All texts to translate, each with the first file in which it occurs: literals, engine messages, data files."""
    texts: dict[str, str] = {}
    for text, file in [*collect(), *message_templates.collect(), *card_texts.collect()]:
        texts.setdefault(text, file)
    return texts


def collect() -> Iterator[tuple[str, str]]:
    """Yields every text in a call of tr(), with the first file in which it occurs; the plugin's before the engine's."""
    plugin = sorted((ROOT / "spectralgpt_qgis").rglob("*.py"))
    yield from texts_of([*plugin, *message_templates.engine_files()])


def texts_of(files: Iterable[Path]) -> Iterator[tuple[str, str]]:
    """Yields every text in a call of tr() in some files, with the first file in which it occurs, in source order."""
    seen = set()
    for file in files:
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
    """The finished translations in a .ts file of the plugin."""
    if not path.is_file():
        return {}
    messages = ElementTree.parse(path).iter("message")
    return {
        message.findtext("source", ""): translation.text or ""
        for message in messages
        for translation in message.iter("translation")
        if translation.get("type") != "unfinished"
    }


def as_ts(texts: dict[str, str], language: str, done: dict[str, str]) -> str:
    """The contents of a .ts file; texts without a translation are marked as unfinished."""
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
