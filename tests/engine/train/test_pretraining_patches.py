"""Where patches come from. The atlas itself is the same on every device: here it lies in the processor's memory."""

import dataclasses

import numpy as np
import pytest
import torch
from rasterio.windows import Window

from engine.data.atlas import AtlasLoader
from engine.data.grid import Grid
from engine.data.lazy_patches import LazyPatchLoader, LazyRaster
from engine.data.raster_pool import RasterPool
from engine.progress import Progress
from engine.train import pretraining_patches
from engine.train.parallel import Alone
from engine.train.pretraining_patches import Patches, atlas_bytes, without_held
from engine.train.stages import Stage
from tests.engine.data.rasters import CARD, write

STAGE = Stage(window=16, batch=6, steps=2, epochs=1)


class Told(Progress):
    def __init__(self):
        super().__init__()
        self.lines = []

    def emit(self, event):
        self.lines.append(event.get("message", ""))


@pytest.fixture
def rasters(tmp_path):
    """Two scenes: the reflectance of the one is .2, of the other .25; a block of each is held back, at .9."""
    found = []
    with RasterPool(CARD) as pool:
        for number, level in enumerate((2000, 2500)):
            values = np.full((9, 60, 70), level, "uint16")
            values[:, 20:40, 30:50] = 9000
            path = str(write(tmp_path / f"scene{number}.tif", values))
            grid = pool.get(path).grid
            assert isinstance(grid, Grid)
            held = (Window(30, 20, 20, 20), Window(60, 50, 40, 40))  # the second one hangs over
            found.append(LazyRaster(path, pool, grid, (0, 1, 2), held))
        yield found


@pytest.fixture
def patches(rasters):
    def make(progress=None, workers=None):
        told = progress or Progress()
        return Patches(rasters, CARD, 8, 5, workers or Alone(), "cpu", told)

    return make


def test_what_is_held_back_is_neither_valid_nor_there(rasters):
    for (image, valid), level in zip(without_held(rasters, Progress()), (0.2, 0.25)):
        assert not valid[20:40, 30:50].any()
        assert not valid[50:, 60:].any()
        assert valid.sum() == 60 * 70 - 20 * 20 - 10 * 10
        assert image.max() == pytest.approx(level)
        assert not image[:, ~valid].any()


def test_a_processor_reads_patches_as_they_are_drawn(patches):
    assert isinstance(patches().of_stage(0, STAGE), LazyPatchLoader)


def test_a_gpu_keeps_imagery_that_fits(patches, monkeypatch):
    made = patches()
    made._device = torch.device("cuda")
    for room, fits in ((10**9, True), (10**5, False)):
        monkeypatch.setattr(pretraining_patches, "device_memory", lambda _, room=room: room)
        assert made._fits(made._drawn) is fits
    several = Alone()
    several.count = 2
    made._workers = several
    monkeypatch.setattr(pretraining_patches, "device_memory", lambda _: 10**9)
    assert not made._fits(made._drawn)


def test_the_bytes_are_those_of_image_and_masks():
    # One image of 60 x 70 px with a gap of two pixels around it, 9 bands and 4 maps.
    assert atlas_bytes([(60, 70)], 9) == 4 * 13 * 64 * 74


def test_patches_of_the_atlas_keep_off_what_is_held_back(patches, monkeypatch):
    told = Told()
    made = patches(told)
    monkeypatch.setattr(made, "_fits", lambda _: True)
    loader = made.of_stage(0, dataclasses.replace(STAGE, batch=50))
    assert isinstance(loader, AtlasLoader)
    assert any("patches are cut there" in line for line in told.lines)
    image = torch.cat([batch["image"] for batch in loader])
    valid = torch.cat([batch["valid"] for batch in loader])
    # The light changes by half at most, and by .02 a band: never .9.
    assert image.max() < 0.7
    assert not image[(valid == 0).expand_as(image)].any()


def test_stages_share_an_atlas_where_their_imagery_is_the_same(patches, monkeypatch):
    made = patches()
    monkeypatch.setattr(made, "_fits", lambda _: True)
    one, other = made._atlas([0, 1]), made._atlas([0])
    assert other is not one and len(other.boxes) == 1
    assert made._atlas([0]) is other
    first, second = (next(iter(made.of_stage(n, STAGE)))["image"] for n in (0, 1))
    assert not torch.equal(first, second)  # each stage draws by a seed of its own


def test_without_room_after_all_patches_are_read(patches, monkeypatch):
    told = Told()
    made = patches(told)
    monkeypatch.setattr(made, "_fits", lambda _: True)

    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(pretraining_patches, "Atlas", full)
    assert isinstance(made.of_stage(0, STAGE), LazyPatchLoader)
    assert any("does not fit" in line for line in told.lines)
