from __future__ import annotations

import torch

from engine.model.spectral_groups import band_mask, group_mask


def test_groups_that_are_present_have_1_and_so_have_their_bands():
    present = group_mask(torch.tensor([0, 2]), 4, torch.float32)
    assert present.tolist() == [1, 0, 1, 0]
    assert band_mask(present, 3).flatten().tolist() == [1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0]
    assert band_mask(present, 3).shape == (12, 1, 1)
