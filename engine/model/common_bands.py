"""The six bands that every optical sensor of the family has, and where a card's bands hold them."""

from __future__ import annotations

from ..cards import Card

COMMON_NAMES = ("blue", "green", "red", "nir", "swir16", "swir22")
# Of the shipped models' nine bands: B02, B03, B04, B08, B11, B12.
COMMON_BANDS = (0, 1, 2, 6, 7, 8)


def places_by_name(card: Card) -> dict[str, int]:
    """Index of the first band of each common name."""
    places: dict[str, int] = {}
    for index, band in enumerate(card.bands):
        places.setdefault(band.common_name, index)
    return places


def common_bands(card: Card) -> tuple[int, ...]:
    """Indices of the six common bands; empty where one is missing or the unit is not reflectance."""
    places = places_by_name(card)
    if card.unit != "reflectance" or any(name not in places for name in COMMON_NAMES):
        return ()
    return tuple(places[name] for name in COMMON_NAMES)
