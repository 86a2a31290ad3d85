"""Colours for classes that have none: told apart by people with any kind of colour vision."""

from __future__ import annotations

import colorsys
from collections.abc import Collection

# M. Okabe and K. Ito, "Color universal design", 2008, without black, the strongest first; then the
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
_TURN = 0.61803398875  # of the colour circle; the golden ratio never comes back to where it was
_LIGHTNESS = (0.35, 0.65, 0.5)  # alternates, as hue alone is what colour-blind people lack


def colours(count: int, taken: Collection[str] = ()) -> list[str]:
    """Distinct colours as `#rrggbb`; the same for the same arguments.

    Args:
        count: How many.
        taken: Colours that other classes have already.
    """
    used = {colour.lower() for colour in taken}
    found: list[str] = []
    place = 0
    while len(found) < count:
        colour = SEPARABLE[place] if place < len(SEPARABLE) else _further(place - len(SEPARABLE))
        place += 1
        if colour not in used:
            used.add(colour)
            found.append(colour)
    return found


def _further(number: int) -> str:
    light = _LIGHTNESS[number % len(_LIGHTNESS)]
    parts = colorsys.hls_to_rgb(number * _TURN % 1, light, 0.6)
    return "#{:02x}{:02x}{:02x}".format(*(round(255 * part) for part in parts))
