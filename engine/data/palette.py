"""Colours for classes that have none, distinguishable with any kind of colour vision."""

from __future__ import annotations

import colorsys
import json
import re
from collections.abc import Collection
from pathlib import Path

# M. Okabe and K. Ito, "Color universal design", 2008, without black, strongest first; then the
# "muted" scheme of P. Tol, "Colour schemes", SRON/EPS/TN/09-002, 2021.
SEPARABLE = (
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
    "#999933",
    "#44aa99",
    "#cc6677",
    "#ddcc77",
    "#aa4499",
    "#88ccee",
)
# Colours that analysts expect, each with the beginnings or endings of words in such class names.
_FAMILIAR: tuple[tuple[str, tuple[str, ...]], ...] = tuple(
    (item["colour"], tuple(item["words"]))
    for item in json.loads(
        Path(__file__).with_name("familiar_colours.json").read_text(encoding="utf-8")
    )["classes"]
)
_TURN = 0.61803398875  # step on the colour circle; the golden ratio never repeats a hue
_NEAR = 20 / 360  # of the colour circle; closer hues look alike side by side on a map
_LIGHTNESS = (0.35, 0.65, 0.5)  # alternates, as colour-blind people cannot tell some hues apart


def colours(count: int, taken: Collection[str] = ()) -> list[str]:
    """Distinct colours as `#rrggbb`; the same for the same arguments.

    Args:
        count: Number of colours.
        taken: Colours of other classes.
    """
    used = {colour.lower() for colour in taken}
    found: list[str] = []
    place = 0
    while len(found) < count:
        known = place < len(SEPARABLE)
        colour = SEPARABLE[place] if known else _further(place - len(SEPARABLE))
        place += 1
        near = known and any(_alike(colour, other) for other in taken)
        if colour not in used and not near:
            used.add(colour)
            found.append(colour)
    return found


def _alike(first: str, second: str) -> bool:
    """Whether two colours have nearly the same hue."""
    hues = []
    for text in (first, second):
        hues.append(colorsys.rgb_to_hls(*(int(text[at : at + 2], 16) / 255 for at in (1, 3, 5)))[0])
    apart = abs(hues[0] - hues[1])
    return min(apart, 1 - apart) < _NEAR


def familiar(title: str) -> str:
    """The colour that people expect for a class of this title, `#rrggbb`; empty if there is none."""
    words = re.split(r"[^\w]+|_", title.casefold())
    for colour, stems in _FAMILIAR:
        if any(
            word.startswith(stem) or (len(stem) > 3 and word.endswith(stem)) or _inside(stem, word)
            for word in words
            for stem in stems
        ):
            return colour
    return ""


def _inside(stem: str, word: str) -> bool:
    """Whether a Chinese stem occurs anywhere, as Chinese has no spaces between words."""
    return not stem.isascii() and stem in word and ord(stem[0]) > 0x2E80


def _further(number: int) -> str:
    light = _LIGHTNESS[number % len(_LIGHTNESS)]
    parts = colorsys.hls_to_rgb(number * _TURN % 1, light, 0.6)
    return "#{:02x}{:02x}{:02x}".format(*(round(255 * part) for part in parts))
