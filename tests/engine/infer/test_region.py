import numpy as np
import pytest
import rasterio.features
import shapely
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from rasterio.crs import CRS
from rasterio.windows import Window

from engine.data.grid import Grid
from engine.errors import EmptyArea
from engine.infer.region import Region

GRID = Grid(CRS.from_epsg(32631), Affine(10, 0, 500_000, 0, -10, 4_600_000), 50, 40)
WHOLE = Window(0, 0, 50, 40)


def pixels(left, top, right, bottom):
    return shapely.box(500_000 + 10 * left, 4_600_000 - 10 * bottom,
                       500_000 + 10 * right, 4_600_000 - 10 * top)  # fmt: skip


def polygons(*shapes):
    return np.array(shapes, object)


def test_an_extent_is_a_rectangle_of_pixels():
    region = Region(GRID, Window(3, 5, 4, 2))
    mask = region.mask(Window(0, 4, 6, 6))
    expected = np.zeros((6, 6), bool)
    expected[1:3, 3:6] = True
    np.testing.assert_array_equal(mask, expected)
    assert not region.mask(Window(20, 20, 5, 5)).any()


def test_what_hangs_over_the_raster_is_outside():
    mask = Region(GRID, WHOLE).mask(Window(45, 36, 10, 10))
    assert mask.sum() == 5 * 4
    assert mask[:4, :5].all()


def test_bounds_are_those_of_polygons_and_extent_together():
    region = Region(GRID, Window(0, 0, 20, 20), polygons(pixels(10, 5, 40, 15)))
    assert region.bounds == Window(10, 5, 10, 10)
    assert region.mask(WHOLE).sum() == 100


def test_polygons_that_only_touch_the_extent_are_no_area():
    with pytest.raises(EmptyArea, match="The mask does not intersect"):
        Region(GRID, Window(0, 0, 10, 10), polygons(pixels(10, 0, 20, 10)))


def test_overlapping_polygons_and_holes():
    ring = pixels(0, 0, 30, 30).difference(pixels(10, 10, 20, 20))
    mask = Region(GRID, WHOLE, polygons(ring, pixels(25, 25, 35, 35))).mask(WHOLE)
    assert mask.sum() == 900 - 100 + 100 - 25


@given(
    st.lists(
        st.tuples(st.floats(-50, 550), st.floats(-50, 450), st.floats(20, 300)),
        min_size=1, max_size=4,
    ),
    st.integers(-8, 50), st.integers(-8, 40), st.integers(1, 20),
)  # fmt: skip
def test_a_window_of_the_mask_is_the_mask_of_the_window(circles, left, top, size):
    shapes = polygons(
        *(shapely.Point(500_000 + x, 4_600_000 - y).buffer(r + 0.123) for x, y, r in circles)
    )
    try:
        region = Region(GRID, WHOLE, shapes)
    except EmptyArea:
        return
    whole = rasterio.features.rasterize(shapes, out_shape=(40, 50), transform=GRID.transform) > 0
    padded = np.pad(whole, 30)
    window = Window(left, top, size, size)
    expected = padded[top + 30 : top + 30 + size, left + 30 : left + 30 + size]
    np.testing.assert_array_equal(region.mask(window), expected)


@given(st.integers(0, 40), st.integers(0, 30), st.integers(1, 12), st.integers(1, 9))
def test_squares_that_hold_a_pixel_of_the_region_touch_it(left, top, width, height):
    """None is missed; of those beside a rectangle along pixels only its neighbours may be named."""
    region = Region(GRID, WHOLE, polygons(pixels(left, top, left + width, top + height)))
    tops, lefts = (axis.ravel() for axis in np.mgrid[:40:8, :50:8])
    touched = region.touches(tops, lefts, 8)
    for place, (row, column) in enumerate(zip(tops, lefts)):
        if region.mask(Window(int(column), int(row), 8, 8)).any():
            assert touched[place]
        near = left - 8 <= column <= left + width and top - 8 <= row <= top + height
        assert near or not touched[place]


def test_every_square_touches_a_region_without_polygons():
    assert Region(GRID, WHOLE).touches(np.array([0, 8]), np.array([0, 8]), 8).all()
