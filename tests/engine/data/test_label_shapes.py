"""Pixels of polygons and points, against shapely on every pixel's centre."""

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS

from engine.data import label_shapes
from engine.data.grid import Grid
from engine.data.label_shapes import ShapePixels

CRS_ = CRS.from_epsg(32631)
SOUTH_DOWN = Affine(10, 0, 500_000, 0, -10, 4_700_000)
TURNED = Affine(8, 6, 500_000, 6, -8, 4_700_000)


def labelled(shapes, labels, grid):
    """Class of each pixel, -1 where none; and what drew it."""
    drawn = ShapePixels(np.array(shapes), labels, grid)
    image = np.full(grid.shape, -1)
    for row, column, label, _ in drawn:
        assert (image[row, column] == -1).all()
        image[row, column] = label
    return image, drawn


def on_map(grid, shape):
    """A shape in pixels, on the map."""
    return shapely.transform(shape, lambda xy: np.column_stack(grid.xy(xy[:, 0], xy[:, 1])))


corner = st.tuples(st.integers(-600, 4600), st.integers(-600, 3600))


@pytest.mark.parametrize(("tile", "vertices"), [(7, 0), (7, 500), (256, 500)])
@pytest.mark.parametrize("transform", [SOUTH_DOWN, TURNED])
@settings(max_examples=60, deadline=None)
@given(st.lists(corner, min_size=3, max_size=7, unique=True))
def test_a_polygon_has_the_pixels_whose_centre_it_holds(tile, vertices, transform, corners):
    grid = Grid(CRS_, transform, 40, 30)
    shape = shapely.make_valid(shapely.Polygon(np.array(corners) / 100.7))
    parts = [part for part in shapely.get_parts(shape) if shapely.get_dimensions(part) == 2]
    shape = shapely.union_all(parts)
    assume(shape.area > 1e-3)
    rows, columns = np.mgrid[0:30, 0:40]
    centres = shapely.points(columns + 0.5, rows + 0.5)
    expected = shapely.contains(shape, centres)
    with np.errstate(divide="ignore"):  # in edges almost without a length
        assume((shapely.distance(shapely.boundary(shape), centres) > 1e-6).all())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(label_shapes, "TILE", tile)
        patch.setattr(label_shapes, "_VERTICES", vertices)
        found = labelled([on_map(grid, shape)], [3], grid)[0]
    if expected.any():
        assert ((found == 3) == expected).all()
    else:
        assert (found == 3).sum() <= 1
        for row, column in zip(*np.nonzero(found == 3)):
            assert shapely.intersects(shapely.box(column, row, column + 1, row + 1), shape)


@pytest.mark.parametrize("tile", [4, 256])
def test_a_sliver_gives_the_pixel_under_it(tile, monkeypatch):
    """A tenth of a pixel high, across twelve pixels of the second row, beside all centres."""
    monkeypatch.setattr(label_shapes, "TILE", tile)
    grid = Grid(CRS_, SOUTH_DOWN, 20, 10)
    found = labelled([on_map(grid, shapely.box(2.2, 1.1, 14.2, 1.2))], [0], grid)[0]
    assert np.argwhere(found == 0).tolist() == [[1, 8]]


def test_a_sliver_yields_to_who_holds_the_centre():
    grid = Grid(CRS_, SOUTH_DOWN, 20, 10)
    sliver, field = shapely.box(3.1, 3.1, 3.2, 3.2), shapely.box(3, 3, 5, 5)
    for order in (1, -1):
        image, drawn = labelled(
            [on_map(grid, shape) for shape in (sliver, field)[::order]], [0, 1][::order], grid
        )
        assert image[3, 3] == 1 and (image >= 0).sum() == 4 and drawn.contested == 0


def test_a_polygon_that_overhangs_without_a_centre_inside_gives_none():
    """Its inner point lies beside the raster."""
    grid = Grid(CRS_, SOUTH_DOWN, 20, 10)
    found = labelled([on_map(grid, shapely.box(-8, 2, 0.3, 4))], [0], grid)[0]
    assert (found == -1).all()


def test_points_and_multipoints():
    grid = Grid(CRS_, SOUTH_DOWN, 20, 10)
    shapes = [shapely.Point(3.0, 4.0), shapely.MultiPoint([(0.1, 0.9), (19.9, 9.9), (30, 5)])]
    drawn = list(ShapePixels(np.array([on_map(grid, s) for s in shapes]), [1, 0], grid))
    rows, columns, label, unit = (np.concatenate(values) for values in zip(*drawn))
    found = sorted(zip(rows.tolist(), columns.tolist(), label.tolist(), unit.tolist()))
    assert found == [(0, 0, 0, 1), (4, 3, 1, 0), (9, 19, 0, 1)]


def test_two_classes_on_a_pixel_and_two_features_of_one():
    """Boxes of 4 x 4 pixels that share a corner of 2 x 2: four pixels."""
    grid = Grid(CRS_, SOUTH_DOWN, 20, 10)
    shapes = [on_map(grid, shapely.box(*box)) for box in ((0, 0, 4, 4), (2, 2, 6, 6))]
    image, drawn = labelled(shapes, [0, 1], grid)
    assert drawn.contested == 4 and drawn.pairs == [(0, 1)]
    assert (image == 0).sum() == (image == 1).sum() == 12 and (image[2:4, 2:4] == -1).all()
    image, drawn = labelled(shapes, [1, 1], grid)
    assert drawn.contested == 0 and (image == 1).sum() == 28


def test_a_raster_larger_than_memory():
    """A tera-pixel: only the two tiles with labels are ever made."""
    grid = Grid(CRS_, Affine(0.01, 0, 500_000, 0, -0.01, 4_700_000), 10**6, 10**6)
    boxes = [(0, 0, 3, 3), (999_000, 999_000, 999_002, 999_003)]
    found = list(
        ShapePixels(np.array([on_map(grid, shapely.box(*b)) for b in boxes]), [0, 1], grid)
    )
    assert [len(row) for row, *_ in found] == [9, 6]
    assert found[1][0].min() == found[1][1].min() == 999_000
