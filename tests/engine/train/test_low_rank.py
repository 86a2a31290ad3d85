"""Adapters: at first nothing changes, few weights learn, and merged they give the same output."""

import torch

from engine.model.encoder import SpectralEncoder
from engine.train.low_rank import SCALE, LowRank, add_adapters, merge_adapters
from tests.engine.train.land import CONFIG

IMAGE = torch.rand(2, 9, 32, 32, generator=torch.Generator().manual_seed(0))


def encoder():
    torch.manual_seed(1)
    return SpectralEncoder(CONFIG).eval()


def test_the_update_is_a_product_of_thin_matrices():
    adapter = LowRank(3, 4, rank=2)
    weight = torch.rand(3, 4)
    torch.testing.assert_close(adapter(weight), weight)  # starts at zero
    with torch.no_grad():
        adapter.up.fill_(1)
    expected = weight + SCALE * adapter.down.sum(0)  # every row gets the sum of both thin rows
    torch.testing.assert_close(adapter(weight), expected)


def test_adding_them_changes_nothing_and_only_they_learn():
    made = encoder()
    before = made(IMAGE)
    count = add_adapters(made, rank=2)
    torch.testing.assert_close(made(IMAGE), before)
    learning = {name: v for name, v in made.named_parameters() if v.requires_grad}
    # Queries and values of one block: 2 x (16 x 2 + 2 x 16).
    assert count == sum(value.numel() for value in learning.values()) == 128
    assert all(".parametrizations.weight.0." in name for name in learning)


def test_merged_they_give_the_same_output_and_the_published_names():
    made = encoder()
    names = list(made.state_dict())
    add_adapters(made, rank=2)
    with torch.no_grad():
        for value in made.parameters():
            if value.requires_grad:
                value.add_(torch.randn(value.shape, generator=torch.Generator().manual_seed(5)))
    with_adapters = made(IMAGE)
    assert not torch.allclose(with_adapters, encoder()(IMAGE), atol=1e-3)
    merge_adapters(made)
    torch.testing.assert_close(made(IMAGE), with_adapters)
    assert sorted(made.state_dict()) == sorted(names)
    assert all(value.requires_grad for value in made.parameters())
    other = encoder()
    other.load_state_dict(made.state_dict())
    torch.testing.assert_close(other(IMAGE), with_adapters)


def test_what_has_none_is_left_alone():
    made = encoder()
    merge_adapters(made)
    torch.testing.assert_close(made(IMAGE), encoder()(IMAGE))
