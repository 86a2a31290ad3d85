"""Windows over a grid: how batches reach a backend, beside what the tests of `segment` show."""

import threading

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS

from engine.data.grid import Grid
from engine.infer.mosaic import Mosaic
from engine.infer.region import open_region
from engine.progress import Progress

SIDE = 16
GRID = Grid(CRS.from_epsg(32631), Affine(10, 0, 0, 0, -10, 0), 4 * SIDE, 4 * SIDE)  # 16 windows


class Image:
    """A raster of ones, of which some windows of a row are no-data."""

    def __init__(self, empty=()):
        self.empty = empty

    def across(self, windows):
        for window in windows:
            valid = np.full((SIDE, SIDE), window.col_off // SIDE not in self.empty)
            yield {"image": np.ones((1, SIDE, SIDE), np.float32)}, valid


class Gpu:
    """Two lanes, and batches of a size; notes how many windows came at a time."""

    lanes = 2

    def __init__(self, batch, meet=None):
        self.batch, self.meet, self.seen = batch, meet, []

    def predict(self, feeds):
        self.seen.append(len(feeds["image"]))
        if self.meet is not None:
            self.meet.wait(10)  # raises where the other lane does not come
        return feeds["image"]


def mosaic(backend, image):
    region = open_region(GRID, None, None, None)
    return Mosaic(GRID, region, backend, image, window=SIDE, classes=1, overlap=0)


@pytest.mark.parametrize(
    ("batch", "seen"), [(1, [1] * 16), (2, [2] * 8), (3, [3, 1] * 4), (64, [4] * 4)]
)
def test_batches_are_full_but_at_the_end_of_a_row(batch, seen):
    backend = Gpu(batch)
    rows = list(mosaic(backend, Image()).rows(Progress()))
    assert sorted(backend.seen) == sorted(seen)
    assert sum(part.height for part in rows) == GRID.height


def test_empty_windows_take_no_place_in_a_batch():
    backend = Gpu(3)
    work = mosaic(backend, Image(empty=(1,)))
    known = np.concatenate([part.known.copy() for part in work.rows(Progress())])
    assert backend.seen == [3] * 4
    assert known.mean() == 0.75


def test_a_batch_is_read_and_predicted_while_another_one_is():
    """Windows of a batch that is not full do not take up the places of batches that wait: both lanes have work."""
    backend = Gpu(4, meet=threading.Barrier(2))
    list(mosaic(backend, Image()).rows(Progress()))
    assert backend.seen == [4] * 4
