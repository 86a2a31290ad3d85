"""Normalisation inside the graph, by hand."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cards import Normalisation
from engine.errors import ModelInvalid
from engine.model.normalise import normalisation

IMAGE = torch.tensor([[[[1.0, 2.0], [3.0, 9.0]], [[5.0, 5.0], [5.0, 7.0]]]])  # [1, 2, 2, 2]
VALID = torch.tensor([[[[1.0, 1.0], [1.0, 0.0]]]])  # the last pixel is no-data


def test_statistics():
    module = normalisation(Normalisation("statistics", (1.0, 5.0), (2.0, 4.0)), 2)
    out = module(IMAGE, VALID)
    assert out.tolist() == [[[[0, 0.5], [1, 0]], [[0, 0], [0, 0]]]]


def test_minmax_is_of_the_valid_pixels_of_each_band():
    out = normalisation(Normalisation("tile-minmax"), 2)(IMAGE, VALID)
    assert out[0, 0].tolist() == [[0, 0.5], [1, 0]]  # 1..3; the 9 is not seen
    assert out[0, 1].tolist() == [[0, 0], [0, 0]]  # constant where valid: 0, not NaN


def test_minmax_is_of_each_sample():
    pair = torch.stack([IMAGE[0], 10 * IMAGE[0]])
    out = normalisation(Normalisation("tile-minmax"), 2)(pair, VALID.expand(2, -1, -1, -1))
    torch.testing.assert_close(out[0], out[1])


@pytest.mark.parametrize("kind", ["tile-minmax", "none", "scene-statistics"])
def test_a_window_without_valid_pixels_becomes_zero(kind):
    out = normalisation(Normalisation(kind), 2)(IMAGE, torch.zeros_like(VALID))
    assert torch.equal(out, torch.zeros_like(IMAGE))


@pytest.mark.parametrize("kind", ["none", "scene-statistics"])
def test_unchanged_where_valid(kind):
    out = normalisation(Normalisation(kind), 2)(IMAGE, VALID)
    assert torch.equal(out, IMAGE * VALID)


@pytest.mark.parametrize("kind", ["statistics", "tile-minmax", "none"])
def test_what_stands_under_no_data_never_matters(kind):
    statistics = ((1.0, 5.0), (2.0, 4.0)) if kind == "statistics" else ()
    module = normalisation(Normalisation(kind, *statistics), 2)
    spoilt = torch.where(VALID > 0, IMAGE, torch.nan)
    assert torch.equal(module(IMAGE, VALID), module(spoilt, VALID))


@settings(deadline=None)
@given(st.floats(1e-4, 1e4), st.floats(-0.5, 0.5))
def test_minmax_does_not_depend_on_unit_or_offset(factor, offset):
    torch.manual_seed(0)
    module = normalisation(Normalisation("tile-minmax"), 2)
    image, valid = torch.rand(1, 2, 8, 8), torch.ones(1, 1, 8, 8)
    torch.testing.assert_close(
        module(image, valid), module((image + offset) * factor, valid), atol=1e-5, rtol=0
    )


@pytest.mark.parametrize(
    "kind",
    [
        Normalisation("statistics", (1.0,), (1.0,)),
        Normalisation("statistics", (1.0, 1.0), (1.0, 0.0)),
        Normalisation("zscore"),
    ],
)
def test_cards_that_contradict_themselves_are_refused(kind):
    with pytest.raises(ModelInvalid):
        normalisation(kind, 2)
