"""Grid arithmetic, and true areas against geodesic polygons."""

import numpy as np
import pyproj
import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from rasterio.crs import CRS
from rasterio.windows import Window

from engine.data.grid import Grid
from engine.errors import EmptyArea, InvalidParameter

UTM = CRS.from_epsg(32631)
PLAIN = Grid(UTM, Affine(10, 0, 500_000, 0, -10, 4_700_000), 100, 80)


def test_positions_by_hand():
    assert PLAIN.xy(0, 0) == (500_000, 4_700_000)
    assert PLAIN.xy(2, 3) == (500_020, 4_699_970)
    assert PLAIN.column_row(500_020, 4_699_970) == pytest.approx((2, 3))
    assert PLAIN.corners(Window(1, 2, 3, 4)) == [
        (500_010, 4_699_980),
        (500_040, 4_699_980),
        (500_040, 4_699_940),
        (500_010, 4_699_940),
    ]
    assert PLAIN.shape == (80, 100)
    assert PLAIN.resolution == (10, 10)
    assert tuple(PLAIN.bounds) == (500_000, 4_699_200, 501_000, 4_700_000)
    assert tuple(PLAIN.window_bounds(Window(1, 1, 2, 2))) == (
        500_010,
        4_699_970,
        500_030,
        4_699_990,
    )


@pytest.mark.parametrize(
    ("extent", "expected"),
    [
        ((500_010, 4_699_970, 500_030, 4_699_990), (1, 1, 2, 2)),  # on pixel edges
        ((500_011, 4_699_971, 500_029, 4_699_989), (1, 1, 2, 2)),  # inside them
        ((500_009, 4_699_970, 500_031, 4_699_990), (0, 1, 4, 2)),  # over them
        ((0, 0, 9e6, 9e6), (0, 0, 100, 80)),  # clipped to the raster
        ((500_014, 4_699_984, 500_015, 4_699_985), (1, 1, 1, 1)),  # inside one pixel
    ],
)
def test_window_of_an_extent(extent, expected):
    window = PLAIN.window_of(extent)
    assert (window.col_off, window.row_off, window.width, window.height) == expected


def test_window_of_an_extent_in_degrees():
    """The middle of the zone, 3 degrees east: the raster's left edge lies on it."""
    to_degrees = pyproj.Transformer.from_crs(32631, 4326, always_xy=True)
    west, south = to_degrees.transform(500_200, 4_699_600)
    east, north = to_degrees.transform(500_400, 4_699_800)
    window = PLAIN.window_of((west, south, east, north), CRS.from_epsg(4326))
    assert abs(window.col_off - 20) <= 1 and abs(window.row_off - 20) <= 1
    assert 20 <= window.width <= 22 and 20 <= window.height <= 22


@pytest.mark.parametrize(
    ("extent", "crs"),
    [
        ((-180, -90, 180, 90), 4326),
        ((-2.1e7, -2.1e7, 2.1e7, 2.1e7), 3857),
        ((-30, 20, 60, 70), 4326),
    ],
)
def test_window_of_an_extent_that_reaches_far_beyond_the_raster(extent, crs):
    """Half around the globe a zone of UTM has no answer."""
    raster = Grid(UTM, Affine(10, 0, 480_000, 0, -10, 4_700_000), 100, 80)
    window = raster.window_of(extent, CRS.from_epsg(crs))
    assert (window.col_off, window.row_off, window.width, window.height) == (0, 0, 100, 80)


# One pixel is .001 degrees, some 111 m; the date line is the edge between columns 49 and 50.
FIJI = Grid(CRS.from_epsg(4326), Affine(0.001, 0, 179.95, 0, -0.001, -17), 100, 80)


@pytest.mark.parametrize(
    ("extent", "columns"),
    [
        ((179.97, -17.05, 180, -17.02), (20, 30)),
        ((-180, -17.05, -179.97, -17.02), (50, 30)),
        ((179.97, -17.05, 180.02, -17.02), (20, 50)),
        ((-180, -90, 180, 90), (0, 100)),
    ],
)
def test_window_at_the_date_line(extent, columns):
    window = FIJI.window_of(extent)
    assert (window.col_off, window.width) == columns


def test_window_across_the_date_line_in_another_crs():
    """From 179.97 to -179.98 degrees, in zone 1 of the southern UTM: columns 20 to 70."""
    to_metres = pyproj.Transformer.from_crs(4326, 32701, always_xy=True)
    west, south = to_metres.transform(179.97, -17.05)
    east, north = to_metres.transform(-179.98, -17.02)
    window = FIJI.window_of((west, south, east, north), CRS.from_epsg(32701))
    assert abs(window.col_off - 20) <= 2 and abs(window.col_off + window.width - 70) <= 2
    raster = Grid(CRS.from_epsg(32701), Affine(100, 0, west, 0, -100, north), 50, 30)
    whole = raster.window_of((-180, -90, 180, 90), CRS.from_epsg(4326))
    assert (whole.width, whole.height) == (50, 30)


def test_extent_beside_the_raster_is_told():
    with pytest.raises(EmptyArea, match="does not intersect the raster"):
        PLAIN.window_of((0, 0, 10, 10))


@pytest.mark.parametrize("extent", [(2, 0, 1, 1), (0, 0, 1, float("nan")), (0, 1, 1, 1)])
def test_extent_without_area_is_refused(extent):
    with pytest.raises(InvalidParameter, match="has no area"):
        PLAIN.window_of(extent)


transforms = st.builds(
    lambda a, b, d, e, c, f: Affine(a, b, c, d, e, f),
    st.floats(0.5, 30),
    st.floats(-0.2, 0.2),
    st.floats(-0.2, 0.2),
    st.floats(0.5, 30).map(lambda v: -v) | st.floats(0.5, 30),
    st.floats(-1e6, 1e6),
    st.floats(-1e6, 1e6),
)


@given(transforms, st.integers(1, 500), st.integers(1, 500), st.data())
def test_window_of_a_windows_own_bounds_holds_it(transform, width, height, data):
    grid = Grid(UTM, transform, width, height)
    left = data.draw(st.integers(0, width - 1))
    top = data.draw(st.integers(0, height - 1))
    window = Window(
        left, top, data.draw(st.integers(1, width - left)), data.draw(st.integers(1, height - top))
    )
    found = grid.window_of(tuple(grid.window_bounds(window)))
    assert found.col_off <= left and found.row_off <= top
    assert found.col_off + found.width >= left + window.width
    assert found.row_off + found.height >= top + window.height
    if transform.b == transform.d == 0:
        assert found == window


@given(transforms, st.floats(-1000, 1000), st.floats(-1000, 1000))
def test_positions_come_back(transform, column, row):
    grid = Grid(UTM, transform, 10, 10)
    assert grid.column_row(*grid.xy(column, row)) == pytest.approx((column, row), abs=1e-4)


@given(st.integers(-200, 200), st.integers(-200, 200), st.integers(1, 300), st.integers(1, 300))
def test_clip_keeps_exactly_the_pixels_inside(left, top, width, height):
    clipped = PLAIN.clip(Window(left, top, width, height))
    columns = set(range(left, left + width)) & set(range(100))
    rows = set(range(top, top + height)) & set(range(80))
    assert clipped.width * clipped.height == len(columns) * len(rows)
    if columns and rows:
        assert (clipped.col_off, clipped.row_off) == (min(columns), min(rows))


@given(st.integers(-300, 300), st.integers(-300, 300))
def test_whole_pixel_shifts_are_found(columns, rows):
    left, top = PLAIN.xy(columns, rows)
    other = Grid(UTM, Affine(10, 0, left, 0, -10, top), 50, 50)
    assert PLAIN.aligned(other) == (columns, rows)


@pytest.mark.parametrize(
    "other",
    [
        Grid(UTM, Affine(10, 0, 500_004, 0, -10, 4_700_000), 100, 80),  # 0.4 pixel
        Grid(UTM, Affine(20, 0, 500_000, 0, -20, 4_700_000), 50, 40),
        Grid(UTM, Affine(10.01, 0, 500_000, 0, -10.01, 4_700_000), 100, 80),  # 1 pixel at the end
        Grid(CRS.from_epsg(32632), PLAIN.transform, 100, 80),
    ],
)
def test_other_grids_are_not_aligned(other):
    assert PLAIN.aligned(other) is None


def geodesic_area(grid, column, row):
    """Area of one pixel on the ellipsoid, its edges followed at 20 points each."""
    steps = np.linspace(0, 1, 20)
    ring = [(column + s, row) for s in steps] + [(column + 1, row + s) for s in steps]
    ring += [(column + 1 - s, row + 1) for s in steps] + [(column, row + 1 - s) for s in steps]
    crs = pyproj.CRS(grid.crs.to_wkt())
    to_degrees = pyproj.Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True)
    longitude, latitude = to_degrees.transform(*zip(*(grid.xy(c, r) for c, r in ring)))
    return abs(crs.get_geod().polygon_area_perimeter(longitude, latitude)[0])


@pytest.mark.parametrize(
    ("epsg", "transform", "size", "window"),
    [
        (32631, Affine(10, 0, 300_000, 0, -10, 5_000_000), 10_980, Window(0, 9000, 10_980, 64)),
        (32631, Affine(8, 3, 300_000, 3, -8, 5_000_000), 4000, Window(-20, 3900, 300, 300)),
        (4326, Affine(1e-4, 0, 2.8, 0, -1e-4, 42.4), 400, Window(0, 0, 400, 400)),
        (4326, Affine(0.25, 0, -180, 0, -0.25, 90), 1440, Window(0, 0, 1440, 720)),
        (4326, Affine(1e-3, 0, 179.9, 0, -1e-3, 42.4), 400, Window(0, 0, 400, 400)),
        (3857, Affine(30, 0, 0, 0, -30, 8e6), 4000, Window(100, 100, 2000, 100)),
        (3857, Affine(10_000, 0, -1e7, 0, -10_000, 1e7), 2000, Window(0, 0, 50, 2000)),
        (3035, Affine(10, 0, 4_321_000, 0, -10, 3_210_000), 4000, Window(0, 0, 256, 256)),
        (2264, Affine(30, 0, 2e6, 0, -30, 6e5), 4000, Window(0, 0, 256, 256)),  # US feet
        (3031, Affine(100, 0, -5000, 0, -100, 5050), 100, Window(0, 0, 100, 100)),  # at the pole
    ],
)
def test_pixel_area_is_the_geodesic_one(epsg, transform, size, window):
    grid = Grid(CRS.from_epsg(epsg), transform, size, size)
    area = grid.pixel_area(window)
    assert area.shape == (window.height, window.width)
    for row in (0, window.height // 3, window.height - 1):
        for column in (0, window.width // 2, window.width - 1):
            true = geodesic_area(grid, window.col_off + column, window.row_off + row)
            assert area[row, column] == pytest.approx(true, rel=1e-4)


def test_areas_of_the_whole_world_add_up():
    """510.0656 million km2, the surface of WGS 84."""
    grid = Grid(CRS.from_epsg(4326), Affine(1, 0, -180, 0, -1, 90), 360, 180)
    assert grid.pixel_area(grid.window).sum() == pytest.approx(510_065_621_724_089, rel=1e-4)


def test_local_plane_has_plane_areas():
    crs = CRS.from_wkt(
        'LOCAL_CS["site",UNIT["metre",1,AUTHORITY["EPSG","9001"]],AXIS["x",EAST],AXIS["y",NORTH]]'
    )
    grid = Grid(crs, Affine(2, 0, 0, 0, -3, 0), 4, 4)
    assert grid.pixel_area(grid.window) == pytest.approx(np.full((4, 4), 6.0))
