import numpy as np
import pytest
import rasterio.features
import shapely.geometry
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engine.data.components import regions
from engine.infer import outlines as outlines_module
from engine.infer.outlines import trace

PLACE = Affine(10.0, 0.0, 500.0, 0.0, -10.0, 900.0)
# A frame of 2 around a lone 1 with a hole of 3 in a second frame; 0 belongs to nothing.
MAP = np.array(
    [
        [2, 2, 2, 2, 0],
        [2, 1, 2, 3, 0],
        [2, 2, 2, 2, 2],
    ],
    np.uint8,
)


def test_regions_have_shells_and_holes():
    outlines = trace(MAP, MAP > 0)
    assert sorted(outlines.values.tolist()) == [1, 2, 3]
    frame = shapely.from_wkb(outlines.wkb(PLACE))[outlines.values.tolist().index(2)]
    assert frame.bounds == (500.0, 870.0, 550.0, 900.0)
    assert frame.area == 100 * 11  # 11 pixels of 10 m x 10 m
    assert len(frame.interiors) == 1  # the 3 touches what is no region


def test_every_pixel_knows_its_region():
    outlines = trace(MAP, MAP > 0)
    numbers = outlines.numbers(0, 3, 5)
    np.testing.assert_array_equal(numbers >= 0, MAP > 0)
    np.testing.assert_array_equal(outlines.values[numbers[MAP > 0]], MAP[MAP > 0])


def test_rows_can_be_asked_for_alone():
    outlines = trace(MAP, MAP > 0)
    whole = outlines.numbers(0, 3, 5)
    for top, height in ((0, 1), (1, 2), (2, 1)):
        np.testing.assert_array_equal(outlines.numbers(top, height, 5), whole[top : top + height])


def test_a_map_without_regions_has_no_outline():
    outlines = trace(MAP, np.zeros(MAP.shape, bool))
    assert len(outlines) == 0
    assert len(outlines.wkb(PLACE)) == 0
    assert (outlines.numbers(0, 3, 5) == -1).all()


def test_rotated_grids():
    turned = Affine.translation(100, 200) @ Affine.rotation(30) @ Affine.scale(2.0)
    outlines = trace(np.ones((1, 1), np.uint8), np.ones((1, 1), bool))
    (pixel,) = shapely.from_wkb(outlines.wkb(turned))
    assert pixel.area == pytest.approx(4.0)
    assert pixel.equals_exact(
        shapely.Polygon([turned @ corner for corner in ((0, 0), (0, 1), (1, 1), (1, 0))]), 1e-9
    )


MAPS = arrays(
    np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 3)
)


@given(MAPS, st.integers(1, 9))
def test_polygons_are_those_that_gdal_gives(pixels, kept):
    """Whole polygons, byte for byte, however many rings are kept as objects at a time."""
    expected = list(rasterio.features.shapes(pixels, pixels > 0, transform=PLACE))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outlines_module, "_KEPT_RINGS", kept)
        outlines = trace(pixels, pixels > 0)
    assert outlines.values.tolist() == [value for _, value in expected]
    polygons = [shapely.geometry.shape(shape) for shape, _ in expected]
    assert outlines.wkb(PLACE).tolist() == [shapely.to_wkb(polygon) for polygon in polygons]


@given(MAPS, st.integers(1, 5))
def test_strips_together_are_the_whole(pixels, strip):
    outlines = trace(pixels, pixels > 0)
    height, width = pixels.shape
    parts = [
        outlines.numbers(top, min(strip, height - top), width) for top in range(0, height, strip)
    ]
    np.testing.assert_array_equal(np.concatenate(parts), outlines.numbers(0, height, width))


@given(MAPS)
def test_numbers_are_those_of_connected_regions(pixels):
    outlines = trace(pixels, pixels > 0)
    numbers = outlines.numbers(0, *pixels.shape)
    expected = regions(pixels, 0)
    pairs = {(int(a), int(b)) for a, b in zip(numbers.flat, expected.flat)}
    assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
    assert all((a == -1) == (b == -1) for a, b in pairs)
    areas = np.bincount(numbers[numbers >= 0], minlength=len(outlines))
    made = shapely.from_wkb(outlines.wkb(PLACE))
    assert shapely.is_valid(made).all()
    np.testing.assert_allclose(shapely.area(made), 100.0 * areas)
