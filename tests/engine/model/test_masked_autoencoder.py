"""Patchify, masking, and passes of the masked autoencoder."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import InvalidParameter
from engine.model.config import SpectralGPTConfig
from engine.model.losses import LOSSES
from engine.model.masked_autoencoder import MaskedAutoencoder


def network(**changes):
    sizes = {"bands": 9, "image_size": 32, "dim": 16, "depth": 2, "heads": 2}
    return MaskedAutoencoder(
        SpectralGPTConfig(**{**sizes, "decoder_dim": 16, "decoder_depth": 1, **changes})
    )


def test_token_values_are_ordered_band_row_column():
    small = network(bands=4, spectral_patch=2, patch=2, image_size=4)
    image = torch.arange(4.0 * 4 * 4).reshape(1, 4, 4, 4)
    tokens = small.patchify(image)
    assert tokens.shape == (1, 2, 4, 8)
    assert tokens[0, 0, 1].tolist() == [2, 3, 6, 7, 18, 19, 22, 23]  # bands 0 and 1, upper right
    assert tokens[0, 1, 0].tolist() == [32, 33, 36, 37, 48, 49, 52, 53]  # bands 2 and 3, upper left


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 4), st.integers(1, 5), st.sampled_from([(3, 3), (9, 3), (12, 3), (10, 2)]))
def test_unpatchify_undoes_patchify(rows, columns, bands):
    count, spectral_patch = bands
    model = network(bands=count, spectral_patch=spectral_patch)
    image = torch.rand(2, count, 8 * rows, 8 * columns)
    tokens = model.patchify(image)
    assert torch.equal(model.unpatchify(tokens, 8 * rows, 8 * columns), image)
    assert torch.equal(model.unpatchify(tokens.flatten(1, 2), 8 * rows, 8 * columns), image)


@pytest.mark.parametrize("tokens, visible", [(576, 57), (1024, 102), (10, 1)])
def test_ninety_percent_are_hidden_rounded_as_published(tokens, visible):
    masking = network().random_masking(torch.rand(3, tokens), 0.90 if tokens > 10 else 0.89)
    assert masking.kept.shape == (3, visible)
    assert masking.hidden.sum(1).tolist() == [tokens - visible] * 3


def test_lowest_noise_stays_visible():
    noise = torch.tensor([[0.5, 0.1, 0.9, 0.3]])
    masking = network().random_masking(noise, 0.5)
    assert masking.kept.tolist() == [[1, 3]]
    assert masking.hidden.tolist() == [[1, 0, 1, 0]]
    # Token i of the whole is number restore[i] of (kept, hidden).
    assert masking.restore.tolist() == [[2, 0, 3, 1]]


@pytest.mark.parametrize("ratio", [0.0, 0.99, 1.0])
def test_masking_everything_or_nothing_is_refused(ratio):
    with pytest.raises(InvalidParameter, match="tokens visible"):
        network().random_masking(torch.rand(1, 20), ratio)


def test_hidden_tokens_are_not_seen():
    torch.manual_seed(0)
    model = network().eval()
    noise = torch.rand(1, 48)
    image = torch.rand(1, 9, 32, 32)
    hidden = model(image, noise=noise, mask_ratio=0.75).hidden
    spoilt = model.unpatchify(
        torch.where(hidden[..., None] > 0, 7.0, model.patchify(image).flatten(1, 2)), 32, 32
    )
    first, second = (model(x, noise=noise, mask_ratio=0.75) for x in (image, spoilt))
    assert torch.equal(first.prediction, second.prediction)
    assert first.loss < second.loss


@pytest.mark.parametrize("bands, spectral_patch", [(3, 3), (9, 3), (12, 3), (10, 2)])
@pytest.mark.parametrize("name", LOSSES)
def test_any_bands_and_a_window_that_is_not_square(bands, spectral_patch, name):
    model = network(bands=bands, spectral_patch=spectral_patch)
    model.loss = LOSSES[name]
    out = model(torch.rand(2, bands, 24, 56))
    tokens = bands // spectral_patch * 3 * 7
    assert out.prediction.shape == (2, tokens, spectral_patch * 64)
    assert out.hidden.shape == (2, tokens)
    out.loss.backward()
    assert all(weight.grad is not None for weight in model.parameters())


def test_groups_left_out_are_neither_seen_nor_predicted():
    torch.manual_seed(0)
    model = network().eval()
    image, noise, groups = torch.rand(1, 9, 32, 32), torch.rand(1, 32), torch.tensor([0, 2])
    other = image.clone()
    other[:, 3:6] = torch.nan
    first = model(image, groups=groups, noise=noise)
    second = model(other, groups=groups, noise=noise)
    assert first.prediction.shape == (1, 32, 192)
    assert torch.equal(first.prediction, second.prediction)
    assert first.loss.item() == second.loss.item()


def test_validity_by_pixel_or_by_band():
    torch.manual_seed(0)
    model = network().eval()
    image, noise = torch.rand(1, 9, 32, 32), torch.rand(1, 48)
    valid = torch.ones(1, 1, 32, 32)
    valid[..., :5, :] = 0
    by_pixel = model(image, valid=valid, noise=noise)
    by_band = model(image, valid=valid.expand(-1, 9, -1, -1).bool(), noise=noise)
    everything = model(image, noise=noise)
    assert by_pixel.loss.item() == by_band.loss.item() != everything.loss.item()


def test_terms_add_up_to_the_loss():
    torch.manual_seed(0)
    model = network()
    model.loss = LOSSES["experiment"]
    out = model(torch.rand(1, 9, 32, 32))
    token, spectral, spatial = (out.terms[key] for key in ("token", "spectral", "spatial"))
    torch.testing.assert_close(out.loss, token + 0.5 * spectral + 0.5 * spatial)
