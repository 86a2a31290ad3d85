"""What the head computes on a GPU is what the published one computes; shown in float32 on the processor."""

import pytest
import torch

from engine.gpu.fast_head import FastHead, use_fast_head
from engine.model.change import ChangeNetwork
from engine.model.config import SpectralGPTConfig
from engine.model.segmentation import SegmentationNetwork

CONFIG = SpectralGPTConfig(bands=6, image_size=48, dim=16, depth=1, heads=2, decoder_dim=16)


def unlike(network):
    """The network with weights that are all different: fresh ones hide a swapped bias or norm."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for value in network.parameters():
            value.add_(0.3 * torch.randn(value.shape, generator=generator))
    return network.eval().requires_grad_(False)


@pytest.mark.parametrize("rows, columns", [(6, 6), (2, 2), (3, 7)])
def test_it_decodes_as_the_network_does(rows, columns):
    network = unlike(SegmentationNetwork(CONFIG, 3, width=32))
    tokens = torch.randn(2, 16, rows, columns, generator=torch.Generator().manual_seed(1))
    expected = network.decode(tokens)  # [2, 3, 8 * rows, 8 * columns]
    assert expected.std() > 0.1
    torch.testing.assert_close(FastHead(network)(tokens), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    "network, dates",
    [(SegmentationNetwork(CONFIG, 3, width=16), 1), (ChangeNetwork(CONFIG, width=16), 2)],
)
def test_a_network_uses_it(network, dates):
    network = unlike(network)
    images = torch.randn(dates, 2, 6, 48, 48, generator=torch.Generator().manual_seed(1))
    expected, names = network(*images), set(network.state_dict())
    use_fast_head(network)
    assert isinstance(network.decode, FastHead)
    torch.testing.assert_close(network(*images), expected, atol=1e-4, rtol=1e-4)
    assert set(network.state_dict()) == names  # what a checkpoint holds stays the same
