"""The reader's language, for the documents that the engine writes.

Messages of the engine are in English, and translated by whoever displays them. A report is a file, so its texts are
in the reader's language from the start. They stand in the catalogues of the plugin, i18n/spectralgpt_LANGUAGE.ts, under
their English text; what is in none stays English.
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
_VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")  # as gettext looks
_COMMA = ("de", "es", "fr", "pt")  # languages that write 0,5
_HTML = {"zh": "zh-Hans"}  # simplified characters
_LEAST_WORDS = 3  # of what fills a gap of a message, to be looked up itself
_DECIMALS = re.compile(r"-?[0-9]+\.[0-9]+(?:%| [A-Za-z/]{1,5})?")  # perhaps with a unit
_SENTENCE = re.compile(r"[.…](?= )")  # its end, where another follows
_JOINTS = (": ", "; ", ", ")  # "scene.tif: The raster ...", "uint16 values / 10000, after ..."


class Language(NamedTuple):
    """A language with its texts by their English ones."""

    code: str
    texts: Mapping[str, str]


class Message(NamedTuple):
    """What the engine says, with numbered gaps, and the pattern that finds it: one group a gap."""

    text: str
    pattern: re.Pattern[str]


_ENGLISH = Language(ENGLISH, {})
_spoken: ContextVar[Language] = ContextVar("language", default=_ENGLISH)


@contextmanager
def speaking(wanted: str) -> Iterator[None]:
    """Has :func:`tr` and :func:`told` speak a language.

    Args:
        wanted: Such as "de", "pt_BR" or "zh-Hans"; empty takes the environment's. English is spoken where there is no
            catalogue.
    """
    token = _spoken.set(_read(language_code(wanted)))
    try:
        yield
    finally:
        _spoken.reset(token)


def language_code(wanted: str = "") -> str:
    """The language that serves a wish, "en" when none does; the arguments of :func:`speaking`."""
    if not wanted:
        wanted = next((found for name in _VARIABLES if (found := os.environ.get(name))), "")
    for name in wanted.split(":"):
        code = re.split(r"[-_.@]", name.strip())[0].lower()
        if code == ENGLISH or (code.isalpha() and _catalogue(code).is_file()):
            return code
    return ENGLISH


def tr(text: str) -> str:
    """A text in the reader's language: a literal, with ``.format()`` after the call, see scripts/translations.py."""
    return _spoken.get().texts.get(text) or text


def told(message: str) -> str:
    """A message of the engine in the reader's language, recognised with its gaps filled; else as it is."""
    if not _spoken.get().texts:
        return message
    whole = _recognised(message)
    if whole:
        return whole
    if message.startswith(" "):
        return " " + told(message[1:])
    for end in _SENTENCE.finditer(message):
        for place in (end.end(), end.end() + 1):  # the space is one's or the other's
            first = _recognised(message[:place])
            if first:
                return first + told(message[place:])
    for joint in _JOINTS:
        start, is_there, rest = message.partition(joint)
        if is_there:
            return told(start) + joint + told(rest)
    return message


def _recognised(message: str) -> str:
    """The translation of what one template fits; empty where none does.

    One that begins with a gap is the last resort where that gap would take in the beginning of another message:
    "Raster, values: int16 values / 10000" is "{1}, values: {2}" and no "{1} values / 10000".
    """
    fits = [(known, found) for known in _messages() if (found := known.pattern.fullmatch(message))]
    fits.sort(key=lambda fit: _begins_inside(*fit))
    for known, found in fits[:1]:
        return tr(known.text).format("", *map(_filling, found.groups()))
    return ""


def _begins_inside(known: Message, found: re.Match[str]) -> bool:
    return known.text.startswith("{1}") and any(joint in found.group(1) for joint in _JOINTS)


def _filling(gap: str) -> str:
    """What fills a gap: a message within the message, a number with decimals, or a name."""
    if _DECIMALS.fullmatch(gap):
        return gap.replace(".", decimal_sign())
    return told(gap) if len(gap.split()) >= _LEAST_WORDS else gap


def marked(message: str) -> str:
    """Marks a message that is no sentence, and is not told at once, for scripts/message_templates.py."""
    return message


def html_code() -> str:
    """The language that is spoken, as HTML names it."""
    code = _spoken.get().code
    return _HTML.get(code, code)


def decimal_sign() -> str:
    """What stands before the decimals of a number."""
    return "," if _spoken.get().code in _COMMA else "."


def _catalogue(code: str) -> Path:
    return CATALOGUES / f"spectralgpt_{code}.ts"


@lru_cache(maxsize=8)
def _read(code: str) -> Language:
    """A report in English is better than none: a catalogue that cannot be read is no failure of the work."""
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
    """Those with the most words of their own first: of two that fit, that one says more."""
    texts = json.loads((CATALOGUES / "engine_messages.json").read_text(encoding="utf-8"))
    found = [Message(text, _pattern(text)) for text in texts]
    return tuple(sorted(found, key=lambda item: -len(item.pattern.pattern)))


def _pattern(text: str) -> re.Pattern[str]:
    pieces = Formatter().parse(text)
    return re.compile(
        "".join(re.escape(words) + ("" if gap is None else "(.*?)") for words, gap, _, _ in pieces),
        re.DOTALL,
    )
