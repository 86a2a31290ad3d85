from __future__ import annotations

import dataclasses

import numpy as np
import torch
from rasterio.windows import Window

from engine.data.label_layer import LabelledPixels
from engine.train import kept_maps
from engine.train.kept_maps import KeptMaps
from engine.train.labelled_ground import LabelledGround


def ground() -> LabelledGround:
    none = np.zeros(0, np.int64)
    pixels = LabelledPixels(none, none, none.astype(np.uint8), none.astype(np.int32))
    return LabelledGround(lambda window: ({}, np.zeros((2, 2), bool)), (2, 2), pixels, 0)


def keep(maps: KeptMaps, number: int, of: LabelledGround) -> None:
    fine, coarse = torch.full((1, 3, 2, 2), number), torch.full((1, 4, 1, 1), number)
    maps.keep(number, of, Window(number, 0, 2, 2), fine, coarse)


def test_maps_come_back_by_raster_in_the_order_of_their_windows() -> None:
    """As the threads that compute them finish in any order."""
    maps, one, other = KeptMaps(), ground(), ground()
    for number, of in ((2, one), (1, other), (0, one)):
        keep(maps, number, of)
    thinned = dataclasses.replace(one, place=5)
    assert [found.window.col_off for found in maps.of(thinned)] == [0, 2]
    (found,) = maps.of(other)
    assert (found.fine.shape, found.fine.dtype, found.coarse.shape) == (
        (3, 2, 2),
        "float16",
        (4, 1, 1),
    )


def test_of_too_many_windows_every_so_manyth_is_wanted(monkeypatch) -> None:
    monkeypatch.setattr(kept_maps, "MOST", 3)
    wanted = [number for number in range(8) if KeptMaps().wants(number, 8)]
    assert wanted == [0, 3, 6]
    assert all(KeptMaps().wants(number, 3) for number in range(3))
