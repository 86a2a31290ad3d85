"""What virtual rasters tell of their bands: names that gdalbuildvrt drops, and none that a computed band has lost."""

import numpy as np
import pytest
import rasterio

from engine.data.describe import describe
from tests.engine.data.rasters import NAMES, TRANSFORM, ramp, write


def virtual(path, bands):
    """A VRT, its sources named beside it: of each band (file, band number) of what it is made of, and its function."""
    text = []
    for number, (sources, function) in enumerate(bands, 1):
        kind = ' subClass="VRTDerivedRasterBand"' if function else ""
        made = f"<PixelFunctionType>{function}</PixelFunctionType>" if function else ""
        for file, band in sources:
            made += (
                f'<SimpleSource><SourceFilename relativeToVRT="1">{file}</SourceFilename>'
                f"<SourceBand>{band}</SourceBand></SimpleSource>"
            )
        text.append(
            f'<VRTRasterBand dataType="UInt16" band="{number}"{kind}>{made}</VRTRasterBand>'
        )
    place = ", ".join(map(str, TRANSFORM.to_gdal()))
    path.write_text(
        '<VRTDataset rasterXSize="30" rasterYSize="20"><SRS>EPSG:32631</SRS>'
        f"<GeoTransform>{place}</GeoTransform>{''.join(text)}</VRTDataset>"
    )
    return str(path)


def names(path):
    with rasterio.open(path) as dataset:
        return [band.name for band in describe(dataset, path).descriptors]


@pytest.mark.parametrize("levels", [1, 2])
def test_bands_of_a_mosaic_are_called_as_those_of_its_tiles(tmp_path, levels):
    """Read band by band, in another order; also through a mosaic of mosaics."""
    file = "tile & more.tif"
    write(tmp_path / file, ramp())
    file, order = file.replace("&", "&amp;"), [3, 1, 2]
    for level in range(levels):
        bands = [([(file, band)], "") for band in (order if level == 0 else (1, 2, 3))]
        path = virtual(tmp_path / f"mosaic{level}.vrt", bands)
        file = f"mosaic{level}.vrt"
    assert names(path) == [NAMES[band - 1] for band in order]


def test_a_mosaic_whose_tiles_are_gone_has_no_names(tmp_path):
    path = virtual(tmp_path / "mosaic.vrt", [([("gone.tif", 2)], "")])
    assert names(path) == [""]


def test_a_computed_band_is_none_of_those_that_it_is_computed_from(tmp_path):
    """Unless these are all the same one, as of several dates."""
    for name in ("may_B08", "may_B04", "june_B04"):
        write(tmp_path / f"{name}.tif", np.full((1, 20, 30), 7, "uint16"), names=("B08",))
    index = ([("may_B08.tif", 1), ("may_B04.tif", 1)], "diff")
    dates = ([("may_B04.tif", 1), ("june_B04.tif", 1)], "sum")
    assert names(virtual(tmp_path / "a.vrt", [index, dates])) == ["", "may_B04.tif"]
