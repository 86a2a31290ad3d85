"""Colours that are assigned to classes automatically."""

from __future__ import annotations

import json

import pytest

from spectralgpt_qgis.gui.training.class_colours import (
    COLOURS,
    familiar_colour,
    free_colour,
    given_by_us,
)
from tests.plugin.conftest import ROOT

FAMILIAR = ROOT / "tests" / "data" / "familiar_classes.json"  # shared with the engine's tests


@pytest.mark.parametrize(("name", "colour"), json.loads(FAMILIAR.read_text("utf-8")).items())
def test_familiar_classes_have_the_colour_that_people_expect(name, colour):
    assert familiar_colour(name) == colour


def test_a_chosen_colour_is_told_from_those_that_classes_get_by_themselves():
    assert given_by_us("#419BDF") and given_by_us(COLOURS[3])
    assert not given_by_us("#123456")


def test_a_further_colour_is_not_alike_to_a_familiar_one():
    """The first colour is a blue of nearly the same hue as water: 202 against 206 degrees."""
    assert free_colour(["#419bdf"]) == COLOURS[1]
    assert free_colour([COLOURS[0]]) == COLOURS[1]
    assert free_colour([]) == COLOURS[0]


def test_colours_never_run_out():
    used = []
    for _ in range(300):  # more classes than a model can have
        used.append(free_colour(used))
    assert len(set(used)) == 300
