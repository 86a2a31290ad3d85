"""Fixed measurements of pixels and their surroundings, checked by hand."""

import dataclasses

import numpy as np
import pytest
import torch

from engine.cards import Card
from engine.model.pixel_context import NINE_BANDS, ContextLayout, PixelContext, box_mean
from tests.engine.data.rasters import BANDS
from tests.engine.train.land import CARD, other_bands

ONES = torch.ones(1, 1, 9, 9)


def noise(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def bands(*indices):
    return tuple(BANDS[index] for index in indices)


def test_the_nine_bands_have_the_layout_of_the_shipped_models():
    assert ContextLayout.of(CARD) == NINE_BANDS


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        # Blue, green, red, near infrared: every ratio without short waves; red and the first ratio.
        (
            dataclasses.replace(CARD, bands=bands(0, 1, 2, 6)),
            ContextLayout((0, 1, 2, 3), ((3, 2), (1, 3), (2, 0), (1, 2)), (), (2, 4)),
        ),
        # In another order, one band twice: the first of a name counts, the other is plain.
        (
            dataclasses.replace(CARD, bands=bands(6, 2, 3, 6)),
            ContextLayout((1, 0), ((0, 1),), (2, 3), (0, 2)),
        ),
        (
            dataclasses.replace(CARD, bands=other_bands(3)),
            ContextLayout((), (), (0, 1, 2), (0, 1)),
        ),
        (dataclasses.replace(CARD, unit="raw"), ContextLayout((), (), tuple(range(9)), (0, 1))),
        # Only one known name makes no ratio.
        (
            dataclasses.replace(CARD, bands=(*other_bands(2), BANDS[2])),
            ContextLayout((), (), (0, 1, 2), (0, 1)),
        ),
        (
            dataclasses.replace(CARD, bands=other_bands(1), unit="raw"),
            ContextLayout((), (), (0,), (0,)),
        ),
    ],
)
def test_a_card_with_other_bands_gets_the_layout_that_suits_it(card: Card, expected):
    layout = ContextLayout.of(card)
    assert layout == expected
    assert ContextLayout.from_list(layout.to_list()) == layout
    context = PixelContext((3,), layout)
    image = torch.rand(2, len(card.bands), 9, 9)
    found = context(image, image, ONES)
    assert found.shape == (2, context.channels, 9, 9)
    assert torch.isfinite(found).all()


def test_known_bands_without_a_ratio_still_work():
    """Blue and near infrared are no pair of any index."""
    layout = ContextLayout.of(dataclasses.replace(CARD, bands=bands(0, 6)))
    assert layout.ratios == ()
    context = PixelContext((3,), layout)
    found = context(torch.rand(1, 2, 9, 9), torch.rand(1, 2, 9, 9), ONES)
    assert found.shape == (1, context.channels, 9, 9)


def test_a_pixel_by_hand():
    """Red .1, near infrared .5: logarithms + 2, and 2 (.5 - .1) / (.5 + .1 + .02) = 1.2903."""
    layout = ContextLayout((0, 1), ((1, 0),), (2,), (0, 2))
    image = torch.zeros(1, 3, 9, 9)
    image[:, 2] = 7  # normalised; cut off at 3
    reflectance = torch.zeros(1, 3, 9, 9)
    reflectance[:, 0], reflectance[:, 1] = 0.1, 0.5
    found = PixelContext((3,), layout)(image, reflectance, ONES)[0, :, 4, 4].numpy()
    red, infrared, ratio = np.log(0.12) + 2, np.log(0.52) + 2, 0.8 / 0.62
    still = 3 * 0.01  # the spread of what is alike everywhere
    expected = [3, red, infrared, ratio, red, infrared, ratio, still, still]
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_the_mean_of_a_neighbourhood_leaves_invalid_pixels_out():
    """Left column 0, the others 2, but the right column is invalid: the mean of 3 x 3 is 1."""
    layout = ContextLayout((), (), (0,), (0,))
    image = torch.zeros(1, 1, 3, 3)
    image[..., 1] = 2
    valid = torch.ones(1, 1, 3, 3)
    valid[..., 2] = 0
    _, mean, spread = PixelContext((3,), layout)(image, image, valid)[0, :, 1, 1].tolist()
    assert mean == pytest.approx(1)
    assert spread == pytest.approx(3, abs=1e-3)  # 3 times the deviation of 0 and 2


def test_box_mean_is_the_mean_of_the_square():
    image = torch.rand(1, 2, 7, 8, generator=torch.Generator().manual_seed(0))
    found = box_mean(image, 3)
    torch.testing.assert_close(found[..., 3, 4], image[..., 2:5, 3:6].mean((2, 3)))
    torch.testing.assert_close(found[..., 0, 0], image[..., :2, :2].sum((2, 3)) / 9)


@pytest.mark.parametrize("size", [3, 7, 31])
def test_box_mean_of_an_exported_model_is_the_same(size, monkeypatch):
    image = torch.rand(2, 3, 40, 24, generator=torch.Generator().manual_seed(0)) * 4 - 2
    found = box_mean(image, size)
    monkeypatch.setattr(torch.compiler, "is_exporting", lambda: True)
    torch.testing.assert_close(found, box_mean(image, size), atol=1e-6, rtol=0)


def test_context_of_a_constant_image_has_its_own_values_as_means_and_no_texture():
    reflectance = torch.full((1, 9, 40, 40), 0.2)
    context = PixelContext((3,))
    out = context(torch.zeros(1, 9, 40, 40), reflectance, torch.ones(1, 1, 40, 40))
    assert out.shape == (1, context.channels, 40, 40)
    spectra, mean, spread = out[:, 3:9], out[:, 17:23], out[:, 29:31]
    assert torch.allclose(mean, spectra, atol=1e-5)
    # sqrt(1e-4) * 3: the floor under the root.
    assert torch.allclose(spread, torch.full_like(spread, 0.03), atol=2e-3)


def test_invalid_pixels_do_not_change_the_surroundings_of_valid_ones():
    reflectance = 0.2 + 0.05 * noise(1, 9, 32, 32)
    valid = torch.ones(1, 1, 32, 32)
    valid[..., :16] = 0
    other = reflectance.clone()
    other[..., :16] = 0.9
    image = torch.zeros(1, 9, 32, 32)
    context = PixelContext()
    first, second = context(image, reflectance, valid), context(image, other, valid)
    assert torch.allclose(first[..., 16:], second[..., 16:], atol=1e-5)
