"""Rasters of another machine: whole, or refused, never a part of them."""

import numpy as np
import pytest
import rasterio
from affine import Affine

from engine.data.opening import open_raster, readable
from engine.errors import RasterUnreadable
from tests.engine.data.range_server import serving

PIXELS = np.random.default_rng(0).integers(1, 60_000, (3, 400, 400), np.uint16)
TILED = {"tiled": True, "blockxsize": 128, "blockysize": 128, "compress": "deflate"}


@pytest.fixture(params=[TILED, {"interleave": "band"}], ids=["tiles", "strips"])
def scene(request, tmp_path):
    path = tmp_path / "scene.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=400, height=400, count=3, dtype="uint16",
        crs="EPSG:32631", transform=Affine(10, 0, 500_000, 0, -10, 4_600_000), **request.param,
    ) as dataset:  # fmt: skip
        dataset.write(PIXELS)
    return path


def read(scene, form="{}", **manners):
    with serving(scene, **manners) as server:
        address = form.format(server)
        with open_raster(address) as dataset, readable(address, "row 0, column 0"):
            return dataset.read()


@pytest.mark.parametrize("form", ["{}", "/vsicurl/{}"])
def test_parts_are_read(scene, form):
    np.testing.assert_array_equal(read(scene, form), PIXELS)


def test_a_server_that_stumbles_is_asked_again(scene, monkeypatch):
    monkeypatch.setenv("GDAL_HTTP_RETRY_DELAY", "0.05")
    np.testing.assert_array_equal(read(scene, stumbles=[1, 3, 4]), PIXELS)


def test_what_the_user_set_is_kept(scene, monkeypatch):
    monkeypatch.setenv("GDAL_HTTP_MAX_RETRY", "0")
    with pytest.raises(RasterUnreadable, match="cannot be"):
        read(scene, stumbles=[0, 1, 2])


@pytest.mark.parametrize("first", [0, 1])
def test_a_connection_that_breaks_in_the_middle(scene, first):
    with pytest.raises(RasterUnreadable, match="The file is on a"):
        read(scene, cut_from=first)


def test_a_server_that_sends_no_parts(scene):
    with pytest.raises(RasterUnreadable, match=r"HTTP range requests.*download the file first"):
        read(scene, ranges=False)
