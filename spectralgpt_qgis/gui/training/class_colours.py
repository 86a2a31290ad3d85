"""Colours for new classes: conventional ones for familiar names, else easily distinguished ones."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import count

from qgis.PyQt.QtGui import QColor

from ... import paths

# The first colours of engine/data/palette.py, which colour-blind people can distinguish too.
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
_TURN = 0.61803398875  # share of the colour circle between two hues, as in engine/data/palette.py
_LIGHTNESS = (0.5, 0.35, 0.65)
_NEAR = 20  # degrees of the colour circle; closer hues look alike side by side on a map


@lru_cache(maxsize=1)
def _table() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Colours, each with the beginnings or endings of words in class names; the engine reads the same file."""
    told = json.loads(paths.FAMILIAR_COLOURS.read_text(encoding="utf-8"))
    return tuple((item["colour"], tuple(item["words"])) for item in told["classes"])


def familiar_colour(name: str) -> str:
    """The conventional colour for a class name, "#rrggbb"; empty if there is none.

    Args:
        name: Name of the class, in any of the plugin's languages.
    """
    words = re.split(r"[^\w]+|_", name.casefold())
    for colour, stems in _table():
        if any(_says(word, stem) for word in words for stem in stems):
            return colour
    return ""


def _says(word: str, stem: str) -> bool:
    """Same as ``familiar`` in engine/data/palette.py; Chinese has no spaces between words."""
    if ord(stem[0]) > 0x2E80:
        return stem in word
    return word.startswith(stem) or (len(stem) > 3 and word.endswith(stem))


def given_by_us(colour: str) -> bool:
    """Whether a colour is one that is assigned automatically, not chosen by the user."""
    return colour.lower() in COLOURS or colour.lower() in {known for known, _ in _table()}


def free_colour(used: Iterable[str]) -> str:
    """A colour that no class uses, and that is not similar to a conventional colour in use.

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
    """One of an endless series of colours without repetition, whose hue advances by the golden ratio."""
    lightness = _LIGHTNESS[place % len(_LIGHTNESS)]
    return QColor.fromHslF(place * _TURN % 1.0, 0.45, lightness).name()


def _alike(first: str, second: str) -> bool:
    """Whether two colours have nearly the same hue."""
    apart = abs(QColor(first).hslHue() - QColor(second).hslHue())
    return min(apart, 360 - apart) < _NEAR
