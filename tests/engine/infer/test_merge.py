import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rasterio.windows import Window

from engine.infer.blend import blend_weights
from engine.infer.merge import RowAccumulator
from engine.infer.windows import SlidingWindows


def merged(windows, height, width, weights, predict, classes, keep=None):
    """All rows, as the mosaic asks for them: probabilities [K, H, W] and known [H, W]."""
    accumulator = RowAccumulator(classes, height, width, weights)
    pieces = []

    def take(rows):
        pieces.extend((piece.probabilities.copy(), piece.known.copy()) for piece in rows)

    for row, top in enumerate(windows.tops):
        take(accumulator.release(top))
        for column in range(len(windows.lefts)):
            window = windows.at(row, column)
            inside = np.ones((windows.window,) * 2, bool) if keep is None else keep(window)
            accumulator.add(window, predict(window), inside)
    take(accumulator.release(height))
    return (
        np.concatenate([p for p, _ in pieces], axis=1),
        np.concatenate([known for _, known in pieces]),
    )


def test_two_windows_by_hand():
    """Windows of 4 with an overlap of 2 on a row of 6: where they share, weights .1464 and .8536 mix 0 and 1."""
    windows = SlidingWindows(4, 6, 4, 2)
    result, known = merged(
        windows, 4, 6, blend_weights(4, 2),
        lambda w: np.full((1, 4, 4), float(w.col_off > 0), np.float32), 1,
    )  # fmt: skip
    assert known.all()
    np.testing.assert_allclose(
        result[0], np.tile([0, 0, 0.1464466, 0.8535534, 1, 1], (4, 1)), atol=1e-6
    )


@given(
    st.integers(1, 40), st.integers(1, 40), st.integers(1, 12), st.integers(0, 75), st.integers(1, 3)
)  # fmt: skip
def test_blending_a_cut_up_image_gives_the_image(height, width, window, percent, classes):
    """Each window predicts its part of one image; the weighted mean of equal values is the value."""
    overlap = min(window - 1, window * percent // 100)
    image = np.random.default_rng(0).random((classes, height, width), np.float32)
    padded = np.pad(image, ((0, 0), (0, window), (0, window)))
    result, known = merged(
        SlidingWindows(height, width, window, overlap), height, width,
        blend_weights(window, overlap),
        lambda w: padded[:, w.row_off : w.row_off + window, w.col_off : w.col_off + window],
        classes,
    )  # fmt: skip
    assert result.shape == image.shape
    assert known.all()
    np.testing.assert_allclose(result, image, rtol=2e-6)


def test_pixels_that_are_not_kept_stay_unknown_and_do_not_bleed():
    valid = np.random.default_rng(1).random((30, 30)) > 0.4

    def keep(w):
        return valid[w.row_off : w.row_off + 8, w.col_off : w.col_off + 8]

    def predict(w):
        return np.where(keep(w), 0.25, 1e6).astype(np.float32)[None]

    result, known = merged(
        SlidingWindows(30, 30, 8, 4), 30, 30, blend_weights(8, 4), predict, 1, keep
    )
    np.testing.assert_array_equal(known, valid)
    np.testing.assert_allclose(result[0][valid], 0.25, rtol=1e-6)
    assert (result[0][~valid] == 0).all()


def test_rows_come_out_as_soon_as_no_later_window_touches_them():
    windows = SlidingWindows(20, 4, 4, 2)
    accumulator = RowAccumulator(1, 20, 4, blend_weights(4, 2))
    ones = np.ones((1, 4, 4), np.float32)
    heights = []
    for row, top in enumerate(windows.tops):
        heights.append(sum(rows.height for rows in accumulator.release(top)))
        accumulator.add(windows.at(row, 0), ones, np.ones((4, 4), bool))
    assert heights == [0, 2, 2, 2, 2, 2, 2, 2, 2]


def test_rows_far_above_the_first_window_are_unknown():
    accumulator = RowAccumulator(1, 100, 4, blend_weights(4, 0))
    pieces = [(rows.top, rows.height, rows.known.any()) for rows in accumulator.release(90)]
    assert sum(height for _, height, _ in pieces) == 90
    assert not any(known for _, _, known in pieces)
    assert [top for top, _, _ in pieces] == list(np.cumsum([0] + [h for _, h, _ in pieces[:-1]]))


def test_memory_depends_on_the_window_and_not_on_the_height():
    """10 classes over a Sentinel-2 scene: 128 x 10980 x (10 + 1) x 4 bytes = 62 MB."""
    weights = blend_weights(128, 32)
    assert RowAccumulator(10, 10980, 10980, weights).nbytes == 128 * 10980 * 11 * 4
    assert RowAccumulator(10, 10**7, 10980, weights).nbytes == 128 * 10980 * 11 * 4


def test_windows_must_come_in_order():
    accumulator = RowAccumulator(1, 100, 4, blend_weights(4, 0))
    list(accumulator.release(8))
    with pytest.raises(ValueError, match="row 4"):
        accumulator.add(Window(0, 4, 4, 4), np.ones((1, 4, 4), np.float32), np.ones((4, 4), bool))
