"""Predictors: the inputs of the prediction contract in, probabilities out."""

import dataclasses

import pytest
import torch
from torch import nn

from engine.cards import Band, Card, ModelClass, Normalisation
from engine.errors import InvalidParameter, ModelInvalid
from engine.model.change import ChangeNetwork
from engine.model.classifier import SceneClassifier
from engine.model.config import SpectralGPTConfig
from engine.model.predictor import Predictor
from engine.model.segmentation import SegmentationNetwork

CONFIG = SpectralGPTConfig(bands=9, image_size=32, dim=16, depth=1, heads=2)


def card(task, classes=2, **fields):
    return Card(
        name="test",
        task=task,
        bands=tuple(Band(f"B{n}") for n in range(9)),
        window=32,
        normalisation=Normalisation("tile-minmax"),
        classes=tuple(ModelClass(n, f"c{n}") for n in range(classes)),
        **fields,
    )


def test_segmentation_with_a_missing_group():
    torch.manual_seed(0)
    network = SegmentationNetwork(CONFIG, 5, width=16)
    predictor = Predictor(network, card("segmentation", 5, optional_groups=(1,))).eval()
    assert predictor.input_names == ("image", "valid", "groups")
    image, valid, _ = predictor.example_inputs(3)
    assert image.shape == (3, 9, 32, 32)
    some = torch.tensor([0, 2])
    out = predictor(image, valid, some)
    assert out.shape == (3, 5, 32, 32)
    torch.testing.assert_close(out.sum(1), torch.ones(3, 32, 32))
    normalised = predictor.normalise(image, valid)
    torch.testing.assert_close(out, network(normalised, some).softmax(1))


def test_change():
    network = ChangeNetwork(CONFIG, width=16)
    predictor = Predictor(network, card("change-detection")).eval()
    assert predictor.input_names == ("before", "after", "valid")
    before, after, valid = predictor.example_inputs()
    assert not torch.equal(before, after)
    out = predictor(before, after, valid)
    normalised = [predictor.normalise(date, valid) for date in (before, after)]
    torch.testing.assert_close(out, network(*normalised).exp())


@pytest.mark.parametrize("multilabel", [False, True])
def test_scenes_of_one_or_of_several_labels(multilabel):
    torch.manual_seed(0)
    network = SceneClassifier(CONFIG, 4).eval()
    nn.init.normal_(network.head.weight)
    predictor = Predictor(network, card("scene-classification", 4, multilabel=multilabel)).eval()
    inputs = predictor.example_inputs()
    logits = network(predictor.normalise(*inputs))
    expected = logits.sigmoid() if multilabel else logits.softmax(1)
    torch.testing.assert_close(predictor(*inputs), expected)


class Echo(nn.Module):
    """Gives back what it was called with, and wants to know what is valid."""

    def forward(self, image, valid, groups=None):
        self.seen = image, valid, groups
        return image[:, :2]


def test_missing_bands_stay_zero_after_normalisation():
    """0 is what a missing band is filled with; standardised it would be (0 - 1) / 1 = -1."""
    echo = Echo()
    statistics = Normalisation("statistics", (1.0,) * 9, (1.0,) * 9)
    predictor = Predictor(
        echo,
        dataclasses.replace(card("segmentation", optional_groups=(1,)), normalisation=statistics),
    )
    image, valid = torch.full((1, 9, 32, 32), 3.0), torch.ones(1, 1, 32, 32)
    image[:, 3:6] = 0
    predictor(image, valid, torch.tensor([0, 2]))
    seen, given, groups = echo.seen
    assert seen[0, :, 0, 0].tolist() == [2, 2, 2, 0, 0, 0, 2, 2, 2]
    assert torch.equal(given, valid)
    assert groups.tolist() == [0, 2]


def test_means_are_appended_before_normalisation():
    """Bands 1..9 at one pixel and 0 at another: their mean is 5."""
    echo = Echo()
    plain = dataclasses.replace(
        card("segmentation", architecture={"appended_means": 3}),
        normalisation=Normalisation("none"),
    )
    image = torch.zeros(1, 9, 32, 32)
    image[0, :, 0, 0] = torch.arange(1.0, 10)
    Predictor(echo, plain)(image, torch.ones(1, 1, 32, 32))
    assert echo.seen[0][0, :, 0, 0].tolist() == [*range(1, 10), 5, 5, 5]
    assert not echo.seen[0][0, :, 0, 1].any()


def test_a_backbone_predicts_nothing():
    with pytest.raises(ModelInvalid, match="Fine-tune"):
        Predictor(Echo(), card("backbone"))


def test_number_of_inputs_is_checked():
    predictor = Predictor(Echo(), card("segmentation"))
    with pytest.raises(InvalidParameter, match=r"needs 2 inputs \(image, valid\), but 1"):
        predictor(torch.rand(1, 9, 32, 32))
