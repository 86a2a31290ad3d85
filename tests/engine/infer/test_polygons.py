import contextlib
import sqlite3

import numpy as np
import pyogrio
import pytest
import shapely
from affine import Affine
from rasterio.crs import CRS

from engine.cards import ModelClass
from engine.data.grid import Grid
from engine.infer import polygons
from engine.infer.polygons import sieve, smallest_region, write_polygons
from engine.infer.writer import Layer, RasterWriter
from engine.progress import Progress

CLASSES = (ModelClass(1, "water", color="#0000ff"), ModelClass(2, "land", color="#00ff00"))
TRANSFORM = Affine(10, 0, 500_000, 0, -10, 4_600_000)


def grid_of(values):
    height, width = values.shape
    return Grid(CRS.from_epsg(32631), TRANSFORM, width, height)


def polygonise(tmp_path, values, percent=None, **options):
    percent = np.full(values.shape, 50.0) if percent is None else percent
    source, target = tmp_path / "map.tif", tmp_path / "map.gpkg"
    with RasterWriter(source, grid_of(values), Layer("class", "uint8", 0, CLASSES)) as writer:
        writer.write(values)

    def read(window):
        return percent[window.row_off : window.row_off + window.height]

    count = write_polygons(target, source, read, CLASSES, "made by a test", Progress(), **options)
    meta, _, wkb, columns = pyogrio.raw.read(target)
    return count, dict(zip(meta["fields"], columns)), shapely.from_wkb(wkb)


def test_a_ring_and_what_it_holds(tmp_path, monkeypatch):
    """A lake of 10 x 10 with an island of 4 x 4; strips of 3 rows cut both, the polygons stay whole."""
    monkeypatch.setattr(polygons, "STRIP", 3)
    values = np.zeros((12, 12), np.uint8)
    values[1:11, 1:11] = 1
    values[4:8, 4:8] = 2
    percent = np.where(values == 2, 90.0, 40.0)
    percent[1, 1] = 40 + 84  # one of 84 pixels of water is 84 higher: the mean is 41
    count, table, shapes = polygonise(tmp_path, values, percent)
    assert count == 2
    by_name = dict(zip(table["class_name"], range(2)))
    water, land = by_name["water"], by_name["land"]
    assert table["class_value"][water] == 1
    assert shapes[water].area == 84 * 100
    assert shapes[land].bounds == (500_040, 4_599_920, 500_080, 4_599_960)
    np.testing.assert_allclose(table["area_m2"], shapely.area(shapes), rtol=2e-3)
    assert table["confidence"][water] == 41
    assert table["confidence"][land] == 90


def test_only_some_classes(tmp_path):
    values = np.ones((5, 5), np.uint8)
    values[2, 2] = 2
    count, table, _ = polygonise(tmp_path, values, only=(2,))
    assert count == 1
    assert list(table["class_value"]) == [2]


def test_regions_that_meet_at_a_corner_are_two_valid_polygons(tmp_path):
    values = np.array([[1, 2], [2, 1]], np.uint8)
    count, _, shapes = polygonise(tmp_path, values)
    assert count == 4
    assert shapely.is_valid(shapes).all()


def test_a_map_of_nothing_gives_an_empty_layer(tmp_path):
    count, table, _ = polygonise(tmp_path, np.zeros((5, 5), np.uint8))
    assert count == 0
    assert set(table) == {"class_value", "class_name", "area_m2", "confidence"}


@pytest.mark.parametrize(("area", "pixels"), [(0.1, 1), (99, 1), (101, 2), (450, 5)])
def test_square_metres_as_pixels(area, pixels):
    """A pixel of 10 m in the middle of a UTM zone is 100 / .9996 squared = 100.08 m2."""
    assert smallest_region(grid_of(np.zeros((4, 4))), area) == pixels


def test_the_sieve_takes_small_regions_and_leaves_no_data_alone():
    values = np.ones((8, 8), np.uint8)
    values[0, 0] = 0
    values[3, 3] = 2
    values[5:7, 5:7] = 2
    sieved = sieve(values, values != 0, grid_of(values), 301)
    expected = values.copy()
    expected[3, 3] = 1
    np.testing.assert_array_equal(sieved, expected)
    assert sieved.dtype == np.uint8


@pytest.mark.parametrize(("side", "expected"), [(4, 1), (1, 2)])
def test_a_region_may_be_asked_to_be_larger_than_the_map(side, expected):
    """Of 16 pixels 15 are of one class; a pixel alone has no neighbour."""
    values = np.ones((side, side), np.uint8)
    values[0, 0] = 2
    sieved = sieve(values, values != 0, grid_of(values), 1e12)
    np.testing.assert_array_equal(sieved, np.full((side, side), expected))


def test_the_layer_says_how_it_was_made(tmp_path):
    polygonise(tmp_path, np.ones((3, 3), np.uint8))
    info = pyogrio.read_info(tmp_path / "map.gpkg", layer="map")
    assert info["layer_metadata"]["DESCRIPTION"] == "made by a test"


def test_the_file_is_one_that_older_gdal_opens_without_a_warning(tmp_path):
    polygonise(tmp_path, np.ones((3, 3), np.uint8))
    with contextlib.closing(sqlite3.connect(tmp_path / "map.gpkg")) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (10200,)


@pytest.mark.parametrize(
    ("name", "values", "names", "kept"),
    [
        ("fid", np.array([5, 7]), [], [5, 7]),
        ("fid", np.array([5, 5]), ["fid"], [1, 2]),
        ("FID", np.array([-1, 3]), ["FID"], [1, 2]),
        ("fid", np.array([1.5, 2.5]), ["fid"], [1, 2]),
        ("Fid", np.array(["a", "b"], object), ["Fid"], [1, 2]),
        ("geom", np.array(["a", "b"], object), ["geom"], [1, 2]),
    ],
)
def test_columns_may_be_called_like_those_of_the_file(tmp_path, name, values, names, kept):
    """As of zones that were merged or split, which share their identifiers."""
    shapes = shapely.to_wkb([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)])
    path = tmp_path / "zones.gpkg"
    polygons.write_layer(path, shapes, {name: values}, "EPSG:4326", "zones", "")
    found, fids, _, columns = pyogrio.raw.read(path, return_fids=True)
    assert list(found["fields"]) == names
    assert [list(column) for column in columns] == [list(values)] * len(names)
    assert list(fids) == kept


def test_lists_become_json(tmp_path):
    """As pyogrio reads them from GeoJSON."""
    path, squares = tmp_path / "zones.gpkg", shapely.to_wkb([shapely.box(0, 0, 1, 1)] * 2)
    values = np.array([np.array(["a", "b"]), None], object)
    polygons.write_layer(path, squares, {"tags": values}, "EPSG:4326", "zones", "")
    assert pyogrio.raw.read(path)[3][0].tolist() == ['["a", "b"]', None]


def test_a_field_fid_with_nulls_identifies_nothing(tmp_path):
    path, squares = tmp_path / "zones.gpkg", shapely.to_wkb([shapely.box(0, 0, 1, 1)] * 2)
    values = np.ma.array([7, 8], mask=[False, True])
    polygons.write_layer(path, squares, {"fid": values}, "EPSG:4326", "zones", "")
    found = pyogrio.raw.read(path, return_fids=True)
    assert found[1].tolist() == [1, 2]
    np.testing.assert_array_equal(found[3][0], [7, np.nan])
