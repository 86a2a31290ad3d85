"""The head on features: what it computes, and that doing it early changes nothing."""

import numpy as np
import torch
from torch.nn import functional as F

from engine.model.feature_head import LIMIT, FeatureHead


def features(fine=3, coarse=5, side=8):
    made = torch.Generator().manual_seed(1)
    return (
        torch.randn(2, fine, side, side, generator=made),
        torch.randn(2, coarse, side // 4, side // 4, generator=made),
    )


def head(hidden=0, classes=4):
    torch.manual_seed(2)
    made = FeatureHead(3, 5, classes, hidden).eval()
    made.set_scale(torch.arange(8) / 10, torch.arange(8) / 4 + 0.5)
    return made


def test_linear_is_a_product_of_matrices():
    made, random = head(), np.random.default_rng(0)
    weight, bias = random.normal(size=(4, 8)), random.normal(size=4)
    made.set_linear(torch.from_numpy(weight).float(), torch.from_numpy(bias).float())
    row = random.normal(size=8)
    given = torch.from_numpy(row).float()[None, :, None, None]
    found = made(given[:, :3], given[:, 3:])[0, :, 0, 0].detach().numpy()
    standard = (row - np.arange(8) / 10) / (np.arange(8) / 4 + 0.5)
    np.testing.assert_allclose(found, weight @ standard + bias, atol=1e-5)


def test_coarse_features_enlarged_after_are_as_if_enlarged_before():
    fine, coarse = features()
    enlarged = F.interpolate(coarse, size=fine.shape[2:], mode="bilinear", align_corners=False)
    for hidden in (0, 6):
        made = head(hidden)
        torch.testing.assert_close(made(fine, coarse), made(fine, enlarged), atol=1e-5, rtol=1e-5)


def test_a_measurement_far_from_all_seen_counts_only_so_much():
    made = head()
    fine, coarse = features()
    far, further = fine.clone(), fine.clone()
    far[:, 1] = made.fine_mean[1] + LIMIT * made.fine_scale[1]
    further[:, 1] = 1e6
    torch.testing.assert_close(made(further, coarse), made(far, coarse), atol=1e-5, rtol=1e-5)


def test_the_number_of_classes():
    assert [head(hidden, classes).classes for hidden in (0, 7) for classes in (2, 5)] == [2, 5] * 2
