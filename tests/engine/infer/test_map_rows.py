"""The rasters of a map job, and GDAL's cache while they are read."""

from rasterio._env import get_gdal_config

from engine import memory_limit
from engine.infer.map_rows import cache_for, open_sources
from engine.jobs import ChangeJob, SegmentJob
from tests.engine.data.rasters import CARD, ramp, write

MB = 2**20


def test_the_cache_holds_two_rows_of_blocks_of_all_rasters(tmp_path, monkeypatch):
    """9 bands in blocks of 128 rows, 1000 columns in blocks of 512, uint16: 9 * 128 * 1024 * 2 bytes a row."""
    monkeypatch.setattr(memory_limit, "_CACHE", MB)
    monkeypatch.setattr(memory_limit, "_BESIDE", MB)
    row = 9 * 128 * 1024 * 2
    blocks = {"tiled": True, "blockxsize": 512, "blockysize": 128}
    paths = [
        write(tmp_path / f"{name}.tif", ramp(height=300, width=1000), **blocks) for name in "ab"
    ]
    before, after = paths
    given = {"model": "m", "output": str(tmp_path / "out.tif")}
    for job, count in (
        (SegmentJob(input=before, **given), 1),
        (ChangeJob(before=before, after=after, **given), 2),
    ):
        with open_sources(job, CARD) as sources:
            assert len(sources) == count
            assert cache_for(sources) == 2 * count * row + MB
            assert int(get_gdal_config("GDAL_CACHEMAX")) == 2 * count * row + MB
