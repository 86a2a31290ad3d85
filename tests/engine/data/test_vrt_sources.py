import numpy as np
import pytest
import rasterio

from engine.data.vrt_sources import sources_of
from tests.engine.data import rasters

VRT = """<VRTDataset rasterXSize="8" rasterYSize="8">
  <SRS>EPSG:32631</SRS>
  <GeoTransform>500000, 10, 0, 4600000, 0, -10</GeoTransform>
  <VRTRasterBand dataType="UInt16" band="1">
    <SimpleSource>
      <SourceFilename relativeToVRT="1">a &amp; b.tif</SourceFilename>
      <SourceBand>2</SourceBand>
      <SrcRect xOff="0" yOff="0" xSize="4" ySize="4"/>
      <DstRect xOff="0" yOff="0" xSize="8" ySize="8"/>
    </SimpleSource>
    <SimpleSource>
      <SourceFilename relativeToVRT="1">c.tif</SourceFilename>
      <SourceBand>mask,1</SourceBand>
    </SimpleSource>
  </VRTRasterBand>
  <VRTRasterBand dataType="UInt16" band="2"/>
</VRTDataset>"""


@pytest.fixture
def virtual(tmp_path):
    for name in ("a & b.tif", "c.tif"):
        rasters.write(tmp_path / name, np.ones((2, 4, 4), np.uint16), names=("B02", "B03"))
    (tmp_path / "both.vrt").write_text(VRT)
    with rasterio.open(tmp_path / "both.vrt") as dataset:
        yield dataset


def test_each_file_behind_a_band_is_told_in_order(virtual, tmp_path):
    first, second = sources_of(virtual, 1)
    assert (first.name, first.path) == ("a & b.tif", str(tmp_path / "a & b.tif"))
    assert (first.band, first.across) == (2, 0.5)  # four columns of the file under eight
    assert (second.name, second.band, second.across) == ("c.tif", 1, 1.0)


def test_a_band_without_files_and_other_rasters_have_none(virtual, tmp_path):
    assert list(sources_of(virtual, 2)) == []
    with rasterio.open(tmp_path / "c.tif") as dataset:
        assert list(sources_of(dataset, 1)) == []
