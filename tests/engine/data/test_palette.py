"""Colours of classes."""

import re

from engine.data.palette import SEPARABLE, colours


def test_colours_are_distinct_and_the_same_every_time():
    many = colours(254)
    assert len(set(many)) == 254 and many[: len(SEPARABLE)] == list(SEPARABLE)
    assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in many)
    assert colours(5) == many[:5]


def test_taken_colours_are_left_out():
    assert colours(2, [SEPARABLE[0].upper()]) == list(SEPARABLE[1:3])
