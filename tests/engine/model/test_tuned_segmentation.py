"""Networks of a user's own: their parts, and that what fits in training is what predicts."""

import dataclasses

import torch

from engine.cards import ModelClass
from engine.checkpoint import load, save
from engine.model.config import SpectralGPTConfig
from engine.model.pixel_context import NINE_BANDS, ContextLayout
from engine.model.predictor import Predictor
from engine.model.tuned_segmentation import TunedSegmentation
from tests.engine.train.land import CARD, CONFIG

CLASSES = tuple(ModelClass(k, f"class-{k}", f"Class {k}") for k in (1, 2, 3))


def network(hidden=0, config=CONFIG, layout=NINE_BANDS):
    torch.manual_seed(0)
    return TunedSegmentation(config, 3, layout, hidden).eval()


def windows(count=2, side=32, bands=9):
    return torch.rand(count, bands, side, side, generator=torch.Generator().manual_seed(4))


def test_logits_of_every_pixel():
    made, image = network(), windows()
    found = made(image, image)
    assert found.shape == (2, 3, 32, 32)
    torch.testing.assert_close(found[1:], made(image[1:], image[1:]), atol=1e-5, rtol=1e-5)


def test_the_head_on_collected_features_gives_what_the_network_gives():
    """Training sees features of pixels one by one, prediction whole windows."""
    image = windows()
    valid = torch.ones(2, 1, 32, 32)
    for hidden in (0, 8):
        made = network(hidden)
        features = made.features(image, image, None, valid)
        fine = made.context.channels
        assert features.shape[1] == fine + CONFIG.dim == sum(w for w, _ in made.blocks())
        pixel = features[1, :, 7, 20][None, :, None, None]
        torch.testing.assert_close(
            made.head(pixel[:, :fine], pixel[:, fine:])[0, :, 0, 0],
            made(image, image)[1, :, 7, 20],
            atol=1e-4,
            rtol=1e-4,
        )


def test_other_windows_and_missing_groups():
    made, image = network(), windows(1, 64)
    assert made(image, image, torch.tensor([0, 2])).shape == (1, 3, 64, 64)


def test_bands_of_another_sensor():
    config = dataclasses.replace(CONFIG, bands=2, spectral_patch=1)
    layout = ContextLayout((), (), (0, 1), (0, 1))
    image = windows(bands=2)
    assert network(config=config, layout=layout)(image, image).shape == (2, 3, 32, 32)


def test_written_and_read_again_it_predicts_the_same(tmp_path):
    made = network(hidden=8)
    card = dataclasses.replace(CARD, task="segmentation", classes=CLASSES)
    save(tmp_path / "mine.safetensors", made, card)
    again, read = load(tmp_path / "mine.safetensors")
    assert again.architecture() == made.architecture()
    inputs = (windows(), torch.ones(2, 1, 32, 32), torch.arange(3))
    torch.testing.assert_close(
        Predictor(again.eval(), read)(*inputs), Predictor(made, card)(*inputs)
    )


def test_the_reflectance_reaches_the_network_before_normalisation():
    """The card's normalisation does not touch what the measurements of pixels are made of."""
    card = dataclasses.replace(CARD, task="segmentation", classes=CLASSES)
    predictor = Predictor(network(), card)
    image, valid = windows(), torch.ones(2, 1, 32, 32)
    valid[:, :, :5] = 0
    given = predictor.arguments(image, valid, torch.tensor([0, 2]))
    expected = image.clone()
    expected[:, :, :5] = 0
    expected[:, 3:6] = 0  # the red edge is missing
    torch.testing.assert_close(given["reflectance"], expected)
    assert not torch.equal(given["image"], expected)
    assert isinstance(
        SpectralGPTConfig.from_dict(predictor.network.architecture()), SpectralGPTConfig
    )
