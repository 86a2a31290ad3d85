"""Colours of classes: those that people expect of a name, else colours that are told apart."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import count

from qgis.PyQt.QtGui import QColor

from ... import paths

# The first ones of engine/data/palette.py, which are told apart with any kind of colour vision.
COLOURS = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#d55e00",
    "#cc79a7",
    "#56b4e9",
    "#f0e442",
    "#332288",
    "#117733",
    "#882255",
)
_TURN = 0.61803398875  # of the colour circle, as in engine/data/palette.py
_LIGHTNESS = (0.5, 0.35, 0.65)
_NEAR = 20  # degrees of the colour circle; closer hues look alike beside each other on a map


@lru_cache(maxsize=1)
def _table() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """A colour, and how words of such a class's name begin or end; the engine reads the same file."""
    told = json.loads(paths.FAMILIAR_COLOURS.read_text(encoding="utf-8"))
    return tuple((item["colour"], tuple(item["words"])) for item in told["classes"])


def familiar_colour(name: str) -> str:
    """The colour that people expect of a class called so, "#rrggbb"; empty where there is none.

    Args:
        name: In any of the plugin's languages.
    """
    words = re.split(r"[^\w]+|_", name.casefold())
    for colour, stems in _table():
        if any(_says(word, stem) for word in words for stem in stems):
            return colour
    return ""


def _says(word: str, stem: str) -> bool:
    """As ``familiar`` in engine/data/palette.py; Chinese has no spaces between words."""
    if ord(stem[0]) > 0x2E80:
        return stem in word
    return word.startswith(stem) or (len(stem) > 3 and word.endswith(stem))


def given_by_us(colour: str) -> bool:
    """Whether a colour is one that classes get by themselves, not one that somebody chose."""
    return colour.lower() in COLOURS or colour.lower() in {known for known, _ in _table()}


def free_colour(used: Iterable[str]) -> str:
    """A colour that no class has yet, and that is not alike to a familiar one among them.

    Args:
        used: Colours of the other classes.
    """
    taken = {colour.lower() for colour in used}
    expected = [colour for colour, _ in _table() if colour in taken]
    for colour in COLOURS:
        if colour not in taken and not any(_alike(colour, other) for other in expected):
            return colour
    further = (_further(place) for place in count(len(taken)))
    return next(colour for colour in further if colour not in taken)


def _further(place: int) -> str:
    """One of colours that never come back to where they were: the hue goes on by the golden ratio."""
    lightness = _LIGHTNESS[place % len(_LIGHTNESS)]
    return QColor.fromHslF(place * _TURN % 1.0, 0.45, lightness).name()


def _alike(first: str, second: str) -> bool:
    """Whether two colours are tones of one hue."""
    apart = abs(QColor(first).hslHue() - QColor(second).hslHue())
    return min(apart, 360 - apart) < _NEAR
