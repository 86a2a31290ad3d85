"""What blocks of a file hold, told by their sizes."""

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from engine.data.filled_blocks import EMPTY, FULL, UNKNOWN, FilledBlocks

SIDE, BLOCK = 256, 64  # px: four by four blocks
NOISE = np.random.default_rng(1).integers(1, 4000, (2, SIDE, SIDE), dtype=np.uint16)


@pytest.fixture
def blocks(tmp_path):
    """Writes an image with blocks of 64 px; gives what is known of them."""

    def make(image, **profile):
        options = {
            "driver": "GTiff",
            "count": len(image),
            "height": SIDE,
            "width": SIDE,
            "dtype": image.dtype,
            "nodata": 0,
            "crs": "EPSG:32631",
            "transform": from_origin(0, 0, 10, 10),
            "tiled": True,
            "blockxsize": BLOCK,
            "blockysize": BLOCK,
            **profile,
        }
        with rasterio.open(tmp_path / "raster.tif", "w", **options) as dataset:
            dataset.write(image)
        with rasterio.open(tmp_path / "raster.tif") as dataset:
            return FilledBlocks.of(dataset, 1)

    return make


def every_block(known):
    """What each block holds [4, 4]."""
    starts = np.arange(0, SIDE, BLOCK)
    tops, lefts = (axis.ravel() for axis in np.meshgrid(starts, starts, indexing="ij"))
    return known.under(tops, lefts, BLOCK).reshape(4, 4).tolist()


def half_empty():
    """Data in the left half but for its last 16 columns: of four columns of blocks 64, 48, 0 and 0 columns hold."""
    image = NOISE.copy()
    image[:, :, 112:] = 0
    return image


@pytest.mark.parametrize("interleave", ["pixel", "band"])
@pytest.mark.parametrize("compress", ["deflate", "lzw", "zstd"])
def test_blocks_of_no_data_are_small(blocks, compress, interleave):
    known = blocks(half_empty(), compress=compress, interleave=interleave)
    assert [row[0] for row in every_block(known)] == [FULL] * 4
    assert [row[2:] for row in every_block(known)] == [[EMPTY, EMPTY]] * 4


def test_a_block_that_is_partly_empty_is_smaller(blocks):
    """Three blocks of a row are full; in the fourth a quarter is, and compresses to about a quarter."""
    image = NOISE.copy()
    image[:, :, 208:] = 0
    assert every_block(blocks(image, compress="deflate")) == [[FULL] * 3 + [UNKNOWN]] * 4


def test_windows_over_several_blocks(blocks):
    """Columns of blocks: full, full, empty, empty."""
    image = NOISE.copy()
    image[:, :, 128:] = 0
    known = blocks(image, compress="deflate")
    lefts = np.array([0, 64, 65, 127, 128, 250, -200])
    held = known.under(np.full(len(lefts), 30), lefts, 64).tolist()
    assert held == [FULL, FULL, UNKNOWN, UNKNOWN, EMPTY, EMPTY, EMPTY]
    assert known.under(np.array([-500, 300]), np.array([0, 0]), 64).tolist() == [EMPTY, EMPTY]


def test_without_compression_only_missing_blocks_are_known(blocks):
    held = every_block(blocks(half_empty()))
    assert held == [[UNKNOWN] * 4] * 4
    held = every_block(blocks(half_empty(), sparse_ok=True))
    assert held == [[UNKNOWN, UNKNOWN, EMPTY, EMPTY]] * 4


def test_an_empty_raster(blocks):
    assert every_block(blocks(np.zeros_like(NOISE), compress="deflate")) == [[EMPTY] * 4] * 4


def test_of_another_format_nothing_is_known(tmp_path):
    options = {"driver": "ENVI", "count": 1, "height": 4, "width": 4, "dtype": "uint8"}
    with rasterio.open(tmp_path / "raster.bin", "w", **options) as dataset:
        dataset.write(np.zeros((1, 4, 4), np.uint8))
    with rasterio.open(tmp_path / "raster.bin") as dataset:
        assert FilledBlocks.of(dataset, 1) is None
