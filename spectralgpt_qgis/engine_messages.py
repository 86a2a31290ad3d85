"""What the engine says, in the user's language.

The engine speaks English. Its messages are recognised by their templates ("The raster {1} is empty."), which stand in
i18n/engine_messages.json and are translated like the plugin's own texts; what fills their gaps is put in again. Text
that no template fits stays as it is. The engine does the same for its reports, see engine/language.py.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from string import Formatter
from typing import NamedTuple

from . import paths
from .i18n import localised, speaks_english, translated

_LEAST_WORDS = 2  # of what fills a gap, to be looked up itself
_SENTENCE = re.compile(r"[.…](?= )")  # its end, where another follows
_DECIMALS = re.compile(r"-?[0-9]+\.[0-9]+(?:%| [A-Za-z/]{1,5})?")  # perhaps with a unit
_JOINTS = (": ", "; ", ", ")  # "scene.tif: The raster ...", "uint16 values / 10000, after ..."


class Template(NamedTuple):
    """A message with numbered gaps.

    Attributes:
        text: As it stands in the catalogues of translations.
        start: What every such message begins with.
        pattern: Matches the message; one group a gap.
    """

    text: str
    start: str
    pattern: re.Pattern[str]

    @classmethod
    def of(cls, text: str) -> Template:
        """Makes the pattern."""
        pieces = list(Formatter().parse(text))
        pattern = "".join(
            re.escape(literal) + ("" if gap is None else "(.*?)") for literal, gap, _, _ in pieces
        )
        return cls(text, pieces[0][0], re.compile(pattern, re.DOTALL))


@lru_cache(maxsize=256)
def in_users_language(message: str) -> str:
    """Translates a message of the engine.

    Args:
        message: As the engine sent it.

    Returns:
        The message in the language of QGIS, or as it was.
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
        for place in (end.end(), end.end() + 1):  # the space is one's or the other's
            first = _translated(message[:place])
            if first:
                return first + in_users_language(message[place:])
    for joint in _JOINTS:
        start, is_there, rest = message.partition(joint)
        if is_there:
            return in_users_language(start) + joint + in_users_language(rest)
    return message


def _translated(message: str) -> str:
    """The translation of what one template fits; empty where none does."""
    template, gaps = recognise(message)
    if template is None:
        return ""
    return translated(template.text).format("", *map(_filling, gaps))


def _filling(gap: str) -> str:
    """What fills a gap: a message within the message, a number with decimals, or a name."""
    is_more = len(gap.split()) >= _LEAST_WORDS or _DECIMALS.fullmatch(gap)
    return in_users_language(gap) if is_more else gap


def recognise(message: str) -> tuple[Template | None, tuple[str, ...]]:
    """The template of a message and what fills its gaps; None for what has none.

    One that begins with a gap is the last resort where that gap would take in the beginning of another message:
    "Raster, values: int16 values / 10000" is "{1}, values: {2}" and no "{1} values / 10000".
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
    """Those with the most words of their own first: of two that fit, that one says more."""
    texts = json.loads(paths.ENGINE_MESSAGES.read_text(encoding="utf-8"))
    return tuple(
        sorted((Template.of(text) for text in texts), key=lambda item: -len(item.pattern.pattern))
    )
