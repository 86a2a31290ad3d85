import pytest
from rasterio.windows import Window

from engine.data.grid import Grid
from engine.infer.zone_windows import covering


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        (Window(10, 10, 4, 4), [(8, 8)]),  # smaller than the window: centred
        (Window(0, 0, 4, 4), [(0, 0)]),  # but inside the raster
        (Window(38, 10, 2, 8), [(32, 10)]),
        (Window(4, 4, 20, 8), [(4, 4), (12, 4), (16, 4)]),  # longer: the last one shifted inward
    ],
)
def test_windows_over_a_zone(bounds, expected):
    from affine import Affine
    from rasterio.crs import CRS

    grid = Grid(CRS.from_epsg(32631), Affine(10, 0, 0, 0, -10, 0), 40, 40)
    found = [(w.col_off, w.row_off) for w in covering(grid, bounds, 8)]
    assert found == expected
