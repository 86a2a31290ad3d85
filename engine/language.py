"""The reader's language, for the documents that the engine writes.

Messages of the engine are in English, and translated by whoever displays them. A report is a file, so its texts are
in the reader's language from the start. Translations come from the plugin's catalogues, i18n/spectralgpt_LANGUAGE.ts,
by their English texts; texts without a translation remain English.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from string import Formatter
from typing import NamedTuple
from xml.etree import ElementTree  # nosec B405 - the files of this project

CATALOGUES = Path(__file__).resolve().parents[1] / "i18n"
ENGLISH = "en"
_VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")  # in gettext's order
_COMMA = ("de", "es", "fr", "pt")  # languages with a decimal comma
_HTML = {"zh": "zh-Hans"}  # simplified characters
_LEAST_WORDS = 3  # texts in placeholders with at least so many words are translated too
_DECIMALS = re.compile(r"-?[0-9]+\.[0-9]+(?:%| [A-Za-z/]{1,5})?")  # optionally with a unit
_SENTENCE = re.compile(r"[.…](?= )")  # end of a sentence before another one
_JOINTS = (": ", "; ", ", ")  # "scene.tif: The raster ...", "uint16 values / 10000, after ..."


class Language(NamedTuple):
    """A language with its translations, by English text."""

    code: str
    texts: Mapping[str, str]


class Message(NamedTuple):
    """A message template with numbered placeholders, and a pattern that matches it, with a group for each."""

    text: str
    pattern: re.Pattern[str]


_ENGLISH = Language(ENGLISH, {})
_spoken: ContextVar[Language] = ContextVar("language", default=_ENGLISH)


@contextmanager
def speaking(wanted: str) -> Iterator[None]:
    """Sets the language of :func:`tr` and :func:`told`.

    Args:
        wanted: A language such as "de", "pt_BR" or "zh-Hans"; if empty, the environment's. English is used if there is
            no catalogue.
    """
    token = _spoken.set(_read(language_code(wanted)))
    try:
        yield
    finally:
        _spoken.reset(token)


def language_code(wanted: str = "") -> str:
    """The code of the best available language, "en" if there is none; for the argument see :func:`speaking`."""
    if not wanted:
        wanted = next((found for name in _VARIABLES if (found := os.environ.get(name))), "")
    for name in wanted.split(":"):
        code = re.split(r"[-_.@]", name.strip())[0].lower()
        if code == ENGLISH or (code.isalpha() and _catalogue(code).is_file()):
            return code
    return ENGLISH


def tr(text: str) -> str:
    """Translates a text, which must be a literal, with ``.format()`` after the call; see scripts/translations.py."""
    return _spoken.get().texts.get(text) or text


def told(message: str) -> str:
    """Translates a message of the engine whose placeholders are already filled; unrecognised ones stay unchanged."""
    if not _spoken.get().texts:
        return message
    whole = _recognised(message)
    if whole:
        return whole
    if message.startswith(" "):
        return " " + told(message[1:])
    for end in _SENTENCE.finditer(message):
        for place in (end.end(), end.end() + 1):  # the space may belong to either sentence
            first = _recognised(message[:place])
            if first:
                return first + told(message[place:])
    for joint in _JOINTS:
        start, is_there, rest = message.partition(joint)
        if is_there:
            return told(start) + joint + told(rest)
    return message


def _recognised(message: str) -> str:
    """The translation of a message that matches a template; empty if none matches.

    Templates that begin with a placeholder are the last choice if this would contain the beginning of another message:
    "Raster, values: int16 values / 10000" is "{1}, values: {2}" and not "{1} values / 10000".
    """
    fits = [(known, found) for known in _messages() if (found := known.pattern.fullmatch(message))]
    fits.sort(key=lambda fit: _begins_inside(*fit))
    for known, found in fits[:1]:
        return tr(known.text).format("", *map(_filling, found.groups()))
    return ""


def _begins_inside(known: Message, found: re.Match[str]) -> bool:
    return known.text.startswith("{1}") and any(joint in found.group(1) for joint in _JOINTS)


def _filling(gap: str) -> str:
    """Translates the text in a placeholder: a message within the message, a number with decimals, or a name."""
    if _DECIMALS.fullmatch(gap):
        return gap.replace(".", decimal_sign())
    return told(gap) if len(gap.split()) >= _LEAST_WORDS else gap


def marked(message: str) -> str:
    """Marks a text that is a part of messages, so that scripts/message_templates.py collects it."""
    return message


def html_code() -> str:
    """The HTML code of the current language."""
    code = _spoken.get().code
    return _HTML.get(code, code)


def decimal_sign() -> str:
    """The decimal separator of the current language."""
    return "," if _spoken.get().code in _COMMA else "."


def _catalogue(code: str) -> Path:
    return CATALOGUES / f"spectralgpt_{code}.ts"


@lru_cache(maxsize=8)
def _read(code: str) -> Language:
    """Reads a catalogue; English if it cannot be read, as a report in English is better than none."""
    try:
        tree = ElementTree.parse(_catalogue(code))  # nosec B314
    except (OSError, ElementTree.ParseError):
        return _ENGLISH
    return Language(
        code,
        {
            item.findtext("source", ""): text
            for item in tree.iter("message")
            if (text := item.findtext("translation", ""))
        },
    )


@lru_cache(maxsize=1)
def _messages() -> tuple[Message, ...]:
    """All message templates, the longest first, as the longer of two that match is more specific."""
    texts = json.loads((CATALOGUES / "engine_messages.json").read_text(encoding="utf-8"))
    found = [Message(text, _pattern(text)) for text in texts]
    return tuple(sorted(found, key=lambda item: -len(item.pattern.pattern)))


def _pattern(text: str) -> re.Pattern[str]:
    pieces = Formatter().parse(text)
    return re.compile(
        "".join(re.escape(words) + ("" if gap is None else "(.*?)") for words, gap, _, _ in pieces),
        re.DOTALL,
    )
