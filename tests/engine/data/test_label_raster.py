"""Class rasters as labels, on their own grid and on others."""

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.crs import CRS
from rasterio.warp import transform
from rasterio.windows import Window

from engine.cards import ModelClass
from engine.data import label_raster
from engine.data.grid import Grid
from engine.data.label_classes import Look
from engine.data.label_raster import RasterPixels, read_classes
from engine.errors import EmptyArea, LabelsInvalid
from engine.infer.writer import Layer, RasterWriter
from tests.engine.data.rasters import TRANSFORM, write

GRID = Grid(CRS.from_epsg(32631), TRANSFORM, 6, 4)
MAP = np.array(
    [[0, 0, 3, 3, 3, 0], [0, 7, 7, 3, 0, 0], [0, 7, 0, 0, 3, 3], [0, 0, 0, 0, 0, 3]], np.uint8
)


def pixels(path, values, grid):
    """Class of each pixel, -1 where none; units; the reader."""
    raster = RasterPixels(path, values, grid, "labels")
    image, units = np.full(grid.shape, -1), np.full(grid.shape, -1)
    for row, column, label, unit in raster:
        image[row, column], units[row, column] = label, unit
    return image, units, raster


def test_classes_are_counted_and_no_data_is_none(tmp_path):
    found = read_classes(write(tmp_path / "a.tif", MAP[None], names=(), nodata=0), "labels")
    assert found.values == (3, 7) and found.counts == (7, 3) and found.warnings == ()


def test_zero_is_a_class_where_it_is_not_no_data(tmp_path):
    found = read_classes(write(tmp_path / "a.tif", MAP[None], names=()), "labels")
    assert found.values == (0, 3, 7) and found.counts == (14, 7, 3)
    assert "the value 0 was treated as a class with 14 pixels" in found.warnings[0]


def test_nothing_is_said_of_zero_where_it_can_only_be_a_class(tmp_path):
    """A mask of 0 and 1 would have one class without it; another value is declared; it has a name."""
    assert read_classes(write(tmp_path / "a.tif", MAP[None] % 3, names=()), "labels").warnings == ()
    path = write(tmp_path / "b.tif", MAP[None], names=(), nodata=9)
    assert read_classes(path, "labels").warnings == ()
    path = write(tmp_path / "c.tif", MAP[None], names=())
    (tmp_path / "c.tif.aux.xml").write_text(
        "<PAMDataset><PAMRasterBand band='1'><CategoryNames><Category>Bare</Category></CategoryNames>"
        "</PAMRasterBand></PAMDataset>"
    )
    assert read_classes(path, "labels").warnings == ()


def test_fill_values_that_nothing_measures_are_no_class(tmp_path):
    values = MAP[None].astype(np.float32)
    values[0, 0, 0] = -3.4e38
    assert read_classes(write(tmp_path / "a.tif", values, names=(), nodata=0), "labels").counts == (
        7,
        3,
    )


def test_strip_by_strip(tmp_path, monkeypatch):
    monkeypatch.setattr(label_raster, "_STRIP", 1)
    path = write(tmp_path / "a.tif", MAP[None], names=(), nodata=0, blockysize=1)
    assert read_classes(path, "labels").counts == (7, 3)


def test_whole_decimals_and_several_bands_are_told(tmp_path):
    values = np.stack([MAP, MAP]).astype(np.float32)
    values[0, 0, 0] = np.nan
    found = read_classes(write(tmp_path / "a.tif", values, names=()), "labels")
    assert found.values == (0, 3, 7)
    assert "As all of them are" in found.warnings[0]
    assert "has 2 bands. The first one" in found.warnings[1]


def test_an_image_is_no_class_raster(tmp_path):
    wide = np.arange(400, dtype=np.uint16).reshape(1, 20, 20)
    with pytest.raises(LabelsInvalid, match="more than 254 different values"):
        read_classes(write(tmp_path / "a.tif", wide, names=()), "labels")
    with pytest.raises(LabelsInvalid, match=r"decimal numbers such as 0.5, but .*Reclassify"):
        read_classes(write(tmp_path / "b.tif", MAP[None] + np.float32(0.5), names=()), "labels")


def test_all_no_data(tmp_path):
    path = write(tmp_path / "a.tif", np.zeros((1, 3, 3), np.uint8), names=(), nodata=0)
    with pytest.raises(LabelsInvalid, match="has no labelled pixels: all"):
        read_classes(path, "labels")


def test_names_and_colours_of_our_own_maps(tmp_path):
    classes = (ModelClass(3, "water", "Water", "#1f78b4"), ModelClass(7, "bog", "Bog", "#a59b8f"))
    path = tmp_path / "a.tif"
    with RasterWriter(path, GRID, Layer("map", "uint8", 0, classes)) as writer:
        writer.write(MAP)
    found = read_classes(str(path), "labels")
    assert found.values == (3, 7)
    assert found.looks == {"3": Look("Water", "#1f78b4"), "7": Look("Bog", "#a59b8f")}


@pytest.mark.parametrize("tile", [3, 1024])
def test_on_its_own_grid(tmp_path, monkeypatch, tile):
    """Regions by sides: two of class 3, one of class 7, when no tile cuts them."""
    monkeypatch.setattr(label_raster, "_TILE", tile)
    path = write(tmp_path / "a.tif", MAP[None], names=(), nodata=0)
    image, units, raster = pixels(path, (3, 7), GRID)
    assert (image == np.select([MAP == 3, MAP == 7], [0, 1], -1)).all()
    assert len(set(units[image >= 0])) == 3 and raster.warnings == []
    assert len(set(units[image == 1])) == 1


def test_tiles_cut_regions_and_units_stay_apart(tmp_path, monkeypatch):
    """130 columns of one class: tiles of 64 and less are the smallest."""
    monkeypatch.setattr(label_raster, "_TILE", 1)
    grid = Grid(GRID.crs, TRANSFORM, 130, 2)
    path = write(tmp_path / "a.tif", np.ones((1, 2, 130), np.uint8), names=())
    image, units, _ = pixels(path, (1,), grid)
    assert (image == 0).all() and len(set(units.ravel())) == 3


def test_shifted_by_whole_pixels(tmp_path):
    path = write(tmp_path / "a.tif", MAP[None], names=(), nodata=0)
    moved = Grid(GRID.crs, TRANSFORM @ Affine.translation(2, 1), 6, 4)
    image, _, _ = pixels(path, (3, 7), moved)
    expected = np.full((4, 6), -1)
    expected[:3, :4] = np.select([MAP == 3, MAP == 7], [0, 1], -1)[1:, 2:]
    assert (image == expected).all()


def test_onto_finer_pixels(tmp_path):
    """Pixels of half the size: each has the class of the one it lies in."""
    path = write(tmp_path / "a.tif", MAP[None], names=(), nodata=0)
    fine = Grid(GRID.crs, TRANSFORM @ Affine.scale(0.5), 12, 8)
    image, _, _ = pixels(path, (3, 7), fine)
    expected = np.select([MAP == 3, MAP == 7], [0, 1], -1).repeat(2, 0).repeat(2, 1)
    assert (image == expected).all()


def test_another_crs(tmp_path):
    """The next zone's metres: a map of two halves keeps its halves."""
    halves = np.repeat([1, 2], [40, 40])[None, None].repeat(60, 1).astype(np.uint8)
    path = write(tmp_path / "a.tif", halves, names=())
    own = Grid(GRID.crs, TRANSFORM, 80, 60)
    x, y = own.xy(40, 30)
    (x,), (y,) = transform(own.crs, CRS.from_epsg(32632), [x], [y])
    there = Grid(CRS.from_epsg(32632), Affine(10, 0, x - 100, 0, -10, y + 100), 20, 20)
    image, _, _ = pixels(path, (1, 2), there)
    assert (image >= 0).all()
    assert (image[:, :8] == 0).all() and (image[:, 12:] == 1).all()


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_without_georeference(tmp_path):
    """Of the raster's size: pixel on pixel. Of another: refused."""
    for name, size in (("a.png", (4, 6)), ("b.png", (5, 6))):
        with rasterio.open(
            tmp_path / name, "w", driver="PNG", count=1, height=size[0], width=6, dtype="uint8"
        ) as dataset:
            dataset.write(np.resize(MAP, (1, *size)))
    image, _, raster = pixels(str(tmp_path / "a.png"), (3, 7), GRID)
    assert ((image == 0) == (MAP == 3)).all()
    assert "As it has the same" in raster.warnings[0] and "6 x 4 pixels" in raster.warnings[0]
    with pytest.raises(ValueError, match="no coordinate reference system"):
        pixels(str(tmp_path / "b.png"), (3, 7), GRID)


def test_without_a_crs(tmp_path):
    path = write(tmp_path / "a.tif", MAP[None], names=(), nodata=0, crs=None)
    image, _, raster = pixels(path, (3, 7), GRID)
    assert ((image == 0) == (MAP == 3)).all() and "has no CRS" in raster.warnings[0]


def test_elsewhere(tmp_path):
    path = write(tmp_path / "a.tif", MAP[None], names=(), nodata=0)
    far = Grid(GRID.crs, TRANSFORM @ Affine.translation(1000, 0), 6, 4)
    with pytest.raises(EmptyArea) as caught:
        pixels(path, (3, 7), far)
    assert "and the image do not overlap: bounds (500000, 4.69996e+06" in caught.value.message
    assert "those of the image (510000" in caught.value.message
    assert "check the CRS of both layers" in caught.value.message


def test_a_map_much_larger_than_its_grid(tmp_path):
    """A sparse map of 10 000 million pixels under a grid of 20 x 20: only that part is read."""
    path = tmp_path / "a.tif"
    profile = {"driver": "GTiff", "dtype": "uint8", "count": 1, "nodata": 0, "SPARSE_OK": True}
    with rasterio.open(
        path,
        "w",
        width=100_000,
        height=100_000,
        tiled=True,
        crs=GRID.crs,
        transform=TRANSFORM,
        compress="deflate",
        **profile,
    ) as dataset:
        dataset.write(np.full((1, 10, 10), 5, np.uint8), window=Window(50_000, 50_000, 10, 10))
    there = Grid(GRID.crs, TRANSFORM @ Affine.translation(49_995, 49_995), 20, 20)
    image, _, _ = pixels(str(path), (5,), there)
    assert (image >= 0).sum() == 100 and (image[5:15, 5:15] == 0).all()
