"""The sample that ships is what its README says."""

from pathlib import Path

import numpy as np
import pytest

from engine.data.source import RasterSource
from tests.engine.data.rasters import CARD

SAMPLE = Path(__file__).parents[3] / "resources" / "sample"


@pytest.mark.parametrize("date", ["2020-02-02", "2020-06-21"])
def test_sample_serves_our_models_by_itself(date):
    with RasterSource.open(str(SAMPLE / f"boadella_{date}.tif"), CARD) as source:
        assert source.match.indexes == (2, 3, 4, 5, 6, 7, 8, 11, 12)
        assert source.scaling.text == "int16 values / 10000"
        assert source.warnings == ()
        assert source.grid.shape == (377, 380)
        image, valid = source.read(source.grid.window)
        area = source.grid.pixel_area(source.grid.window).sum()
    assert valid.all()
    assert 0.1 < np.median(image[6]) < 0.4  # near infrared of a green valley
    assert area == pytest.approx(14.26e6, rel=0.01)  # 3.78 km x 3.77 km, squared metres


def test_sample_carries_its_licence():
    text = (SAMPLE / "LICENSE.txt").read_text(encoding="utf-8")
    assert "MIT License" in text and "modified Copernicus Sentinel data 2020" in text
    assert sum(path.stat().st_size for path in SAMPLE.iterdir()) < 3e6
