import numpy as np
from affine import Affine
from rasterio.crs import CRS
from rasterio.windows import Window

from engine.data.grid import Grid
from engine.infer.scores import ScoreFile
from engine.infer.threshold import BINS


def test_scores_come_back_in_any_order_with_their_histogram(tmp_path):
    grid = Grid(CRS.from_epsg(32631), Affine(10, 0, 0, 0, -10, 0), 7, 25)
    values = np.random.default_rng(0).random((25, 7), np.float32)
    values[3, 3], values[4, 4] = 0, 1
    known = values > 0.2
    known[3, 3] = True
    with ScoreFile(tmp_path / "scores", grid) as scores:
        expected = np.where(known, values, np.float32(-1))
        for top in range(0, 25, 4):
            scores.write(expected[top : top + 4])
        np.testing.assert_array_equal(scores.read(Window(0, 10, 7, 5)), expected[10:15])
        strips = [strip for _, strip in scores.strips(8)]
        np.testing.assert_array_equal(np.concatenate(strips), expected)
    assert scores.histogram.sum() == known.sum()
    assert scores.histogram[0] == 1 and scores.histogram[BINS - 1] >= 1
