import csv

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS

from engine.cards import ModelClass
from engine.data.grid import Grid
from engine.infer.areas import AreaTable, write_areas

CLASSES = (ModelClass(1, "water"), ModelClass(4, "land"))


def test_areas_on_the_ellipsoid():
    """A degree of longitude by a degree of latitude at the equator is 12 308.8 km2 on WGS 84, from 60 to 61 north
    it is 6 120.8 km2 (both by pyproj's Geod, geodesic edges differ by less than .1 %)."""
    grid = Grid(CRS.from_epsg(4326), Affine(0.01, 0, 10, 0, -0.01, 61), 100, 6100)
    table = AreaTable(grid, CLASSES)
    table.add(0, np.full((100, 100), 4, np.uint8))
    table.add(6000, np.full((100, 100), 1, np.uint8))
    water, land = table.records()
    assert water == {"value": 1, "name": "water", "pixels": 10_000, "area_m2": water["area_m2"]}
    assert water["area_m2"] == pytest.approx(12_308.8e6, rel=1e-3)
    assert land["area_m2"] == pytest.approx(6_120.8e6, rel=1e-3)


def test_no_data_is_not_counted():
    grid = Grid(CRS.from_epsg(32631), Affine(10, 0, 500_000, 0, -10, 4_600_000), 3, 2)
    table = AreaTable(grid, CLASSES)
    table.add(0, np.array([[1, 0, 255], [4, 4, 2]], np.uint8))
    assert [record["pixels"] for record in table.records()] == [1, 2]


def test_the_table_as_csv(tmp_path):
    records = [
        {"value": 1, "name": "water", "pixels": 3, "area_m2": 300.0},
        {"value": 4, "name": 'land, "dry"', "pixels": 9, "area_m2": 900.0},
    ]
    write_areas(tmp_path / "areas.csv", records)
    with open(tmp_path / "areas.csv", newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert rows[0] == {
        "value": "1", "name": "water", "pixels": "3", "area_m2": "300.00", "area_ha": "0.0300",
        "share": "0.250000",
    }  # fmt: skip
    assert rows[1]["name"] == 'land, "dry"'
    spreadsheets_know_it_by = b"\xef\xbb\xbf"
    assert (tmp_path / "areas.csv").read_bytes().startswith(spreadsheets_know_it_by)


def test_an_empty_map_has_shares_of_zero(tmp_path):
    write_areas(tmp_path / "a.csv", [{"value": 1, "name": "water", "pixels": 0, "area_m2": 0.0}])
    assert (tmp_path / "a.csv").read_text(encoding="utf-8-sig").splitlines()[
        1
    ] == "1,water,0,0.00,0.0000,0.000000"
