"""Translates the engine's messages, which are in English, into the user's language.

Messages are recognised by their templates ("The raster {1} is empty."), which are in i18n/engine_messages.json and are
translated like the plugin's own texts; then the gaps are filled in again. Text that matches no template stays as it is.
The engine does the same for its reports, see engine/language.py.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from string import Formatter
from typing import NamedTuple

from . import paths
from .i18n import localised, speaks_english, translated

_LEAST_WORDS = 2  # a gap with fewer words is a name, which is not translated
_SENTENCE = re.compile(r"[.…](?= )")  # the end of a sentence that another one follows
_DECIMALS = re.compile(r"-?[0-9]+\.[0-9]+(?:%| [A-Za-z/]{1,5})?")  # optionally with a unit
_JOINTS = (": ", "; ", ", ")  # "scene.tif: The raster ...", "uint16 values / 10000, after ..."


class Template(NamedTuple):
    """A message with numbered gaps.

    Attributes:
        text: The template as it is in the translation files.
        start: The text before the first gap, with which every such message begins.
        pattern: Matches the message, with one group per gap.
    """

    text: str
    start: str
    pattern: re.Pattern[str]

    @classmethod
    def of(cls, text: str) -> Template:
        """Makes the template with its pattern."""
        pieces = list(Formatter().parse(text))
        pattern = "".join(
            re.escape(literal) + ("" if gap is None else "(.*?)") for literal, gap, _, _ in pieces
        )
        return cls(text, pieces[0][0], re.compile(pattern, re.DOTALL))


@lru_cache(maxsize=256)
def in_users_language(message: str) -> str:
    """Translates a message of the engine.

    Args:
        message: The message from the engine.

    Returns:
        The message in the language of QGIS, or unchanged if it is not recognised.
    """
    if speaks_english():
        return message
    if _DECIMALS.fullmatch(message):
        return localised(message)
    whole = _translated(message)
    if whole:
        return whole
    if message.startswith(" "):
        return " " + in_users_language(message[1:])
    for end in _SENTENCE.finditer(message):
        for place in (end.end(), end.end() + 1):  # the space may belong to either
            first = _translated(message[:place])
            if first:
                return first + in_users_language(message[place:])
    for joint in _JOINTS:
        start, is_there, rest = message.partition(joint)
        if is_there:
            return in_users_language(start) + joint + in_users_language(rest)
    return message


def _translated(message: str) -> str:
    """The translation of a message that matches a template; empty if it matches none."""
    template, gaps = recognise(message)
    if template is None:
        return ""
    return translated(template.text).format("", *map(_filling, gaps))


def _filling(gap: str) -> str:
    """Translates the content of a gap: a message within the message, a decimal number, or a name, which stays."""
    is_more = len(gap.split()) >= _LEAST_WORDS or _DECIMALS.fullmatch(gap)
    return in_users_language(gap) if is_more else gap


def recognise(message: str) -> tuple[Template | None, tuple[str, ...]]:
    """The template of a message and the contents of its gaps; None if it matches no template.

    A template that begins with a gap is the last resort if that gap would include the beginning of another message:
    "Raster, values: int16 values / 10000" is "{1}, values: {2}", not "{1} values / 10000".
    """
    fits = [
        (template, found.groups())
        for template in _templates()
        if message.startswith(template.start) and (found := template.pattern.fullmatch(message))
    ]
    fits.sort(key=_begins_inside)
    return fits[0] if fits else (None, ())


def _begins_inside(fit: tuple[Template, tuple[str, ...]]) -> bool:
    template, gaps = fit
    return not template.start and any(joint in gaps[0] for joint in _JOINTS)


@lru_cache(maxsize=1)
def _templates() -> tuple[Template, ...]:
    """All templates, longest first: if two match, the longer one is more specific."""
    texts = json.loads(paths.ENGINE_MESSAGES.read_text(encoding="utf-8"))
    return tuple(
        sorted((Template.of(text) for text in texts), key=lambda item: -len(item.pattern.pattern))
    )
