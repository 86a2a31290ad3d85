from contextlib import ExitStack

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from affine import Affine
from rasterio.crs import CRS

from engine.data.grid import Grid
from engine.errors import EngineError
from engine.infer.labelled_places import LabelledGround
from engine.infer.places import PlaceGrid

LEFT, TOP = 500_000, 4_600_000
GRID = Grid(CRS.from_epsg(32631), Affine(10, 0, LEFT, 0, -10, TOP), 40, 30)
PLACES = PlaceGrid(top=0, left=0, down=10, across=10, rows=3, columns=4)


@pytest.fixture
def labelled(tmp_path):
    def ask(path):
        with ExitStack() as opened:
            ground = LabelledGround(path, GRID, PLACES, opened)
            return np.stack([ground.row(row) for row in range(PLACES.rows)]).astype(int).tolist()

    return ask


@pytest.fixture
def features(tmp_path):
    def write(shapes, crs="EPSG:32631"):
        path = str(tmp_path / "labels.gpkg")
        pyogrio.raw.write(
            path,
            shapely.to_wkb(np.array(shapes, object)),
            field_data=[np.array(["water"] * len(shapes), object)],
            fields=["class"],
            geometry_type=shapes[0].geom_type,
            crs=crs,
            driver="GPKG",
        )
        return path

    return write


def test_no_labels(labelled):
    assert labelled("") == [[0] * 4] * 3


def test_a_polygon_takes_the_places_it_covers_not_those_beside_it(labelled, features):
    """Exactly the second place of the first row, as a user draws it who snaps to it; and a corner elsewhere."""
    drawn = shapely.box(LEFT + 100, TOP - 100, LEFT + 200, TOP)
    corner = shapely.box(LEFT + 290, TOP - 210, LEFT + 310, TOP - 190)
    assert labelled(features([drawn, corner])) == [[0, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]]


def test_points_in_another_system(labelled, features):
    """The first place's middle, in degrees: 50 m east and south of the corner."""
    import pyproj

    to_degrees = pyproj.Transformer.from_crs(32631, 4326, always_xy=True)
    point = shapely.Point(*to_degrees.transform(LEFT + 50, TOP - 50))
    assert labelled(features([point], "EPSG:4326"))[0] == [1, 0, 0, 0]


def test_labels_elsewhere_leave_all(labelled, features):
    assert labelled(features([shapely.Point(0, 0)])) == [[0] * 4] * 3


def test_a_class_raster_takes_what_it_labels(labelled, tmp_path):
    """On another grid, 20 m from (20, 0): one labelled pixel at 120 to 140 m east, 40 to 60 m south."""
    path = str(tmp_path / "labels.tif")
    values = np.zeros((1, 10, 10), np.uint8)
    values[0, 2, 5] = 3
    with rasterio.open(
        path, "w", driver="GTiff", count=1, width=10, height=10, dtype="uint8", nodata=0,
        crs="EPSG:32631", transform=Affine(20, 0, LEFT + 20, 0, -20, TOP),
    ) as dataset:  # fmt: skip
        dataset.write(values)
    assert labelled(path) == [[0, 1, 0, 0], [0] * 4, [0] * 4]


@pytest.mark.parametrize("nodata", [None, 255])
def test_beyond_a_class_raster_nothing_is_labelled(labelled, tmp_path, nodata):
    """It covers the left half, and each of its pixels has a class."""
    path = str(tmp_path / "labels.tif")
    with rasterio.open(
        path, "w", driver="GTiff", count=1, width=20, height=30, dtype="uint8", nodata=nodata,
        crs="EPSG:32631", transform=GRID.transform,
    ) as dataset:  # fmt: skip
        dataset.write(np.ones((1, 30, 20), np.uint8))
    assert labelled(path) == [[1, 1, 0, 0]] * 3


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_class_raster_of_the_same_size_that_lies_nowhere_lies_on_the_raster(labelled, tmp_path):
    path = str(tmp_path / "labels.tif")
    values = np.zeros((1, 30, 40), np.uint8)
    values[0, 25, 5] = 3
    with rasterio.open(
        path, "w", driver="GTiff", count=1, width=40, height=30, dtype="uint8", nodata=0
    ) as dataset:
        dataset.write(values)
    assert labelled(path) == [[0] * 4, [0] * 4, [1, 0, 0, 0]]


def test_a_file_that_is_not_there(labelled):
    with pytest.raises(EngineError, match=r"gone\.gpkg does not exist"):
        labelled("gone.gpkg")
