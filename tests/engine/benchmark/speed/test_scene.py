import numpy as np
import rasterio
from hypothesis import given
from hypothesis import strategies as st

from engine.benchmark.speed.scene import SAMPLE, make_scene, mirrored


def test_places_fold_at_both_ends():
    assert mirrored(range(0, 8), 3).tolist() == [0, 1, 2, 2, 1, 0, 0, 1]
    assert mirrored(range(5, 8), 3).tolist() == [0, 0, 1]


@given(st.integers(0, 10_000), st.integers(1, 50), st.integers(1, 400))
def test_neighbours_stay_neighbours(start, count, size):
    places = mirrored(range(start, start + count), size)
    assert places.min() >= 0 and places.max() < size
    assert (np.abs(np.diff(places)) <= 1).all()


def test_the_scene_is_the_sample_over_and_over(tmp_path):
    path = tmp_path / "scene.tif"
    make_scene(path, 400, 600)  # the sample has 377 x 380 pixels
    with rasterio.open(path) as scene, rasterio.open(SAMPLE) as sample:
        assert (scene.count, scene.shape, scene.dtypes[0]) == (sample.count, (400, 600), "uint16")
        assert scene.descriptions == sample.descriptions
        values, first = scene.read(4), sample.read(4).clip(1)
    np.testing.assert_array_equal(values[:377, :380], first)
    np.testing.assert_array_equal(values[377:400, :380], first[:-24:-1])  # mirrored below
    assert values.min() >= 1  # 0 is no-data
