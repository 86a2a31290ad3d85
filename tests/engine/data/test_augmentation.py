import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.data.augmentation import (
    Crop,
    cutmix,
    dihedral,
    mixup,
    random_crop,
    resize_image,
    resize_label,
    resize_valid,
    spectral_jitter,
)


@given(st.integers(1, 90), st.integers(1, 90), st.integers(8, 128), st.integers(0, 2**31))
def test_a_crop_lies_inside_the_image(height, width, side, seed):
    crop = random_crop(np.random.default_rng(seed), height, width, side)
    assert crop.top >= 0
    assert crop.left >= 0
    assert 1 <= crop.height <= height - crop.top
    assert 1 <= crop.width <= width - crop.left


def test_crops_cover_the_asked_share_of_the_square():
    """In a large image nothing is clipped: 20-100 % of 64 x 64, width over height 3/4 to 4/3."""
    random = np.random.default_rng(0)
    crops = [random_crop(random, 500, 500, 64) for _ in range(500)]
    shares = np.array([crop.height * crop.width / 64**2 for crop in crops])
    ratios = np.array([crop.width / crop.height for crop in crops])
    assert 0.19 < shares.min() < 0.25
    assert 0.95 < shares.max() < 1.02
    assert shares.mean() == pytest.approx(0.6, abs=0.03)
    assert ratios.min() > 0.70
    assert ratios.max() < 1.40


def test_crop_cuts_rows_and_columns():
    values = torch.arange(20).reshape(4, 5)
    assert Crop(1, 2, 2, 3).of(values).tolist() == [[7, 8, 9], [12, 13, 14]]


def test_resizing_to_the_same_size_changes_nothing():
    image, label = torch.rand(3, 6, 6), torch.arange(36).reshape(6, 6)
    assert resize_image(image, 6) is image
    assert resize_label(label, 6) is label
    assert resize_valid(label > 3, 6).equal(label > 3)


def test_resizing_keeps_a_flat_image_flat_and_labels_whole():
    assert resize_image(torch.full((2, 5, 7), 0.3), 12).sub(0.3).abs().max() < 1e-6
    label = torch.tensor([[1, 255], [7, 1]])
    assert resize_label(label, 4).tolist() == [
        [1, 1, 255, 255],
        [1, 1, 255, 255],
        [7, 7, 1, 1],
        [7, 7, 1, 1],
    ]


def test_nothing_invalid_is_mixed_into_a_valid_pixel():
    """An image of 1 with a hole of -1000: enlarged, every pixel called valid still shows 1."""
    valid = torch.ones(16, 16, dtype=torch.bool)
    valid[5:8, 6:9] = False
    image = torch.where(valid, 1.0, -1000.0)[None]
    for size in (8, 24, 37):
        resized, kept = resize_image(image, size)[0], resize_valid(valid, size)
        assert resized[kept].sub(1).abs().max() < 0.01
        assert 0.3 < kept.float().mean() < 1


def test_the_eight_symmetries_are_all_different_and_keep_the_values():
    values = torch.arange(9).reshape(1, 3, 3)
    seen = {tuple(dihedral(values, element).flatten().tolist()) for element in range(8)}
    assert len(seen) == 8
    assert all(sorted(each) == list(range(9)) for each in seen)
    assert dihedral(values, 0).equal(values)
    assert dihedral(dihedral(values, 4), 4).equal(values)


def test_spectral_jitter_changes_each_band_by_one_factor_and_one_shift():
    """Bands stay straight lines of themselves: (c - a) / (b - a) is unchanged for three pixels."""
    image = torch.tensor([[[0.1, 0.2, 0.4]], [[0.3, 0.1, 0.2]]])
    changed = spectral_jitter(image, np.random.default_rng(3))
    before = (image[..., 2] - image[..., 0]) / (image[..., 1] - image[..., 0])
    after = (changed[..., 2] - changed[..., 0]) / (changed[..., 1] - changed[..., 0])
    assert torch.allclose(before, after, atol=1e-4)
    assert not torch.allclose(image, changed)
    assert torch.allclose(changed, image, atol=0.2)
    unchanged = spectral_jitter(image, np.random.default_rng(3), 0, 0, 0)
    assert torch.equal(unchanged, image)


def test_mixup_blends_image_and_target_by_the_same_share():
    """Sample i is filled with i and has the one-hot target i, so both tell the share."""
    image = torch.arange(4.0).reshape(4, 1, 1, 1).expand(4, 1, 2, 2)
    mixed = mixup(image, torch.eye(4), np.random.default_rng(5))
    assert torch.allclose(mixed.target.sum(1), torch.ones(4))
    assert torch.allclose(mixed.image[:, 0, 0, 0], mixed.target @ torch.arange(4.0))


def test_cutmix_target_is_the_area_that_each_sample_kept():
    image = torch.arange(4.0).reshape(4, 1, 1, 1).expand(4, 1, 8, 8)
    mixed = cutmix(image, torch.eye(4), np.random.default_rng(1))
    assert torch.allclose(mixed.target.sum(1), torch.ones(4))
    for index in range(4):
        shares = [(mixed.image[index] == value).float().mean().item() for value in range(4)]
        assert mixed.target[index].tolist() == pytest.approx(shares)
    assert (mixed.target.diagonal() < 1).any()
