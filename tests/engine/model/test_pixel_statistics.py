from __future__ import annotations

import pytest
import torch

from engine.model.pixel_statistics import PixelStatistics, band_ratios


def scene(seed=0, side=64):
    random = torch.Generator().manual_seed(seed)
    return 0.05 + 0.3 * torch.rand(1, 9, side, side, generator=random)


def blocks(statistics, image):
    return dict(zip(statistics.widths, statistics(image)))


def test_widths_are_what_comes_out():
    statistics = PixelStatistics(patterns=8)
    found = {name: item.shape[1] for name, item in blocks(statistics, scene()).items()}
    assert found == statistics.widths


@pytest.mark.parametrize("turns", [1, 2, 3])
@pytest.mark.parametrize("name", ["spectra", "cover", "sizes", "relations"])
def test_turning_the_window_changes_no_measurement(name, turns):
    statistics, image = PixelStatistics(patterns=8), scene()
    turned = torch.rot90(image, turns, (2, 3))
    assert torch.allclose(
        blocks(statistics, image)[name], blocks(statistics, turned)[name], atol=1e-3
    )


def test_vegetation_ratio_is_the_normalised_difference():
    common = torch.tensor([0.1, 0.1, 0.1, 0.3, 0.2, 0.1])[None, :, None, None]
    assert band_ratios(common, floor=0.0)[0, 0].item() == pytest.approx(0.5)


def test_open_water_is_all_water():
    image = torch.full((1, 9, 64, 64), 0.02)
    image[:, :3] = 0.08
    share = blocks(PixelStatistics(patterns=8), image)["cover"][0, :5]
    assert share[0] > 0.95
    assert share[1] < 0.01


def test_a_line_is_seen_and_has_one_direction():
    plain = torch.full((1, 9, 64, 64), 0.1)
    line = plain.clone()
    line[:, :, 30:33] = 0.4
    statistics = PixelStatistics(patterns=8)
    without, seen = (blocks(statistics, item)["lines"][0] for item in (plain, line))
    # Of brightness, bright lines of 15 px: four quantiles of strength, then one-wayness.
    assert seen[3] > without[3] + 1
    assert seen[4] > 0.8


def test_openings_remove_roofs_by_their_size():
    def image(side):
        out = torch.full((1, 9, 64, 64), 0.1)
        out[:, :, 20 : 20 + side, 20 : 20 + side] = 0.5
        return out

    statistics = PixelStatistics(patterns=8)
    small, large = (blocks(statistics, image(side))["sizes"][0] for side in (2, 7))
    # Per size: mean and deviation of what the opening and of what the closing removes, six cues.
    assert small[0] > 0.02 > small[48]
    assert large[48] > 0.02 > large[0]


def test_bands_in_another_order_measure_the_same():
    image, order = scene(), torch.tensor([8, 7, 6, 5, 4, 3, 2, 1, 0])
    turned = PixelStatistics(patterns=8, bands=(8, 7, 6, 2, 1, 0))
    for one, other in zip(PixelStatistics(patterns=8)(image), turned(image[:, order])):
        assert torch.equal(one, other)


@pytest.mark.parametrize("side", [32, 64, 128])
def test_every_window_that_scenes_may_have_can_be_measured(side):
    assert all(part.isfinite().all() for part in PixelStatistics(patterns=8)(scene(side=side)))
