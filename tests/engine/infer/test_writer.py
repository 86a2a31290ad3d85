from xml.etree import ElementTree

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.env import getenv

from engine.cards import ModelClass
from engine.data.grid import Grid
from engine.infer import backend, writer
from engine.infer.writer import Layer, RasterWriter, class_dtype, raster_environment

CLASSES = (
    ModelClass(1, "water", "Open water", "#0000ff"),
    ModelClass(2, "forest", "Forêt & <bois>", "#00ff00"),
    ModelClass(5, "built", "", "#ff0000"),
)
MAP = Layer("class", "uint8", 0, CLASSES, {"SPECTRALGPT_MODEL": "test"})
PERCENT = Layer("confidence", "uint8", 255)


def grid(height, width):
    return Grid(CRS.from_epsg(32631), Affine(10, 0, 500_000, 0, -10, 4_600_000), width, height)


def written(path, values, layer, cog=False, step=37):
    with raster_environment(), RasterWriter(path, grid(*values.shape), layer, cog) as file:
        for top in range(0, len(values), step):
            file.write(values[top : top + step])
    return path


def class_values(height, width, seed=0):
    return np.random.default_rng(seed).choice([0, 1, 2, 5], (height, width)).astype(np.uint8)


@pytest.mark.parametrize("cog", [False, True])
@pytest.mark.parametrize("shape", [(5, 3), (513, 40), (700, 1030), (1, 2000), (2000, 1)])
@pytest.mark.parametrize("layer", [MAP, PERCENT])
def test_what_is_written_is_read(tmp_path, shape, layer, cog):
    values = class_values(*shape)
    with rasterio.open(written(tmp_path / "map.tif", values, layer, cog)) as dataset:
        np.testing.assert_array_equal(dataset.read(1), values)
        assert dataset.nodata == layer.nodata
        assert dataset.descriptions == (layer.description,)
        assert dataset.compression.name == "deflate"
        assert (dataset.crs, dataset.transform) == (grid(1, 1).crs, grid(1, 1).transform)


def test_rows_may_come_in_any_portions(tmp_path):
    values = class_values(1300, 20)
    for step in (1, 96, 512, 1300):
        with rasterio.open(written(tmp_path / f"{step}.tif", values, MAP, step=step)) as dataset:
            np.testing.assert_array_equal(dataset.read(1), values)


def test_classes_have_colours_names_and_a_table(tmp_path):
    path = written(tmp_path / "map.tif", class_values(40, 40), MAP)
    with rasterio.open(path) as dataset:
        assert dataset.colorinterp == (ColorInterp.palette,)
        colours = dataset.colormap(1)
        assert colours[1] == (0, 0, 255, 255)
        assert colours[5] == (255, 0, 0, 255)
        assert dataset.tags()["SPECTRALGPT_MODEL"] == "test"
    text = (tmp_path / "map.tif.aux.xml").read_text(encoding="utf-8")
    assert not text.startswith("<?xml")  # GDAL does not recognise the file behind a declaration
    band = ElementTree.fromstring(text).find("PAMRasterBand")
    names = [item.text or "" for item in band.find("CategoryNames")]
    assert names == ["", "Open water", "Forêt & <bois>", "", "", "built"]
    table = band.find("GDALRasterAttributeTable")
    rows = [[cell.text for cell in row] for row in table.iter("Row")]
    assert rows[1] == ["2", "Forêt & <bois>", "forest", "0", "255", "0", "255"]
    usages = {
        column.find("Name").text: column.find("Usage").text for column in table.iter("FieldDefn")
    }
    assert usages["Value"] == "5" and usages["Class"] == "2"  # GFU_MinMax, GFU_Name


def test_gdal_finds_names_and_table(tmp_path):
    """With the system's GDAL, where its Python bindings are installed."""
    gdal = pytest.importorskip("osgeo.gdal")
    dataset = gdal.Open(str(written(tmp_path / "map.tif", class_values(40, 40), MAP)))
    band = dataset.GetRasterBand(1)
    assert band.GetDefaultRAT().GetRowCount() == 3
    assert band.GetCategoryNames()[1] == "Open water"


def test_overviews_reach_down_to_one_block(tmp_path):
    """1500 px: halves of 750 and 375, the first that fits a block of 512."""
    path = written(tmp_path / "map.tif", class_values(1500, 900), MAP)
    with rasterio.open(path) as dataset:
        assert dataset.overviews(1) == [2, 4]
        assert dataset.block_shapes == [(512, 512)]
    with rasterio.open(written(tmp_path / "small.tif", class_values(512, 512), MAP)) as dataset:
        assert dataset.overviews(1) == []


def test_a_large_raster_with_hardly_anything_in_it_has_overviews_of_nearest_pixels(
    tmp_path, monkeypatch
):
    values = np.zeros((1200, 1200), np.uint8)
    values[600:612, 600:612] = 1
    values[600:612:2, 600:612:2] = (
        2  # a quarter: what the nearest pixel shows, and not the commonest
    )
    seen = {}
    for name, large in (("small", 1 << 28), ("large", 1_000_000)):
        monkeypatch.setattr(writer, "_LARGE", large)
        with rasterio.open(
            written(tmp_path / f"{name}.tif", values, MAP), overview_level=0
        ) as dataset:
            seen[name] = np.unique(dataset.read(1)).tolist()
    assert seen == {"small": [0, 1], "large": [0, 2]}


def test_overviews_of_classes_hold_classes_and_those_of_percents_averages(tmp_path):
    stripes = np.ones((1024, 1024), np.uint8)
    stripes[:, ::2] = 5
    with rasterio.open(
        written(tmp_path / "classes.tif", stripes, MAP), overview_level=0
    ) as dataset:
        assert set(np.unique(dataset.read(1))) <= {1, 5}
    with rasterio.open(
        written(tmp_path / "percent.tif", stripes, PERCENT), overview_level=0
    ) as dataset:
        assert set(np.unique(dataset.read(1))) == {3}


def test_empty_blocks_take_no_room(tmp_path):
    """A map of one corner: 36 blocks, of which one is stored."""
    values = np.zeros((3000, 3000), np.uint8)
    values[:100, :100] = 2
    path = written(tmp_path / "map.tif", values, MAP)
    assert path.stat().st_size < 12_000


def test_a_cog_is_one(tmp_path):
    path = written(tmp_path / "map.tif", class_values(1500, 900), MAP, cog=True)
    with rasterio.open(path) as dataset:
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert dataset.overviews(1) == [2, 4]
        assert dataset.colormap(1)[2] == (0, 255, 0, 255)
        assert dataset.tags()["SPECTRALGPT_MODEL"] == "test"
    assert {p.name for p in tmp_path.iterdir()} == {"map.tif", "map.tif.aux.xml"}


@pytest.mark.parametrize(
    ("largest", "nodata", "dtype"),
    [
        (9, 0, "uint8"),
        (255, 0, "uint8"),
        (1, 255, "uint8"),
        (256, 0, "uint16"),
        (70_000, 0, "uint32"),
    ],
)
def test_the_smallest_type_for_the_classes(largest, nodata, dtype):
    assert class_dtype([ModelClass(1, "a"), ModelClass(largest, "b")], nodata) == dtype


def test_floats_keep_their_values(tmp_path):
    values = np.random.default_rng(0).random((600, 600), np.float32)
    path = written(tmp_path / "p.tif", values, Layer("probability", "float32", -1))
    with rasterio.open(path) as dataset:
        np.testing.assert_array_equal(dataset.read(1), values)


def test_gdal_takes_as_many_threads_as_the_job_may(monkeypatch):
    def threads(asked):
        with raster_environment(asked):
            return int(getenv()["GDAL_NUM_THREADS"])

    monkeypatch.setattr(backend, "processors", lambda: 6)
    assert (threads(1), threads(5), threads(0), threads(16)) == (1, 5, 6, 6)
    monkeypatch.setattr(backend, "processors", lambda: 64)
    assert (threads(0), threads(16)) == (8, 8)  # more bring nothing
