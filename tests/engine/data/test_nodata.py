"""No-data values on their way through file types."""

import numpy as np
import pytest

from engine.data.nodata import equals


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
