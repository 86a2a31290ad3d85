import numpy as np
import pytest
import torch
from rasterio.windows import Window

from engine.cards import Card
from engine.data.augmentation import Crop
from engine.data.lazy_patches import LazyPatchLoader, LazyRaster
from engine.data.patches import PatchPlan, Source
from engine.data.raster_pool import RasterPool
from engine.errors import EmptyArea
from tests.engine.data.rasters import CARD, NAMES, ramp, write

SIX = (*NAMES[:3], *NAMES[6:])  # without the red edge, as Landsat


@pytest.fixture
def pool():
    with RasterPool(CARD, most=2) as pool:
        yield pool


def raster(path, pool, values, names=NAMES, held=(), **profile):
    name = write(path, values, names=names, **profile)
    source = pool.get(name)
    return LazyRaster(name, pool, source.grid, source.groups, held)


def loader(rasters, **more):
    options = {name: more.pop(name) for name in ("share", "ahead") if name in more}
    plan = PatchPlan(**{"size": 16, "batch": 4, "steps": 3, "seed": 1, **more})
    return LazyPatchLoader(rasters, plan, tokens=4, **options)


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


def test_a_raster_and_an_image_in_memory_give_the_same_patch(tmp_path, pool):
    lazy = raster(tmp_path / "a.tif", pool, ramp(height=60, width=50))
    image, valid = pool.get(lazy.path).read(Window(0, 0, 50, 60))
    crop = Crop(7, 3, 21, 18)
    one, other = lazy.cut(crop, 16), Source(image, valid).cut(crop, 16)
    assert torch.equal(one.image, other.image)
    assert torch.equal(one.valid, other.valid)


def test_batches_hold_what_the_network_takes(tmp_path, pool):
    whole = raster(tmp_path / "a.tif", pool, ramp(height=60, width=50))
    batch = next(iter(loader([whole], fewer_groups=0.0)))
    assert batch["image"].shape == (4, 9, 16, 16)
    assert batch["valid"].shape == (4, 1, 16, 16)
    assert batch["groups"].tolist() == [0, 1, 2]
    assert batch["noise"].shape == (4, 12)
    assert batch["noise"].unique().numel() > 40


def test_an_epoch_depends_on_seed_and_number_alone(tmp_path, pool):
    rasters = [
        raster(tmp_path / f"{n}.tif", pool, ramp(height=40 + n, width=50, start=300 * n + 300))
        for n in range(4)  # twice as many as may be open
    ]

    def draw(seed, epoch, ahead=2):
        drawn = loader(rasters, seed=seed, ahead=ahead)
        drawn.set_epoch(epoch)
        return list(drawn)

    first = draw(1, 4)
    assert all(same(a, b) for a, b in zip(first, draw(1, 4)))
    assert all(same(a, b) for a, b in zip(first, draw(1, 4, ahead=0)))
    for other in (draw(1, 5), draw(2, 4)):
        assert not torch.equal(first[0]["noise"], other[0]["noise"])


def test_processes_share_the_very_batch_one_would_see(tmp_path, pool):
    rasters = [raster(tmp_path / "a.tif", pool, ramp(height=60, width=50))]
    whole = list(loader(rasters, batch=6, fewer_groups=0.5))
    parts = [list(loader(rasters, batch=6, fewer_groups=0.5, share=(n, 3))) for n in range(3)]
    for step, batch in enumerate(whole):
        for name in ("image", "valid", "noise"):
            together = torch.cat([part[step][name] for part in parts])
            assert torch.equal(together, batch[name])
        assert all(torch.equal(part[step]["groups"], batch["groups"]) for part in parts)


def test_a_batch_is_drawn_from_rasters_that_have_its_groups(tmp_path, pool):
    nine = raster(tmp_path / "s2.tif", pool, np.full((9, 40, 40), 2000, "uint16"))
    six = raster(tmp_path / "l8.tif", pool, np.full((6, 40, 40), 5000, "uint16"), names=SIX)
    seen = set()
    for batch in loader([nine, six], steps=40, fewer_groups=0.3):
        groups = batch["groups"].tolist()
        seen.add(tuple(groups))
        mean = batch["image"][:, [0]].mean(dim=(1, 2, 3))  # .2 in one, .5 in the other
        if 1 in groups:
            assert torch.allclose(mean, torch.tensor(0.2), atol=1e-3)
    assert {(0, 1, 2), (0, 2)} <= seen


def test_no_patch_touches_what_is_held_back(tmp_path, pool):
    values = np.full((9, 80, 60), 2000, "uint16")
    values[:, 20:40, 20:60] = 9000
    lazy = raster(tmp_path / "a.tif", pool, values, held=(Window(20, 20, 40, 20),))
    for batch in loader([lazy], steps=30):
        assert batch["image"].max() < 0.21


def test_a_raster_that_is_all_held_back_is_told(tmp_path, pool):
    lazy = raster(tmp_path / "a.tif", pool, ramp(height=30, width=30), held=(Window(0, 0, 30, 30),))
    with pytest.raises(EmptyArea, match="no room"):
        list(loader([lazy]))


def test_patches_with_little_valid_are_drawn_again(tmp_path, pool):
    values = ramp(height=100, width=100)
    values[:, :, :40] = 0
    lazy = raster(tmp_path / "a.tif", pool, values, nodata=0)
    shares = torch.cat([batch["valid"].mean(dim=(1, 2, 3)) for batch in loader([lazy], steps=20)])
    assert shares.min() >= 0.2
    batch = next(iter(loader([lazy])))
    assert (batch["image"] * (1 - batch["valid"])).abs().max() == 0


def test_an_empty_raster_is_told_after_a_while(tmp_path, pool):
    values = np.zeros((9, 400, 400), "uint16")
    values[:, 399, 399] = 1000
    lazy = raster(tmp_path / "a.tif", pool, values, nodata=0)
    with pytest.raises(EmptyArea, match="no-data"):
        list(loader([lazy], least_valid=1.0, scale=(0.2, 0.21), batch=1, steps=30))


def test_the_pool_keeps_few_open(tmp_path):
    names = [write(tmp_path / f"{n}.tif", ramp(start=n + 300)) for n in range(5)]
    with RasterPool(Card("c", "backbone", CARD.bands, optional_groups=(1,)), most=2) as pool:
        first = pool.get(names[0])
        assert pool.get(names[0]) is first
        for name in names[1:]:
            pool.get(name)
        again = pool.get(names[0])
        assert again is not first
        assert again.read(Window(0, 0, 4, 4))[1].all()
