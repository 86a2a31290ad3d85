"""Windows side by side from one read are those that are read one by one, to the last bit."""

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.windows import Window

from engine.benchmark.speed.scene import SAMPLE
from engine.data.source import RasterSource
from engine.infer.model_inputs import SingleDate, TwoDates
from engine.model_file import read_card
from engine.model_folders import shipped_models

# Overlapping, as deep as the raster (377 x 380) and deeper; the last one hangs over its right side too.
WINDOWS = [Window(left, 300, 128, 128) for left in (0, 96, 192, 288)]


@pytest.fixture(scope="module")
def card():
    return read_card(shipped_models() / "landcover.onnx")


@pytest.fixture(scope="module")
def holed(tmp_path_factory):
    """The sample with no-data in places, half a pixel aside when asked."""

    def make(aside=0.0):
        path = tmp_path_factory.mktemp("holed") / "holed.tif"
        with rasterio.open(SAMPLE) as sample:
            values, names = sample.read(), sample.descriptions
            profile = {**sample.profile, "nodata": 0}
            profile["transform"] = sample.transform @ Affine.translation(aside, 0)
        values[:, np.random.default_rng(0).random(values.shape[1:]) < 0.1] = 0
        with rasterio.open(path, "w", **profile) as dataset:
            dataset.write(values)
            dataset.descriptions = names
        return str(path)

    return make


def same(read):
    windows = 0
    for window, (feeds, valid) in zip(WINDOWS, read.across(WINDOWS)):
        expected, expected_valid = read(window)
        np.testing.assert_array_equal(valid, expected_valid)
        assert feeds.keys() == expected.keys()
        for name in expected:
            np.testing.assert_array_equal(feeds[name], expected[name])
        windows += 1
    return windows == len(WINDOWS)


def reads(monkeypatch):
    found = []
    own = RasterSource.read
    monkeypatch.setattr(
        RasterSource, "read", lambda self, window: found.append(window) or own(self, window)
    )
    return found


def test_one_date(card, holed, monkeypatch):
    found = reads(monkeypatch)
    with RasterSource.open(holed(), card) as source:
        read = SingleDate(source, card)
        assert len(list(read.across(WINDOWS))) == 4
        assert found == [Window(0, 300, 288 + 128, 128)]
        assert same(read)


@pytest.mark.parametrize(("aside", "in_one"), [(0.0, True), (3.0, True), (0.5, False)])
def test_two_dates(card, holed, aside, in_one, monkeypatch):
    """Resampled pixels are read window by window: another window gives others in the last bits."""
    found = reads(monkeypatch)
    with (
        RasterSource.open(holed(), card) as before,
        RasterSource.open(holed(aside), card, grid=before.grid) as after,
    ):
        read = TwoDates(before, after, card)
        assert len(list(read.across(WINDOWS))) == 4
        assert len(found) == 2 * (1 if in_one else 4)
        assert same(read)
