"""Colours of classes."""

import json
import re
from pathlib import Path

import pytest

from engine.data.palette import SEPARABLE, colours, familiar

FAMILIAR = Path(__file__).resolve().parents[2] / "data" / "familiar_classes.json"


def test_colours_are_distinct_and_the_same_every_time():
    many = colours(254)
    assert len(set(many)) == 254 and many[: len(SEPARABLE)] == list(SEPARABLE)
    assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in many)
    assert colours(5) == many[:5]


def test_taken_colours_are_left_out():
    assert colours(2, [SEPARABLE[0].upper()]) == list(SEPARABLE[1:3])


def test_colours_beside_a_familiar_blue_are_not_blue():
    """The palette's first colour is a blue of nearly the same hue: 202 against 206 degrees."""
    assert colours(2, ["#419bdf"]) == list(SEPARABLE[1:3])


@pytest.mark.parametrize(("title", "colour"), json.loads(FAMILIAR.read_text("utf-8")).items())
def test_familiar_classes_have_the_colour_that_people_expect(title, colour):
    assert familiar(title) == colour
