from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from engine.recipes import collections, landcover_towns
from engine.recipes.collections import Scene
from engine.recipes.landcover_labels import BUILT, SHORE
from engine.recipes.landcover_towns import open_land, roughness, towns

SIDE = 60
VISIBLE = slice(0, 3)


def ground(reflectance=0.07, near=0.2, short=0.2):
    """Bare, dry ground, smooth all over; one dark corner, as every scene has."""
    image = np.full((9, SIDE, SIDE), near, np.float32)
    image[VISIBLE], image[7:] = reflectance, short
    image[VISIBLE, :8, :8] = 0.02
    return Scene("s", image, np.ones((SIDE, SIDE), bool), "L1C")


def with_roofs(scene, rows=slice(20, 60), columns=slice(20, 60)):
    """Every second square of 2 x 2 pixels twice as bright in visible light."""
    image = scene.image.copy()
    board = (np.indices((SIDE, SIDE)) // 2).sum(0) % 2 == 0
    there = np.zeros_like(board)
    there[rows, columns] = True
    image[VISIBLE, board & there] *= 2
    return dataclasses.replace(scene, image=image)


def test_a_board_of_roofs_is_a_town_and_smooth_ground_is_open():
    scene = with_roofs(ground())
    town, smooth = towns(scene), open_land(scene)
    assert town[30:, 30:].all()
    assert not town[:12].any()
    assert smooth[:8, 24:].all()
    assert not smooth[20:, 20:].any()
    assert not (town & smooth).any()


def test_leaves_and_water_are_no_town_however_rough():
    for kind in (ground(near=0.6), ground(near=0.02, short=0.01)):
        rough = with_roofs(kind)
        assert roughness(rough)[40, 40] > landcover_towns.ROUGH
        assert not towns(rough).any()


def test_haze_makes_no_town_smooth():
    clear, hazy = with_roofs(ground()), with_roofs(ground())
    hazy = dataclasses.replace(hazy, image=hazy.image + np.float32(0.05))
    assert roughness(hazy) == pytest.approx(roughness(clear), abs=1e-4)


def test_roughness_by_hand():
    # A ramp of .01 a column from .05 to .64: slope .01; the darkest hundredth is its first column.
    image = np.zeros((9, SIDE, SIDE), np.float32)
    image[VISIBLE] = 0.05 + 0.01 * np.arange(SIDE)
    scene = Scene("s", image, np.ones((SIDE, SIDE), bool), "L1C")
    assert roughness(scene)[30, 40] == pytest.approx(0.01 / (0.01 * 40 + 0.03), rel=1e-3)


def test_labels_need_both_dates(monkeypatch):
    rough, half = with_roofs(ground()), with_roofs(ground(), slice(20, 40))
    monkeypatch.setattr(collections, "oscd_cities", lambda data: ("a",))
    monkeypatch.setattr(collections, "oscd_pair", lambda data, city: (rough, half, None))
    monkeypatch.setattr(
        landcover_towns, "surface_regression", lambda data: (np.full(9, 0.9), np.full(9, -0.01))
    )
    forms = list(landcover_towns.city_labels(Path("anywhere")))
    assert [form.scene.level for form in forms] == ["L1C", "L2A", "L1C", "L2A"]
    assert {form.place for form in forms} == {"oscd/a"}
    for form in forms:
        assert (form.label[28:34, 28:50] == BUILT).all()
        assert not np.isin(form.label[50:, 28:50], (BUILT, SHORE)).any()  # rough on one date alone
        assert (form.label[:8, 30:] == SHORE).all()
    assert forms[1].scene.image[3, 5, 5] == pytest.approx(0.9 * 0.2 - 0.01)
