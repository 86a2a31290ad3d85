from __future__ import annotations

from engine.cards import Band, Card
from engine.model.common_bands import common_bands, places_by_name

NAMES = ("coastal", "blue", "green", "red", "nir", "nir08", "swir16", "swir22")


def card(names, unit="reflectance"):
    bands = tuple(Band(f"b{n}", name) for n, name in enumerate(names))
    return Card("x", "backbone", bands, unit=unit)


def test_common_bands_are_found_by_name():
    assert common_bands(card(NAMES)) == (1, 2, 3, 4, 6, 7)


def test_without_one_of_them_or_without_reflectance_there_are_none():
    assert common_bands(card(NAMES[:-1])) == ()
    assert common_bands(card(NAMES, "raw")) == ()


def test_the_first_band_of_a_name_counts():
    assert places_by_name(card(("red", "nir", "red"))) == {"red": 0, "nir": 1}
