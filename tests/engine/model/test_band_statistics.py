from __future__ import annotations

import torch

from engine.model.band_statistics import BandStatistics


def test_widths_are_what_comes_out_and_the_mean_comes_first():
    statistics = BandStatistics(3)
    image = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    (found,) = statistics(image)
    assert found.shape == (2, statistics.widths["bands"])
    assert torch.allclose(found[:, :3], image.mean((2, 3)))
    assert torch.allclose(found[:, 3:6], image.std((2, 3), correction=0), atol=1e-4)


def test_a_flat_band_has_no_gradients():
    (found,) = BandStatistics(1)(torch.full((1, 1, 32, 32), 5.0))
    assert torch.allclose(found[0, -3:], torch.tensor(1e-4).log())
