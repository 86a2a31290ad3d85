"""The transformer's parts."""

import math

import pytest
import torch

from engine.model.layers import Attention, Block, DropPath, SpectralPatchEmbed, initialise


def test_attention_is_softmax_of_scaled_products():
    torch.manual_seed(0)
    attention = Attention(8, 2)
    tokens = torch.randn(3, 5, 8)
    q, k, v = (layer(tokens) for layer in (attention.q, attention.k, attention.v))
    heads = [
        torch.softmax(q[..., part] @ k[..., part].transpose(1, 2) / math.sqrt(4), -1) @ v[..., part]
        for part in (slice(0, 4), slice(4, 8))
    ]
    torch.testing.assert_close(attention(tokens), attention.proj(torch.cat(heads, -1)))


def test_drop_path_drops_whole_samples_and_keeps_the_mean():
    torch.manual_seed(0)
    drop = DropPath(0.25)
    out = drop(torch.ones(4000, 3))
    assert sorted(set(out.flatten().tolist())) == pytest.approx([0, 1 / 0.75])
    assert (out == out[:, :1]).all()
    assert out.mean().item() == pytest.approx(1, abs=0.05)
    assert torch.equal(drop.eval()(torch.ones(4, 3)), torch.ones(4, 3))


def test_block_adds_to_its_input():
    block = Block(8, 2, 4, 1e-6)
    torch.nn.init.zeros_(block.attn.proj.weight)
    torch.nn.init.zeros_(block.mlp.fc2.weight)
    torch.nn.init.zeros_(block.attn.proj.bias)
    torch.nn.init.zeros_(block.mlp.fc2.bias)
    tokens = torch.randn(2, 3, 8)
    assert torch.equal(block(tokens), tokens)


def test_tokens_come_group_by_group_and_row_by_row():
    """With weights of one, a token is the sum of its 2 x 2 x 2 values: 8 times its constant."""
    embed = SpectralPatchEmbed(spectral_patch=2, patch=2, dim=1)
    torch.nn.init.ones_(embed.proj.weight)
    torch.nn.init.zeros_(embed.proj.bias)
    rows, columns = 3, 2
    number = torch.arange(2.0 * rows * columns).reshape(1, 2, rows, columns)
    image = number.repeat_interleave(2, 1).repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert image.shape == (1, 4, 6, 4)
    tokens = embed(image)
    assert tokens.shape == (1, 2, 6, 1)
    assert torch.equal(tokens.flatten(), 8 * torch.arange(12.0))
    assert torch.equal(embed(image, torch.tensor([1])).flatten(), 8 * torch.arange(6.0, 12.0))


def test_convolution_starts_as_one_matrix():
    """Xavier over [dim, 3 * 8 * 8]: the bound is sqrt(6 / (dim + 192))."""
    embed = SpectralPatchEmbed(3, 8, 64)
    embed.apply(initialise)
    bound = math.sqrt(6 / (64 + 192))
    largest = embed.proj.weight.abs().max().item()
    assert 0.98 * bound < largest <= bound
    assert not embed.proj.bias.any()


def test_tokens_are_cut_as_the_convolution_does():
    """On a GPU the projection is a product over each token's values."""
    embed, image = SpectralPatchEmbed(3, 8, 32), torch.randn(2, 6, 16, 24)
    cut = embed._cut(image.reshape(2, 2, 3, 16, 24))  # [2, 2, 6, 192]
    product = cut @ embed.proj.weight.flatten(1).T + embed.proj.bias
    torch.testing.assert_close(product, embed(image))
