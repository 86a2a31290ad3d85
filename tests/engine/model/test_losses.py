"""The reconstruction loss, by hand."""

import pytest
import torch

from engine.errors import InvalidParameter
from engine.model.losses import LOSSES, ReconstructionLoss


def case(groups=2, places=2, values=1):
    target = torch.zeros(1, groups, places, values)
    return target.clone(), target, torch.zeros(1, groups, places)


def test_only_hidden_tokens_count_in_the_token_term():
    """Errors 1, 2, 3, 4; hidden are the second and the fourth: (4 + 16) / 2."""
    prediction, target, hidden = case()
    prediction[:] = torch.tensor([[1.0, 2.0], [3.0, 4.0]])[None, :, :, None]
    hidden[:] = torch.tensor([[0.0, 1.0], [0.0, 1.0]])
    terms = ReconstructionLoss(spectral=0)(prediction, target, hidden)
    assert terms["token"].item() == 10
    assert terms["loss"].item() == 10
    assert "spectral" not in terms


def test_spectral_term_takes_groups_together():
    """Sums over groups 1 + 3 and 2 + 4: (16 + 36) / 2 = 26; means are half, squares a quarter."""
    prediction, target, hidden = case()
    prediction[:] = torch.tensor([[1.0, 2.0], [3.0, 4.0]])[None, :, :, None]
    summed = ReconstructionLoss(token=0)(prediction, target, hidden)
    averaged = ReconstructionLoss(token=0, spectral_reduction="mean")(prediction, target, hidden)
    assert summed["spectral"].item() == 26
    assert averaged["spectral"].item() == 6.5


def test_spatial_term_takes_places_together():
    """Means over places 1.5 and 3.5: (2.25 + 12.25) / 2."""
    prediction, target, hidden = case()
    prediction[:] = torch.tensor([[1.0, 2.0], [3.0, 4.0]])[None, :, :, None]
    terms = ReconstructionLoss(token=0, spectral=0, spatial=1)(prediction, target, hidden)
    assert terms["spatial"].item() == 7.25


def test_published_variants():
    """Public code: 1 x token + 1 x sum. Experiments: token + half mean + half spatial."""
    prediction, target, hidden = case()
    prediction[:] = torch.tensor([[1.0, 2.0], [3.0, 4.0]])[None, :, :, None]
    hidden[:] = 1
    token = (1 + 4 + 9 + 16) / 4
    assert LOSSES["public"](prediction, target, hidden)["loss"].item() == token + 26
    expected = token + 0.5 * 6.5 + 0.5 * 7.25
    assert LOSSES["experiment"](prediction, target, hidden)["loss"].item() == expected


@pytest.mark.parametrize("name", LOSSES)
def test_no_data_never_enters(name):
    torch.manual_seed(0)
    prediction = torch.randn(2, 3, 4, 5, requires_grad=True)
    target = torch.randn(2, 3, 4, 5)
    hidden = torch.ones(2, 3, 4)
    valid = torch.ones(2, 3, 4, 5)
    valid[0, :, 1, 2:] = 0
    clean = LOSSES[name](prediction, target, hidden, valid)["loss"]
    target[valid == 0] = torch.nan
    spoilt = LOSSES[name](prediction, target, hidden, valid)["loss"]
    assert clean.item() == spoilt.item()
    (gradient,) = torch.autograd.grad(spoilt, prediction)
    assert gradient.isfinite().all()
    assert not gradient[valid == 0].any()
    assert gradient[valid > 0].all()


def test_a_spectrum_with_an_invalid_group_does_not_count():
    """Place 0 lacks group 1, so only place 1 counts: (2 + 4) squared."""
    prediction, target, hidden = case()
    prediction[:] = torch.tensor([[1.0, 2.0], [3.0, 4.0]])[None, :, :, None]
    valid = torch.ones_like(target)
    valid[0, 1, 0] = 0
    terms = ReconstructionLoss(token=0)(prediction, target, hidden, valid)
    assert terms["spectral"].item() == 36


def test_nothing_valid_gives_zero():
    prediction, target, hidden = case()
    terms = LOSSES["experiment"](prediction + 1, target, hidden + 1, torch.zeros_like(target))
    assert terms["loss"].item() == 0


def test_all_valid_equals_no_weight():
    prediction, target = torch.randn(2, 3, 4, 5), torch.randn(2, 3, 4, 5)
    hidden = (torch.rand(2, 3, 4) > 0.5).float()
    for loss in LOSSES.values():
        plain = loss(prediction, target, hidden)
        assert loss(prediction, target, hidden, torch.ones_like(target)) == plain


@pytest.mark.parametrize(
    "options", [{"spectral_reduction": "max"}, {"token": -1}, {"token": 0, "spectral": 0}]
)
def test_impossible_losses_are_refused(options):
    with pytest.raises(InvalidParameter):
        ReconstructionLoss(**options)
