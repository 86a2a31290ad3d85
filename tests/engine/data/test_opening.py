"""Files that cannot be read, or say too little, are refused with what to do."""

import shutil

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.control import GroundControlPoint
from rasterio.rpc import RPC
from rasterio.windows import Window

from engine.data.source import RasterSource
from engine.errors import GeoreferenceMissing, RasterUnreadable
from tests.engine.data.rasters import CARD, ramp, read_all, write


def test_no_crs(tmp_path):
    path = write(tmp_path / "a.tif", ramp(), crs=None)
    with pytest.raises(GeoreferenceMissing, match="Assign Projection"):
        read_all(path)
    assert read_all(path, crs="EPSG:32631")[2].grid.crs.to_epsg() == 32631


def test_crs_given_does_not_overrule_the_files(tmp_path):
    path = write(tmp_path / "a.tif", ramp())
    assert read_all(path, crs="EPSG:4326")[2].grid.crs.to_epsg() == 32631


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_no_geotransform(tmp_path):
    path = write(tmp_path / "a.tif", ramp(), transform=Affine.identity())
    with pytest.raises(GeoreferenceMissing, match="geotransform"):
        read_all(path)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_ground_control_points_are_no_grid_whatever_crs_is_given(tmp_path):
    path = write(tmp_path / "a.tif", ramp(), crs=None, transform=Affine.identity())
    corners = [(0, 0, 500_000, 4_700_000), (0, 30, 500_300, 4_700_010), (20, 0, 500_010, 4_699_800)]
    points = [GroundControlPoint(row, column, x, y) for row, column, x, y in corners]
    with rasterio.open(path, "r+") as dataset:
        dataset.gcps = (points, "EPSG:32631")
    with pytest.raises(GeoreferenceMissing, match=r"ground control points.*Warp it in QGIS first"):
        read_all(path, crs="EPSG:32631")


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_rpcs_are_no_grid_whatever_crs_is_given(tmp_path):
    path = write(tmp_path / "a.tif", ramp(), crs=None, transform=Affine.identity())
    first = [1.0] + 19 * [0.0]  # of the 20 coefficients of a polynomial
    with rasterio.open(path, "r+") as dataset:
        dataset.rpcs = RPC(0, 100, 50, 0.1, first, first, 10, 20, 3, 0.1, first, first, 15, 30)
    with pytest.raises(GeoreferenceMissing, match=r"or RPCs, which do not.*Warp it in QGIS first"):
        read_all(path, crs="EPSG:32631")


@pytest.mark.parametrize(
    "transform",
    [
        Affine(np.nan, 0, 500_000, 0, -10, 4_700_000),
        Affine(10, 0, np.inf, 0, -10, 4_700_000),
        Affine(1e-12, 0, 500_000, 0, -1e-12, 4_700_000),
    ],
    ids=["no number", "nowhere", "too small for its coordinates"],
)
def test_a_geotransform_without_ground(tmp_path, transform):
    path = write(tmp_path / "a.tif", ramp(), transform=transform)
    with pytest.raises(GeoreferenceMissing, match="The geotransform of the raster"):
        read_all(path)


def test_missing_file(tmp_path):
    with pytest.raises(RasterUnreadable, match=r"nothing\.tif does not exist"):
        read_all(str(tmp_path / "nothing.tif"))


def test_folder(tmp_path):
    with pytest.raises(RasterUnreadable, match="is a folder"):
        read_all(str(tmp_path))


@pytest.mark.parametrize("content", [b"", b"II*\0" + b"\xff" * 40, b"not a raster"])
def test_corrupt_file(tmp_path, content):
    path = tmp_path / "broken.tif"
    path.write_bytes(content)
    with pytest.raises(RasterUnreadable, match=r"broken\.tif.*again"):
        read_all(str(path))


def test_archive(tmp_path):
    write(tmp_path / "a.tif", ramp())
    archive = shutil.make_archive(str(tmp_path / "scenes"), "zip", tmp_path, "a.tif")
    with pytest.raises(RasterUnreadable, match=r"is an archive.*/vsizip/.*scenes\.zip/NAME\.tif"):
        read_all(archive)
    assert read_all(f"/vsizip/{archive}/a.tif")[1].all()


def test_truncated_file_is_named_with_what_to_do(tmp_path):
    """The header is intact, half of the pixels are not there."""
    rng = np.random.default_rng(0)
    values = rng.integers(200, 3000, (9, 256, 256), "uint16")
    path = tmp_path / "half.tif"
    write(path, values, tiled=True, blockxsize=64, blockysize=64, compress="deflate")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(RasterUnreadable, match=r"half\.tif.*copy, download or export it again"):
        read_all(str(path))


def test_truncation_that_shows_only_on_a_later_block(tmp_path):
    """Opening looks at a sample of a large raster; the broken block is beside it."""
    rng = np.random.default_rng(0)
    values = rng.integers(200, 3000, (9, 64, 4096), "uint16")
    path = tmp_path / "late.tif"
    write(path, values, tiled=True, blockxsize=64, blockysize=64, compress="deflate")
    content = bytearray(path.read_bytes())
    with rasterio.open(path) as dataset:
        # The tile at columns 256..319 lies between the sampled windows (0..127, 566..693, ...).
        offset = int(dataset.get_tag_item("BLOCK_OFFSET_4_0", "TIFF", bidx=1))
    content[offset : offset + 200] = b"\xff" * 200
    path.write_bytes(content)
    with RasterSource.open(str(path), CARD) as source:
        assert source.read(Window(0, 0, 64, 64))[1].all()
        with pytest.raises(RasterUnreadable, match=r"late\.tif.*at row 0, column 256"):
            source.read(Window(256, 0, 64, 64))


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_channels_last_is_told(tmp_path):
    path = write(
        tmp_path / "a.tif",
        np.ones((128, 128, 12), "uint16"),
        names=(),
        crs=None,
        transform=Affine.identity(),
    )
    with pytest.raises(RasterUnreadable, match="channels-last: 128 pages of 12 x 128"):
        read_all(path)
