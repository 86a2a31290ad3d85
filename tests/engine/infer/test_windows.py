import pytest
from hypothesis import given
from hypothesis import strategies as st
from rasterio.windows import Window

from engine.errors import InvalidParameter
from engine.infer.windows import SlidingWindows, overlap_pixels

TABLE = [
    # height, width, window, overlap, tops, lefts
    (4, 8, 4, 0, [0], [0, 4]),
    (4, 9, 4, 0, [0], [0, 4, 5]),  # the last one is shifted inward
    (10, 10, 4, 2, [0, 2, 4, 6], [0, 2, 4, 6]),
    (3, 2, 4, 1, [0], [0]),  # smaller than a window
    (128, 129, 128, 32, [0], [0, 1]),
]


@pytest.mark.parametrize(("height", "width", "window", "overlap", "tops", "lefts"), TABLE)
def test_starts_can_be_counted_by_hand(height, width, window, overlap, tops, lefts):
    windows = SlidingWindows(height, width, window, overlap)
    assert list(windows.tops) == tops
    assert list(windows.lefts) == lefts
    assert list(windows) == [Window(left, top, window, window) for top in tops for left in lefts]


def test_a_sentinel_2_scene_at_a_quarter_overlap():
    """Step 96: (10980 - 128) / 96 = 113.04, so 114 steps and 115 windows a side."""
    assert len(SlidingWindows(10980, 10980, 128, 32)) == 115 * 115


def test_it_is_a_sequence():
    windows = SlidingWindows(10, 10, 4, 0)
    assert windows[-1] == windows[len(windows) - 1] == Window(6, 6, 4, 4)
    assert windows[0:2] == [Window(0, 0, 4, 4), Window(4, 0, 4, 4)]
    with pytest.raises(IndexError):
        windows[9]


@pytest.mark.parametrize(("percent", "pixels"), [(0, 0), (25, 32), (50, 64), (75, 96)])
def test_overlap_of_128_pixels(percent, pixels):
    assert overlap_pixels(128, percent) == pixels


def test_overlap_always_leaves_a_step():
    assert overlap_pixels(1, 75) == 0
    assert overlap_pixels(2, 75) == 1


@pytest.mark.parametrize("sizes", [(0, 5, 4, 0), (5, 5, 4, 4), (5, 5, 4, -1)])
def test_impossible_sizes_are_refused(sizes):
    with pytest.raises(InvalidParameter, match="impossible"):
        SlidingWindows(*sizes)


@st.composite
def grids(draw):
    window = draw(st.integers(1, 12))
    return (
        draw(st.integers(1, 60)),
        draw(st.integers(1, 60)),
        window,
        draw(st.integers(0, window - 1)),
    )


@given(grids())
def test_windows_cover_every_pixel_and_never_leave_a_raster_that_holds_them(sizes):
    height, width, window, _ = sizes
    windows = SlidingWindows(*sizes)
    for starts, size in ((windows.tops, height), (windows.lefts, width)):
        covered = {pixel for start in starts for pixel in range(start, start + window)}
        assert covered >= set(range(size))
        assert all(0 <= start <= max(0, size - window) for start in starts)
        assert list(starts) == sorted(set(starts))


@given(grids(), st.data())
def test_touching_finds_exactly_the_windows_that_share_a_pixel(sizes, data):
    height, width, window, _ = sizes
    top, left = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    bottom, right = data.draw(st.integers(top + 1, height)), data.draw(st.integers(left + 1, width))
    windows = SlidingWindows(*sizes)
    rows, columns = windows.touching(Window(left, top, right - left, bottom - top))
    found = {
        (windows.at(row, column).row_off, windows.at(row, column).col_off)
        for row in rows
        for column in columns
    }
    expected = {
        (w.row_off, w.col_off)
        for w in windows
        if w.row_off < bottom
        and w.row_off + window > top
        and w.col_off < right
        and w.col_off + window > left
    }
    assert found == expected
