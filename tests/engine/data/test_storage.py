"""Blocks and overviews of files, and of the files behind virtual rasters."""

import numpy as np
import pytest
import rasterio
from rasterio.enums import Resampling

from engine.data.source import RasterSource
from engine.data.storage import has_overviews, row_bytes
from tests.engine.data.rasters import CARD, NAMES, ramp, write

BLOCKS = {"tiled": True, "blockxsize": 64, "blockysize": 32}


def virtual(path, files, *, size=(128, 128), nodata="", bands=9):
    """A VRT of 9 bands; `files` gives (file, band, side of the file, (left, top, side in the VRT)) for each band."""
    lines = [f'<VRTDataset rasterXSize="{size[1]}" rasterYSize="{size[0]}"><SRS>EPSG:32631</SRS>']
    lines.append("<GeoTransform>500000, 10, 0, 4700000, 0, -10</GeoTransform>")
    for number in range(1, bands + 1):
        lines.append(f'<VRTRasterBand dataType="UInt16" band="{number}">')
        lines.append(f"<Description>{NAMES[number - 1]}</Description>{nodata}")
        for file, band, given, (left, top, wanted) in files(number):
            lines.append(
                f'<SimpleSource><SourceFilename relativeToVRT="1">{file}</SourceFilename>'
                f"<SourceBand>{band}</SourceBand>"
                f'<SrcRect xOff="0" yOff="0" xSize="{given}" ySize="{given}"/>'
                f'<DstRect xOff="{left}" yOff="{top}" xSize="{wanted}" ySize="{wanted}"/></SimpleSource>'
            )
        lines.append("</VRTRasterBand>")
    path.write_text("".join([*lines, "</VRTDataset>"]))
    return str(path)


def row_of(path, indexes=range(1, 10)):
    with rasterio.open(path) as dataset:
        return row_bytes(dataset, list(indexes))


@pytest.mark.parametrize(
    ("profile", "indexes", "expected"),
    [
        ({**BLOCKS, "interleave": "band"}, (1, 2), 2 * 32 * 192 * 2),  # bands x rows x columns x B
        ({**BLOCKS, "interleave": "pixel"}, (1, 2), 9 * 32 * 192 * 2),  # all bands in one block
        ({"blockysize": 1, "interleave": "band"}, (1, 2), 2 * 150 * 2),  # a strip is a row
    ],
)
def test_a_row_of_blocks_of_a_file(tmp_path, profile, indexes, expected):
    """150 columns fill three blocks of 64."""
    path = write(tmp_path / "a.tif", ramp(height=100, width=150), **profile)
    assert row_of(path, indexes) == expected


def test_a_virtual_raster_has_the_blocks_of_its_files(tmp_path):
    """One file of the same pixels; one of half as many columns, so half as many bytes."""
    write(tmp_path / "fine.tif", ramp(height=128, width=128), **BLOCKS, interleave="band")
    write(tmp_path / "coarse.tif", ramp(height=64, width=64), **BLOCKS, interleave="band")
    whole = (0, 0, 128)
    path = virtual(
        tmp_path / "a.vrt",
        lambda k: [("fine.tif", k, 128, whole)] if k < 4 else [("coarse.tif", k, 64, whole)],
    )
    with rasterio.open(path) as dataset:
        assert dataset.block_shapes[0] == (128, 128)  # what GDAL says
    assert row_of(path) == 3 * 32 * 128 * 2 + 6 * 32 * 64 * 2
    outer = virtual(tmp_path / "outer.vrt", lambda k: [("a.vrt", k, 128, whole)])
    assert row_of(outer) == row_of(path)


def test_files_side_by_side_count_together(tmp_path):
    """Two files of 64 px across, in two rows: a row of blocks lies in two of the four."""
    for number in range(4):
        write(tmp_path / f"{number}.tif", ramp(height=64, width=64), **BLOCKS, interleave="band")
    path = virtual(
        tmp_path / "a.vrt",
        lambda k: [(f"{n}.tif", k, 64, (n % 2 * 64, n // 2 * 64, 64)) for n in range(4)],
    )
    assert row_of(path) == 9 * 32 * 128 * 2


def test_a_band_without_a_file_is_not_counted(tmp_path):
    path = virtual(tmp_path / "a.vrt", lambda k: [])
    assert row_of(path) == 0
    with rasterio.open(path) as dataset:
        assert not has_overviews(dataset, [1])


@pytest.mark.parametrize(
    ("with_some", "files", "expected"), [(9, 1, True), (8, 1, False), (9, 5, False)]
)
def test_overviews_behind_a_virtual_raster(tmp_path, with_some, files, expected):
    """All bands must have them; and with many files a decimated read would open them all."""
    for number in range(1, 10):
        name = NAMES[number - 1]
        path = write(tmp_path / f"{name}.tif", ramp(1, height=64, width=64), names=[name], **BLOCKS)
        if number <= with_some:
            with rasterio.open(path, "r+") as dataset:
                dataset.build_overviews([2], Resampling.nearest)
    path = virtual(
        tmp_path / "a.vrt",
        lambda k: [(f"{NAMES[k - 1]}.tif", 1, 64, (0, 64 * n, 64)) for n in range(files)],
        size=(64 * files, 64),
    )
    with rasterio.open(path) as dataset:
        assert not dataset.overviews(1)  # what GDAL says
        assert has_overviews(dataset, range(1, 10)) is expected
    with RasterSource.open(path, CARD) as source:
        assert source.overviews is expected


def test_data_beside_none_is_not_sampled_from_overviews(tmp_path):
    """The files do not declare that 0 is no data, so their overviews mix it into what is beside it.

    Values start at 1300; a mixture of 0 and data lies below.
    """
    values = ramp(1, height=3072, width=3072, start=1300, step=0, dtype="uint32") % 2000 + 1300
    rows, columns = np.indices(values.shape[1:])
    values[0, columns < rows // 2 + 100] = 0
    for name in NAMES:
        path = write(
            tmp_path / f"{name}.tif", values.astype("uint16"), names=[name], compress="lzw"
        )
        with rasterio.open(path, "r+") as dataset:
            dataset.build_overviews([2, 4], Resampling.average)
    path = virtual(
        tmp_path / "a.vrt",
        lambda k: [(f"{NAMES[k - 1]}.tif", 1, 3072, (0, 0, 3072))],
        size=(3072, 3072),
        nodata="<NoDataValue>0</NoDataValue>",
    )
    with RasterSource.open(path, CARD) as source:
        assert source.overviews
        sampled = source._sample([1], 5)[0]
    assert sampled.size > 100_000  # of 768 x 768, more than half of which are data
    assert sampled.min() >= 1300
