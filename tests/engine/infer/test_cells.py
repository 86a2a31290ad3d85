import pytest
from affine import Affine
from rasterio.crs import CRS
from rasterio.windows import Window

from engine.cards import Card
from engine.data.grid import Grid
from engine.errors import InvalidParameter
from engine.infer.cells import ground_pixel, lay_cells

UTM, DEGREES = CRS.from_epsg(32631), CRS.from_epsg(4326)
CARD = Card("scenes", "scene-classification", (), window=64, gsd=10.0)


def utm(pixel, width=200, height=130):
    return Grid(UTM, Affine(pixel, 0, 500_000, 0, -pixel, 4_600_000), width, height)


def test_at_the_models_scale_the_pixels_are_the_rasters(recorder):
    grid = utm(10)
    cells = lay_cells(grid, CARD, 0, recorder())
    assert cells.grid is grid
    assert (cells.rows, cells.columns, len(cells)) == (3, 4, 12)


@pytest.mark.parametrize(
    ("pixel", "cell_size", "size", "scale"),
    [
        (20, 0, (400, 260), 1),  # half as fine: twice the pixels
        (2.5, 0, (50, 33), 1),  # 130 / 4 = 32.5
        (10, 1280, (100, 65), 2),  # a cell of 1280 m is 64 pixels of 20 m
        (10, 320, (400, 260), 0.5),
    ],
)
def test_other_scales_get_a_grid_of_their_own(recorder, pixel, cell_size, size, scale):
    cells = lay_cells(utm(pixel), CARD, cell_size, recorder())
    assert (cells.grid.width, cells.grid.height) == pytest.approx(size, abs=1)
    assert cells.scale == pytest.approx(scale, rel=1e-2)
    assert (cells.grid.transform.c, cells.grid.transform.f) == (500_000, 4_600_000)
    side = cells.window * cells.grid.resolution[0]
    assert side == pytest.approx(cell_size or 640, rel=1e-2)


@pytest.mark.parametrize(("cell_size", "warned"), [(640, 0), (900, 0), (1000, 1), (400, 1)])
def test_scales_beyond_one_and_a_half_are_told(recorder, cell_size, warned):
    progress = recorder()
    lay_cells(utm(10), CARD, cell_size, progress)
    assert len(progress.texts("warning")) == warned


def test_degrees_become_metres():
    """At 60 north a degree of longitude is half as long: .0001 degree is 5.58 m across and 11.14 m along."""
    grid = Grid(DEGREES, Affine(0.0001, 0, 10, 0, -0.0001, 60.005), 100, 100)
    across, along = ground_pixel(grid)
    assert across == pytest.approx(5.58, rel=1e-2)
    assert along == pytest.approx(11.14, rel=1e-2)


def test_feet_become_metres():
    grid = Grid(CRS.from_epsg(2263), Affine(30, 0, 1_000_000, 0, -30, 200_000), 100, 100)
    assert ground_pixel(grid)[0] == pytest.approx(30 * 0.3048, rel=1e-3)


def test_cells_that_touch_a_window(recorder):
    cells = lay_cells(utm(10), CARD, 0, recorder())
    found = [
        (w.col_off, w.row_off) for row in cells.rows_touching(Window(60, 70, 10, 10)) for w in row
    ]
    assert found == [(0, 64), (64, 64)]


def test_cells_below_a_pixel(recorder):
    with pytest.raises(InvalidParameter, match="smaller than a pixel"):
        lay_cells(utm(10), CARD, 9, recorder())
