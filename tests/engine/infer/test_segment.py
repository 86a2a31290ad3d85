
import numpy as np
import pytest
import rasterio

from engine.infer.segment import segment
from engine.jobs import SegmentJob

RNG = np.random.default_rng(5)
IMAGE = RNG.random((3, 70, 53), np.float32)


def read(path):
    with rasterio.open(path) as dataset:
        return dataset.read(1)


@pytest.mark.parametrize("overlap", [0, 25, 75])
@pytest.mark.parametrize("window", [8, 16, 64, 128])
def test_the_map_is_the_brightest_band_whatever_the_windows(
    segmenter, make_raster, folder, recorder, brightest, softmax, window, overlap
):
    output, confidence = folder / "map.tif", folder / "confidence.tif"
    job = SegmentJob(
        input=make_raster(IMAGE), model=segmenter(window=window), output=str(output),
        confidence=str(confidence), overlap=overlap, device="cpu", threads=1,
    )  # fmt: skip
    segment(job, recorder())
    np.testing.assert_array_equal(read(output), brightest(IMAGE))
    expected = softmax(IMAGE).max(axis=0) * 100
    assert np.abs(read(confidence) - expected).max() <= 0.5 + 1e-3
