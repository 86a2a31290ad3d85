"""No-data values on their way through file types."""

import numpy as np
import pytest
import rasterio

from engine.data.nodata import Validity, equals
from tests.engine.data.rasters import write


@pytest.mark.parametrize(
    ("dtype", "value", "nodata", "expected"),
    [
        ("uint8", 255, 255, True),
        ("uint8", 0, 256, False),
        ("uint8", 0, -1, False),
        ("uint8", 1, 1.5, False),
        ("uint16", 0, float("nan"), False),
        ("int16", -9999, -9999.0, True),
        ("uint32", 4_294_967_295, 4_294_967_295, True),
        ("int32", 5, float("inf"), False),
        ("float32", np.nan, float("nan"), True),
        ("float32", 0, float("nan"), False),
        ("float32", 0.1, 0.1, True),
        ("float32", -3.4028235e38, -3.4028234663852886e38, True),
        ("float32", -3.4028235e38, -1.7e308, True),
        ("float32", 3.4e38, -3.4e38, False),
        ("float64", -9999.0, -9999, True),
    ],
)
def test_equals(dtype, value, nodata, expected):
    assert equals(np.array([value], dtype), nodata)[0] == expected


@pytest.mark.parametrize(
    ("dtype", "nodata"),
    [("int64", -(2**63)), ("int64", 2**63 - 1), ("int64", -(2**53) - 1), ("uint64", 2**64 - 1)],
)
def test_no_data_of_64_bits_is_known_to_the_last_one(tmp_path, dtype, nodata):
    """rasterio rounds it to a float, or tells none, and cannot write it: a virtual raster declares it."""
    values = np.full((1, 4, 6), 5, dtype)
    values[0, 0] = nodata
    write(tmp_path / "a.tif", values, names=())
    name = {"int64": "Int64", "uint64": "UInt64"}[dtype]
    (tmp_path / "a.vrt").write_text(
        f'<VRTDataset rasterXSize="6" rasterYSize="4"><VRTRasterBand dataType="{name}" band="1">'
        f"<NoDataValue>{nodata}</NoDataValue>"
        '<SimpleSource><SourceFilename relativeToVRT="1">a.tif'
        "</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    with rasterio.open(tmp_path / "a.vrt") as dataset:
        valid = Validity(dataset, [1])(dataset.read())
    assert valid.sum(axis=1).tolist() == [0, 6, 6, 6]
