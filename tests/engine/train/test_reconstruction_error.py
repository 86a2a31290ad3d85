import torch

from engine.model.config import SpectralGPTConfig
from engine.model.losses import ReconstructionLoss
from engine.model.masked_autoencoder import MaskedAutoencoder
from engine.train.reconstruction_error import reconstruction_error


def make():
    torch.manual_seed(0)
    sizes = {"dim": 16, "depth": 2, "heads": 2, "decoder_dim": 16, "decoder_depth": 1}
    config = SpectralGPTConfig(bands=6, image_size=32, patch=8, decoder_heads=2, **sizes)
    return MaskedAutoencoder(config, ReconstructionLoss(spectral=0.0))


def test_reconstruction_error_of_flat_images():
    """Every band is flat: interpolation and mean are exact, an untrained network is not."""
    levels = torch.rand(3, 6, 1, 1)
    image = levels.expand(3, 6, 32, 32).contiguous()
    error = reconstruction_error(make(), image, torch.ones(3, 1, 32, 32), mask_ratio=0.5)
    assert error.interpolation < 1e-8
    assert error.mean < 1e-8
    assert error.model > 1e-3


def test_interpolation_takes_the_near_over_the_far():
    """A ramp is better told from its neighbours than from the mean over the window."""
    ramp = torch.linspace(-1, 1, 64).expand(1, 6, 64, 64).contiguous()
    error = reconstruction_error(make(), ramp, torch.ones(1, 1, 64, 64), mask_ratio=0.5)
    assert error.interpolation < 0.5 * error.mean


def test_reconstruction_error_leaves_out_no_data():
    """Half of the image is rubbish but invalid: the figures are those of the flat half."""
    image, valid = torch.zeros(2, 6, 32, 32), torch.ones(2, 1, 32, 32)
    image[..., 16:], valid[..., 16:] = 50.0, 0.0
    network = make()
    with torch.no_grad():
        network.decoder_pred.weight.zero_()
        network.decoder_pred.bias.zero_()
    assert reconstruction_error(network, image, valid, mask_ratio=0.5).model == 0.0


def test_a_missing_group_is_neither_shown_nor_judged():
    """The second group is rubbish, and the figures are those of the first alone."""
    network = make()
    image = torch.rand(2, 6, 32, 32)
    other = image.clone()
    other[:, 3:] = 99.0
    groups, valid = torch.tensor([0]), torch.ones(2, 1, 32, 32)
    one, two = (
        reconstruction_error(network, each, valid, mask_ratio=0.5, groups=groups)
        for each in (image, other)
    )
    assert one == two
