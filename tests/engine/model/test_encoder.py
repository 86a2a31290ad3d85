"""The encoder on any window, any number of bands, and with groups left out."""

import pytest
import torch

from engine.errors import CheckpointMismatch, InvalidParameter
from engine.model.config import SpectralGPTConfig
from engine.model.encoder import SpectralEncoder
from engine.model.masked_autoencoder import MaskedAutoencoder


def config(**changes):
    sizes = {"bands": 9, "image_size": 32, "dim": 16, "depth": 2, "heads": 2}
    return SpectralGPTConfig(**{**sizes, "decoder_dim": 16, "decoder_depth": 1, **changes})


@pytest.mark.parametrize("bands, spectral_patch", [(3, 3), (9, 3), (12, 3), (10, 2), (7, 1)])
@pytest.mark.parametrize("height, width", [(32, 32), (24, 56)])
def test_any_bands_and_any_window(bands, spectral_patch, height, width):
    encoder = SpectralEncoder(config(bands=bands, spectral_patch=spectral_patch))
    tokens = encoder(torch.rand(2, bands, height, width))
    assert tokens.shape == (2, bands // spectral_patch, height * width // 64, 16)
    assert tokens.isfinite().all()


def test_a_group_left_out_has_no_influence():
    torch.manual_seed(0)
    encoder = SpectralEncoder(config()).eval()
    image = torch.rand(1, 9, 32, 32)
    other = image.clone()
    other[:, 3:6] = torch.rand(1, 3, 32, 32)
    present = torch.tensor([0, 2])
    tokens = encoder(image, present)
    assert tokens.shape == (1, 2, 16, 16)
    assert torch.equal(tokens, encoder(other, present))
    assert not torch.equal(encoder(image), encoder(other))


def test_naming_all_groups_changes_nothing():
    torch.manual_seed(0)
    encoder = SpectralEncoder(config()).eval()
    image = torch.rand(1, 9, 32, 32)
    assert torch.equal(encoder(image), encoder(image, torch.arange(3)))


def test_groups_keep_their_own_position():
    """The third group is the same token whether the second is there or not."""
    encoder = SpectralEncoder(config()).eval()
    image = torch.rand(1, 9, 32, 32)
    tokens, positions = encoder.embed(image)
    some, their = encoder.embed(image, torch.tensor([0, 2]))
    assert torch.equal(some, tokens[:, [0, 2]])
    assert torch.equal(their, positions[:, [0, 2]])


def test_wrong_number_of_bands_is_refused():
    with pytest.raises(InvalidParameter, match=r"\[batch, 9, height, width\], but got \[1, 8, 32"):
        SpectralEncoder(config())(torch.rand(1, 8, 32, 32))


def test_window_that_is_no_multiple_of_the_patch_is_refused():
    with pytest.raises(InvalidParameter, match="nearest valid size is 32 x 40"):
        SpectralEncoder(config())(torch.rand(1, 9, 30, 37))


def test_drop_path_rises_to_its_rate():
    blocks = SpectralEncoder(config(depth=3, drop_path=0.2)).blocks
    assert [block.drop_path.rate for block in blocks] == pytest.approx([0, 0.1, 0.2])


def test_backbone_of_another_window_is_interpolated():
    torch.manual_seed(0)
    pretrained = MaskedAutoencoder(config(image_size=24))
    encoder = SpectralEncoder(config(image_size=32))
    encoder.load_backbone(pretrained.state_dict())
    assert torch.equal(encoder.blocks[1].mlp.fc1.weight, pretrained.blocks[1].mlp.fc1.weight)
    assert torch.equal(encoder.pos_embed_temporal, pretrained.pos_embed_temporal)
    image = torch.rand(1, 9, 32, 32)
    torch.testing.assert_close(encoder.eval()(image), pretrained.eval().encode(image))


def test_backbone_that_does_not_fit_is_refused():
    pretrained = MaskedAutoencoder(config(depth=1)).state_dict()
    with pytest.raises(CheckpointMismatch, match=r"16 of 38 .*blocks\.1\."):
        SpectralEncoder(config()).load_backbone(pretrained)
    with pytest.raises(CheckpointMismatch, match="pos_embed_temporal"):
        SpectralEncoder(config(bands=12)).load_backbone(MaskedAutoencoder(config()).state_dict())
