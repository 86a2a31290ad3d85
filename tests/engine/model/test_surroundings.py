from __future__ import annotations

import torch

from engine.model.surroundings import SPREADS, Surroundings


def made(features: int = 3) -> Surroundings:
    torch.manual_seed(0)
    return Surroundings(features).eval()


@torch.no_grad()
def test_the_regressions_odds_count_as_much_and_are_spread_as_widely() -> None:
    """(own + 3 * plain) / 2: a plain of 4 in place of 2 adds 3 * 2 / 2 = 3."""
    network, fine = made(), torch.randn(1, 3, 40, 40)
    network.share.fill_(3.0)
    plain = torch.full((1, 1, 40, 40), 2.0)
    torch.testing.assert_close(network(fine, 2 * plain) - network(fine, plain), 1.5 * plain)
    torch.testing.assert_close(network(fine, 0 * plain), network.odds(fine) / 2)


@torch.no_grad()
def test_sees_so_far_and_no_further() -> None:
    """3 x 3 kernels spread by 1, 2, 4 and 8 reach 1 + 2 + 4 + 8 = 15 pixels; norms see the whole window."""
    network = made()
    for step in network.steps:
        step.norm = torch.nn.Identity()
    fine = torch.zeros(1, 3, 64, 64)
    other = fine.clone()
    other[:, :, 32, 32] = 2.0
    changed = (network.odds(other) - network.odds(fine))[0, 0].abs() > 1e-7
    rows = torch.nonzero(changed.any(1))[:, 0]
    assert sum(SPREADS) == 15
    assert (rows.min(), rows.max()) == (32 - 15, 32 + 15)


@torch.no_grad()
def test_measurements_are_standardised_and_none_decides_alone() -> None:
    """Beyond four deviations of 2 from the mean of 5, that is from 13 on, nothing more is said."""
    network = made()
    network.mean.fill_(5.0)
    network.scale.fill_(2.0)
    far, further = torch.full((1, 3, 16, 16), 13.0), torch.full((1, 3, 16, 16), 1000.0)
    torch.testing.assert_close(network.odds(far), network.odds(further))
