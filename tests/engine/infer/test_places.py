import numpy as np
import pytest
import shapely
from affine import Affine
from rasterio.crs import CRS
from rasterio.windows import Window

from engine.data.grid import Grid
from engine.errors import InvalidParameter
from engine.infer.merge import Rows
from engine.infer.places import PlaceGrid, PlaceSums, lay_places, uncertainty

UTM = CRS.from_epsg(32631)
GRID = Grid(UTM, Affine(10, 0, 500_000, 0, -10, 4_600_000), 53, 70)


def test_uncertainty_is_one_minus_the_margin_of_the_two_best():
    """0.9 - 0.1 = 0.8; 0.5 - 0.5 = 0; 0.2 - 0.15 = 0.05, whatever the rest is shared among; 1 - 0 = 1."""
    pixels = np.array([
        [0.9, 0.1, 0, 0, 0, 0],
        [0.5, 0, 0.5, 0, 0, 0],
        [0.15, 0.2, 0.15, 0.15, 0.15, 0.15],
        [0, 0, 0, 0, 0, 1],
    ])  # fmt: skip
    np.testing.assert_allclose(uncertainty(pixels.T), [0.2, 1.0, 0.95, 0.0])


def test_without_a_size_places_are_ten_pixels_in_the_middle():
    """53 columns hold 5 places and 3 pixels, 1 of them left; 70 rows hold 7 places."""
    places = lay_places(GRID, GRID.window, 0)
    assert places == PlaceGrid(top=0, left=1, down=10, across=10, rows=7, columns=5)


def test_a_size_is_in_map_units_and_rounded_to_pixels():
    """124 m are 12 pixels: 4 and 5 pixels over in columns, 5 and 10 in rows, half of them before."""
    places = lay_places(GRID, GRID.window, 124.0)
    assert places == PlaceGrid(top=5, left=2, down=12, across=12, rows=5, columns=4)


def test_pixels_that_are_no_squares_make_places_of_their_own_shape():
    grid = Grid(UTM, Affine(10, 0, 0, 0, -20, 0), 40, 40)
    places = lay_places(grid, grid.window, 80.0)
    assert (places.across, places.down) == (8, 4)


def test_a_small_window_is_one_place_and_a_larger_place_is_refused():
    window = Window(3, 4, 6, 5)
    assert lay_places(GRID, window, 0) == PlaceGrid(4, 3, 5, 5, 1, 1)
    with pytest.raises(InvalidParameter, match=r"7 x 7 pixels, which is larger than .* \(6 x 5"):
        lay_places(GRID, window, 70.0)


def test_polygons_lie_on_the_grid_also_on_a_turned_one():
    places = PlaceGrid(top=2, left=1, down=3, across=4, rows=2, columns=2)
    square = places.polygons(GRID, np.array([1]), np.array([0]))[0]
    # Columns 1 to 5 and rows 5 to 8, of 10 m.
    assert square.bounds == (500_010, 4_600_000 - 80, 500_050, 4_600_000 - 50)
    turned = Grid(UTM, Affine(0, 10, 500_000, 10, 0, 4_600_000), 53, 70)
    square = places.polygons(turned, np.array([1]), np.array([0]))[0]
    assert square.bounds == (500_050, 4_600_010, 500_080, 4_600_050)
    assert shapely.area(square) == 30 * 40


@pytest.mark.parametrize("heights", [[12], [5, 7], [1] * 12, [2, 9, 1]])
def test_rows_of_places_are_means_however_the_pixels_come(heights):
    """12 rows, places of 4 x 3 from row 1 and column 2: rows 1-4 and 5-8, columns 2-4 and 5-7."""
    rng = np.random.default_rng(0)
    pixels = rng.dirichlet([1, 1, 1], (12, 9)).transpose(2, 0, 1).astype(np.float32)
    known = rng.random((12, 9)) > 0.3
    pixels[:, ~known] = 0
    sums = PlaceSums(PlaceGrid(top=1, left=2, down=4, across=3, rows=2, columns=2), 3)
    done, top = [], 0
    for height in heights:
        part = slice(top, top + height)
        done += list(sums.add(Rows(top, pixels[:, part], known[part])))
        top += height
    assert [item.row for item in done] == [0, 1]
    for item in done:
        for column in range(2):
            box = np.s_[1 + 4 * item.row : 5 + 4 * item.row, 2 + 3 * column : 5 + 3 * column]
            inside = known[box]
            first, second = np.sort(pixels[(slice(None), *box)], axis=0)[::-1][:2]
            assert item.known[column] == pytest.approx(inside.sum() / 12)
            expected = (1 - first + second)[inside].mean()
            assert item.uncertainty[column] == pytest.approx(expected, rel=1e-5)
            means = pixels[(slice(None), *box)][:, inside].mean(axis=1)
            np.testing.assert_allclose(item.probabilities[:, column], means, rtol=1e-5)
