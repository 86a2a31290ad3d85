"""Positions: identity at the native size, sensible at any other."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import InvalidParameter
from engine.model.position import resize_spatial, token_grid, token_positions


def test_native_size_is_exactly_the_identity():
    embedding = torch.randn(1, 144, 4)
    assert resize_spatial(embedding, (12, 12), (12, 12)) is embedding


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 40))
def test_any_grid_has_one_position_a_token(rows, columns):
    resized = resize_spatial(torch.full((1, 16, 3), 0.7), (4, 4), (rows, columns))
    assert resized.shape == (1, rows * columns, 3)
    # What is the same everywhere stays so: bicubic weights add up to one.
    torch.testing.assert_close(resized, torch.full_like(resized, 0.7))


def test_rows_and_columns_are_not_mixed_up():
    """An embedding that tells the row still tells the row, and not the column, when stretched."""
    row = torch.arange(4.0)[:, None].expand(4, 4).reshape(1, 16, 1)
    resized = resize_spatial(row, (4, 4), (8, 2)).reshape(8, 2)
    assert torch.equal(resized[:, 0], resized[:, 1])
    assert (resized[1:, 0] > resized[:-1, 0]).all()


def test_twelve_to_sixteen_follows_a_smooth_map():
    """Half a period of a cosine over the window, sampled at token centres, before and after."""

    def wave(side):
        centres = (torch.arange(side) + 0.5) / side
        return torch.cos(centres * torch.pi)[:, None].expand(side, side).reshape(1, -1, 1)

    inside = slice(2 * 16, 14 * 16)  # the border has nothing to interpolate from on one side
    resized = resize_spatial(wave(12), (12, 12), (16, 16))
    assert (resized - wave(16))[0, inside].abs().max() < 0.02


def test_position_is_the_sum_of_place_and_group():
    spatial, spectral = torch.arange(4.0).reshape(1, 4, 1), 10 * torch.arange(3.0).reshape(1, 3, 1)
    full = token_positions(spatial, spectral, (2, 2), (2, 2))
    expected = [[0, 1, 2, 3], [10, 11, 12, 13], [20, 21, 22, 23]]
    assert full[0, :, :, 0].tolist() == expected
    some = token_positions(spatial, spectral, (2, 2), (2, 2), torch.tensor([0, 2]))
    assert some[0, :, :, 0].tolist() == [expected[0], expected[2]]


@pytest.mark.parametrize(
    "height, width, nearest",
    [(100, 128, "96 x 128"), (128, 101, "128 x 104"), (3, 8, "8 x 8"), (0, 16, "8 x 16")],
)
def test_impossible_window_names_the_nearest_possible(height, width, nearest):
    with pytest.raises(InvalidParameter, match=f"{height} x {width} .* {nearest}"):
        token_grid(height, width, 8)


def test_grid_of_a_window_that_is_not_square():
    assert token_grid(64, 40, 8) == (8, 5)
