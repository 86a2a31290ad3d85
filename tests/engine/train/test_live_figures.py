"""Figures of all classes and of each, and how they are told."""

import math

import numpy as np

from engine.cards import ModelClass
from engine.train.live_figures import figures, looks, tell, titles
from tests.engine.infer.conftest import Recorder


def test_figures_by_hand():
    """Of a: 6 right, 2 missed, 1 wrongly mapped: IoU 6 / 9. Of b: 3 right: IoU 3 / 6. 9 of 12 are right."""
    found = figures(np.array([[6, 2], [1, 3]]), ["a", "b"])
    assert found["accuracy"] == 9 / 12
    assert found["iou/a"] == 6 / 9
    assert found["iou/b"] == 3 / 6
    assert found["miou"] == (6 / 9 + 3 / 6) / 2


def test_what_is_no_number_is_not_told():
    """Of the third class there is no label, and nothing is mapped as it."""
    found = figures(np.array([[2, 0, 0], [0, 2, 0], [0, 0, 0]]), ["a", "b", "c"])
    assert math.isnan(found["iou/c"])
    told = Recorder()
    tell(told, "part_", 4, found)
    assert [(e["name"], e["step"], e["value"]) for e in told.events] == [
        ("part_accuracy", 4, 1.0),
        ("part_miou", 4, 1.0),
        ("part_iou/a", 4, 1.0),
        ("part_iou/b", 4, 1.0),
    ]


def test_a_class_without_a_title_shows_its_name():
    classes = (
        ModelClass(1, "water", "Open water", "#0000ff"),
        ModelClass(2, "bare", "", "#aa8855"),
    )
    assert titles(classes) == ["Open water", "bare"]
    assert looks(classes) == [
        {"title": "Open water", "color": "#0000ff"},
        {"title": "bare", "color": "#aa8855"},
    ]
