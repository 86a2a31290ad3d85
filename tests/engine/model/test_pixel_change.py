from __future__ import annotations

import math

import pytest
import torch

from engine.errors import InvalidParameter
from engine.model.config import SpectralGPTConfig
from engine.model.pixel_change import ChangeEvidence, PixelChange
from engine.model.registry import build_network

SMALL = SpectralGPTConfig(
    bands=9,
    image_size=64,
    dim=16,
    depth=1,
    heads=2,
    decoder_dim=16,
    decoder_depth=1,
    decoder_heads=2,
)


@pytest.fixture
def network() -> PixelChange:
    torch.manual_seed(0)
    return PixelChange(SMALL, (4, 6, 8, 10)).eval()


def pair(batch: int = 2, side: int = 64) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(1)
    before, after = (torch.randn(batch, 9, side, side, generator=random) for _ in range(2))
    return before, after, torch.ones(batch, 1, side, side)


@torch.no_grad()
def test_gives_two_logits_a_pixel_the_first_of_them_zero(network: PixelChange) -> None:
    logits = network(*pair())
    assert logits.shape == (2, 2, 64, 64)
    assert torch.equal(logits[:, 0], torch.zeros(2, 64, 64))
    assert logits[:, 1].std() > 0


@torch.no_grad()
def test_the_order_of_the_dates_does_not_matter(network: PixelChange) -> None:
    before, after, valid = pair()
    torch.testing.assert_close(network(before, after, valid), network(after, before, valid))


@torch.no_grad()
def test_what_is_invalid_has_no_influence(network: PixelChange) -> None:
    before, after, valid = pair()
    valid[..., :20, :30] = 0
    other = torch.where(valid > 0, before, torch.full_like(before, 7.0))
    torch.testing.assert_close(network(before, after, valid), network(other, after, valid))


@torch.no_grad()
def test_a_missing_group_has_no_influence(network: PixelChange) -> None:
    before, after, valid = pair()
    groups = torch.tensor([0, 2])
    other = before.clone()
    other[:, 3:6] = 5.0
    expected = network(before, after, valid, groups)
    torch.testing.assert_close(expected, network(other, after, valid, groups))
    assert not torch.allclose(expected, network(before, after, valid))


@torch.no_grad()
def test_takes_other_windows_than_it_was_made_for(network: PixelChange) -> None:
    assert network(*pair(1, 96)).shape == (1, 2, 96, 96)


@torch.no_grad()
def test_a_single_pixel_shows_at_that_pixel(network: PixelChange) -> None:
    before, _, valid = pair(1)
    after = before.clone()
    after[0, :, 20, 33] += 3.0
    moved = (network(before, after, valid) - network(before, before, valid))[0, 1].abs()
    assert divmod(int(moved.argmax()), 64) == (20, 33)


def test_evidence_of_an_even_movement() -> None:
    evidence = ChangeEvidence(3, 3)
    before, _, valid = pair(1)
    out = evidence(before, before + 2.0, valid, torch.ones(3))
    assert out.shape == (1, evidence.channels, 64, 64)
    plain, local = out[:, :16], out[:, 16:]  # three groups and all of them, at 4 and 2 scales
    torch.testing.assert_close(plain, torch.full_like(plain, math.log(3.0)))
    # The surroundings moved alike: nothing is left but the floor under the square root.
    assert local.max() < 0.002


def test_evidence_leaves_a_missing_group_out_of_the_mean() -> None:
    before, _, valid = pair(1, 32)
    move = torch.tensor([1.0, 9.0, 1.0]).repeat_interleave(3)[:, None, None]
    out = ChangeEvidence(3, 3)(before, before + move, valid, torch.tensor([1.0, 0.0, 1.0]))
    values = out[0, :4, 16, 16]
    expected = torch.tensor([math.log(2.0), math.log(1.001), math.log(2.0), math.log(2.0)])
    torch.testing.assert_close(values, expected, atol=1e-4, rtol=0)


def test_levels_that_do_not_end_at_the_token_are_refused() -> None:
    with pytest.raises(InvalidParameter, match="3 pixel levels end at stride 4"):
        PixelChange(SMALL, (4, 6, 8))


def test_a_card_describes_it_wholly(network: PixelChange) -> None:
    again = build_network(network.architecture())
    assert isinstance(again, PixelChange)
    again.load_state_dict(network.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(again.eval()(*pair()), network(*pair()))
