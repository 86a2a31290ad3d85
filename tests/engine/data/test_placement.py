"""The second date on the first one's grid: known pixels land where they should."""

import numpy as np
import pyproj
import pytest
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS
from rasterio.warp import calculate_default_transform
from rasterio.windows import Window

from engine.data.grid import Grid
from engine.data.source import RasterSource
from engine.errors import NoOverlap
from tests.engine.data.rasters import CARD, TRANSFORM, ramp, write

UTM = CRS.from_epsg(32631)
GRID = Grid(UTM, TRANSFORM, 30, 20)


def moved(columns, rows, size=10):
    """A transform whose upper left corner lies that many 10 m pixels from the grid's."""
    return Affine(size, 0, 500_000 + 10 * columns, 0, -size, 4_700_000 - 10 * rows)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(-25, 25), st.integers(-15, 15), st.integers(-20, 20), st.integers(-20, 20))
def test_whole_pixel_shift_is_exact(tmp_path, columns, rows, left, top):
    path = write(tmp_path / "b.tif", ramp(), transform=moved(columns, rows))
    with RasterSource.open(path, CARD, grid=GRID) as source:
        assert source.grid == GRID
        image, valid = source.read(Window(left, top, 16, 16))
    for row in range(16):
        for column in range(16):
            on_grid = 0 <= left + column < 30 and 0 <= top + row < 20
            r, c = top + row - rows, left + column - columns
            there = on_grid and 0 <= c < 30 and 0 <= r < 20
            assert valid[row, column] == there
            expected = (300 + 30 * r + c) / 10_000 if there else 0
            assert image[0, row, column] == pytest.approx(expected)


def test_half_a_pixel_is_the_mean_of_two(tmp_path):
    """Shifted by half a pixel to the right, a ramp of 1 a column is half lower everywhere."""
    path = write(tmp_path / "b.tif", ramp(), transform=moved(0.5, 0))
    with RasterSource.open(path, CARD, grid=GRID) as source:
        image, valid = source.read(GRID.window)
    expected = (ramp() - 0.5) / 10_000
    assert valid[2:-2, 2:-2].all()
    np.testing.assert_allclose(image[:, 2:-2, 2:-2], expected[:, 2:-2, 2:-2], atol=2e-7)


def test_coarse_raster_on_a_fine_grid(tmp_path):
    """20 m pixels of a linear ramp, read at 10 m, lie on the same ramp."""
    column = 20.0 * np.arange(40) + 10  # centres, metres from the left edge
    row = 20.0 * np.arange(30) + 10
    plane = 1000 + column[None, :] + 2 * row[:, None]
    values = np.stack([plane + 50 * k for k in range(9)]).astype("uint16")
    path = write(tmp_path / "b.tif", values, transform=moved(-10, -10, 20))
    with RasterSource.open(path, CARD, bands=range(1, 10), grid=GRID) as source:
        image, valid = source.read(Window(4, 4, 10, 10))
        shift = source.scaling.offsets[0]
    x = 100 + 10.0 * np.arange(4, 14) + 5
    y = 100 + 10.0 * np.arange(4, 14) + 5
    assert valid.all()
    expected = (1000 + x[None, :] + 2 * y[:, None]) / 10_000 + shift
    np.testing.assert_allclose(image[0], expected, atol=2e-6)


def test_fine_raster_on_a_coarse_grid_is_averaged(tmp_path):
    """A checkerboard of 1000 and 3000 at 1 m is 2000 at 10 m, not one of the two."""
    board = 1000 + 2000 * (np.indices((200, 300)).sum(axis=0) % 2)
    values = np.stack([board] * 9).astype("uint16")
    path = write(tmp_path / "b.tif", values, transform=moved(0, 0, 1))
    with RasterSource.open(path, CARD, grid=GRID) as source:
        image, valid = source.read(Window(3, 3, 10, 10))
        shift = source.scaling.offsets[0]
    assert valid.all()
    np.testing.assert_allclose(image, 0.2 + shift, atol=0.02)


def test_another_crs_puts_marks_where_they_belong(tmp_path):
    """One bright block in degrees is found in UTM where pyproj says it is."""
    degrees = CRS.from_epsg(4326)
    transform, width, height = calculate_default_transform(UTM, degrees, 30, 20, *GRID.bounds)
    values = np.full((9, height, width), 500, "uint16")
    row, column = height // 2, width // 2
    values[:, row - 1 : row + 2, column - 1 : column + 2] = 4000
    path = write(tmp_path / "b.tif", values, crs=degrees, transform=transform)
    with RasterSource.open(path, CARD, grid=GRID) as source:
        image, valid = source.read(GRID.window)
    there = Grid(degrees, transform, width, height)
    to_utm = pyproj.Transformer.from_crs(4326, 32631, always_xy=True)
    wanted = GRID.column_row(*to_utm.transform(*there.xy(column + 0.5, row + 0.5)))
    rows, columns = np.nonzero(valid & (image[0] > 0.3))
    assert (columns.mean() + 0.5, rows.mean() + 0.5) == pytest.approx(wanted, abs=0.6)


def test_windows_of_a_warped_raster_agree_with_the_whole(tmp_path):
    rng = np.random.default_rng(0)
    values = rng.integers(300, 3000, (9, 40, 50), "uint16")
    values[:, 10:13, 20:24] = 0
    path = write(tmp_path / "b.tif", values, transform=moved(-3.3, -2.7, 9))
    with RasterSource.open(path, CARD, grid=GRID) as source:
        image, valid = source.read(GRID.window)
        for window in (Window(0, 0, 8, 8), Window(11, 5, 8, 8), Window(22, 12, 8, 8)):
            part, inside = source.read(window)
            rows, columns = window.toslices()
            np.testing.assert_allclose(part, image[:, rows, columns], atol=2e-3)
            assert (inside == valid[rows, columns]).mean() > 0.98
    assert valid.any() and not valid.all()


@pytest.mark.parametrize("kind", ["value", "mask", "zeros", "nan", "additional"])
def test_nodata_does_not_bleed(tmp_path, kind):
    """Ground of 0.1 beside no-data of any kind stays 0.1 up to the edge."""
    values = np.full((9, 40, 60), 1000, "float32" if kind == "nan" else "uint16")
    profile, options = {}, {}
    fill = {"value": 50_000, "zeros": 0, "additional": 50_000, "mask": 40_000, "nan": np.nan}[kind]
    values[:, :, 30:] = fill
    if kind == "value":
        profile["nodata"] = fill
    if kind == "mask":
        profile["mask"] = np.where(np.arange(60) < 30, 255, 0) * np.ones((40, 1), "uint8")
        profile["mask"] = profile["mask"].astype("uint8")
    if kind == "additional":
        options["nodata"] = (fill,)
    path = write(tmp_path / "b.tif", values, transform=moved(-4.4, -3.6, 9), **profile)
    with RasterSource.open(path, CARD, grid=GRID, **options) as source:
        image, valid = source.read(GRID.window)
        value = 0.1 + source.scaling.offsets[0]
    # The edge lies 270 m from the raster's left, 226 m from the grid's: between pixels 22 and 23.
    assert valid[:, :22].all() and not valid[:, 24:].any()
    np.testing.assert_allclose(image[:, valid], value, atol=1e-6)
    assert (image[:, ~valid] == 0).all()


@pytest.mark.parametrize(
    ("crs", "transform"),
    [
        ("EPSG:32631", moved(1000, 0)),
        ("EPSG:4326", Affine(1e-4, 0, 10, 0, -1e-4, 42.4)),
        ("EPSG:32756", TRANSFORM),
    ],
)
def test_no_overlap_is_told(tmp_path, crs, transform):
    path = write(tmp_path / "b.tif", ramp(), crs=crs, transform=transform)
    with pytest.raises(NoOverlap, match="does not overlap the first one") as caught:
        RasterSource.open(path, CARD, grid=GRID)
    assert crs in caught.value.message and "EPSG:32631" in caught.value.message


def test_the_second_date_lies_across_the_date_line(tmp_path):
    """A grid of zone 1 that begins west of 180 degrees, and a raster in degrees that goes on beyond it."""
    utm = CRS.from_epsg(32701)
    west, north = pyproj.Transformer.from_crs(4326, utm, always_xy=True).transform(179.99, -17.01)
    grid = Grid(utm, Affine(100, 0, west, 0, -100, north), 30, 20)  # 3 km: to -179.98 degrees
    transform = Affine(1e-3, 0, 179.98, 0, -1e-3, -17)
    path = write(tmp_path / "b.tif", ramp(9, 60, 60), crs="EPSG:4326", transform=transform)
    with RasterSource.open(path, CARD, grid=grid) as source:
        assert source.read(grid.window)[1].all()


@pytest.mark.parametrize("pixel", [1e-3, 1.1e-3], ids=["the same pixels", "others"])
def test_the_second_date_is_written_from_the_other_side_of_the_date_line(tmp_path, pixel):
    """The first at 179.98 to 180.01 degrees, the second at -180.02 to -179.99, 180 is -180."""
    grid = Grid(CRS.from_epsg(4326), Affine(1e-3, 0, 179.98, 0, -1e-3, -17), 30, 20)
    transform = Affine(pixel, 0, -180.02, 0, -pixel, -17)
    path = write(tmp_path / "b.tif", ramp(), crs="EPSG:4326", transform=transform)
    with RasterSource.open(path, CARD, grid=grid) as source:
        image, valid = source.read(grid.window)
    assert valid.all()
    columns = (np.arange(30) + 0.5) * 1e-3 / pixel - 0.5
    assert np.ptp(image[0] * 10_000 - columns, axis=1)[1:].max() < 0.6  # bilinear, but for the edge


@pytest.mark.parametrize("left", [0.0, -200.0])
def test_the_globe_is_turned_for_no_other_grid(tmp_path, left):
    grid = Grid(CRS.from_epsg(4326), Affine(1e-3, 0, 179.98, 0, -1e-3, -17), 30, 20)
    transform = Affine(1e-3, 0, left, 0, -1e-3, -17)
    path = write(tmp_path / "b.tif", ramp(), crs="EPSG:4326", transform=transform)
    with pytest.raises(NoOverlap):
        RasterSource.open(path, CARD, grid=grid)


def test_zones_1_and_60_meet_at_the_date_line(tmp_path):
    """3 km in zone 60 that end 1 km beyond 180 degrees, and a raster of zone 1 that begins 2 km before."""
    to_60, to_1 = (
        pyproj.Transformer.from_crs(4326, epsg, always_xy=True) for epsg in (32760, 32701)
    )
    x, y = to_60.transform(180, -17)
    grid = Grid(CRS.from_epsg(32760), Affine(100, 0, x - 2000, 0, -100, y), 30, 20)
    x, y = to_1.transform(180, -17)
    transform = Affine(100, 0, x - 2500, 0, -100, y + 500)
    path = write(tmp_path / "b.tif", ramp(9, 40, 40), crs="EPSG:32701", transform=transform)
    with RasterSource.open(path, CARD, grid=grid) as source:
        assert source.read(grid.window)[1].all()


def test_window_beside_the_second_date_is_invalid(tmp_path):
    path = write(tmp_path / "b.tif", ramp(), transform=moved(20.4, 0))
    with RasterSource.open(path, CARD, grid=GRID) as source:
        image, valid = source.read(Window(0, 0, 10, 10))
    assert not valid.any() and not image.any()
