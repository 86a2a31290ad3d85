import numpy as np
import pytest
from affine import Affine

from engine.data.augmentation import Crop
from engine.data.held_windows import hold_windows
from engine.data.lazy_patches import LazyRaster
from engine.data.raster_pool import RasterPool
from tests.engine.data.rasters import CARD, NAMES, ramp, write


@pytest.fixture
def pool():
    with RasterPool(CARD) as pool:
        yield pool


def raster(path, pool, values, names=NAMES, **profile):
    name = write(path, values, names=names, **profile)
    source = pool.get(name)
    return LazyRaster(name, pool, source.grid, source.groups)


def _place(number):
    """Far from the other rasters."""
    return Affine(10, 0, 500_000 + 5_000 * number, 0, -10, 4_700_000)


def test_a_scene_keeps_windows_back_that_are_its_own_pixels(tmp_path, pool):
    scene = raster(tmp_path / "a.tif", pool, ramp(height=200, width=210, start=300))
    (drawn,), held = hold_windows([scene], 16, 16)
    assert len(held.image) == len(drawn.held) == len(held.places) == 1 + 200 * 210 // (64 * 16**2)
    for image, (path, window) in zip(held.image, held.places):
        assert path == scene.path
        assert np.array_equal(image, pool.get(path).read(window)[0])
    for one in drawn.held:
        assert (
            sum(
                abs(one.row_off - o.row_off) < 16 > abs(one.col_off - o.col_off) for o in drawn.held
            )
            == 1
        )


def test_the_largest_patch_still_fits_beside_what_is_held(tmp_path, pool):
    scene = raster(tmp_path / "a.tif", pool, ramp(height=40, width=130))
    for seed in range(5):
        (drawn,), _ = hold_windows([scene], 16, 64, seed=seed)
        (window,) = drawn.held
        assert max(window.col_off, 130 - window.col_off - 16) >= 96


def test_no_data_is_not_held_back(tmp_path, pool):
    values = ramp(height=60, width=160)
    values[:, :, 40:] = 0
    scene = raster(tmp_path / "a.tif", pool, values, nodata=0)
    (drawn,), held = hold_windows([scene], 16, 16)
    assert len(held.valid) > 0
    assert held.valid.mean(axis=(1, 2)).min() >= 0.9
    assert all(window.col_off <= 32 for window in drawn.held)


def test_of_many_chips_one_in_ten_is_left_out_whole(tmp_path, pool):
    chips = [
        raster(
            tmp_path / f"{n}.tif",
            pool,
            ramp(height=32, width=32, start=300 + n),
            transform=_place(n),
        )
        for n in range(21)
    ]
    drawn, held = hold_windows(chips, 32, 32)
    assert len(drawn) == 19
    assert held.image.shape == (2, 9, 32, 32)
    assert not {path for path, _ in held.places} & {raster.path for raster in drawn}


def test_little_imagery_holds_nothing_back(tmp_path, pool):
    chips = [raster(tmp_path / f"{n}.tif", pool, ramp(height=32, width=32)) for n in range(3)]
    drawn, held = hold_windows(chips, 16, 32)
    assert drawn == chips
    assert held.image.shape == (0, 9, 16, 16)


def test_all_windows_have_the_same_groups(tmp_path, pool):
    nine = [
        raster(tmp_path / f"s{n}.tif", pool, ramp(height=40, width=99), transform=_place(n))
        for n in range(2)
    ]
    six = raster(
        tmp_path / "l.tif",
        pool,
        ramp(6, 40, 99),
        names=(*NAMES[:3], *NAMES[6:]),
        transform=_place(9),
    )
    drawn, held = hold_windows([six, *nine], 16, 16)
    assert held.groups == (0, 1, 2)
    assert drawn[0].held == ()
    assert all(item.held for item in drawn[1:])


def test_another_date_of_the_ground_does_not_show_what_is_held_back(tmp_path, pool):
    """The second date has pixels of 20 m and starts 100 m further east and south."""
    first = raster(tmp_path / "a.tif", pool, ramp(height=60, width=160))
    later = Affine(20, 0, 500_100, 0, -20, 4_699_900)
    second = raster(tmp_path / "b.tif", pool, ramp(height=60, width=160), transform=later)
    inside = raster(tmp_path / "c.tif", pool, ramp(height=60, width=160), transform=_place(50))
    drawn, held = hold_windows([first, second, inside], 16, 16)
    assert len(held.places) == 3 * (1 + 60 * 160 // (64 * 16**2))
    boxes = [(pool.get(path).grid.window_bounds(window), path) for path, window in held.places]
    for one in drawn[:2]:
        for box, path in boxes:
            if path == one.path or path == inside.path:
                continue
            column, row = one.grid.column_row(
                (box.left + box.right) / 2, (box.top + box.bottom) / 2
            )
            if 0 <= column < 160 and 0 <= row < 60:
                assert not one.allows(Crop(int(row), int(column), 1, 1))
    assert len(drawn[2].held) == 1
