"""Features of labelled pixels: the same as of whole windows, turned back, lit otherwise, once."""

import dataclasses

import numpy as np
import pytest
import torch
from rasterio.windows import Window

from engine.data.augmentation import dihedral
from engine.errors import Cancelled, EmptyArea, LabelsInvalid
from engine.progress import Progress
from engine.train.labelled_ground import only
from engine.train.light import REFLECTANCE, Light
from engine.train.pixel_features import (
    batch_inputs,
    extract,
    tuned_network,
    turn_back,
)
from tests.engine.train import land

SETTINGS = {"copies": 2, "light": REFLECTANCE, "seed": 0}


@pytest.mark.parametrize("element", range(8))
def test_turning_back_undoes_every_turn(element):
    values = torch.arange(2 * 5 * 5).reshape(2, 5, 5)
    turned = dihedral(values, element)
    assert element == 0 or not torch.equal(turned, values)
    assert torch.equal(turn_back(turned, element), values)


def test_the_first_view_is_the_image_as_it_is():
    ground, predictor = land.ground(), land.predictor()
    found = extract(predictor, [ground], **SETTINGS)
    count = len(ground.pixels)
    width = sum(part for part, _ in predictor.network.blocks())
    assert found.features.shape == (3, count, width)
    assert found.features.dtype == np.float32
    # The same pixel, out of the window it is nearest to.
    window, indices = next(iter(ground.windows(32)))
    feeds, _ = ground.read(window)
    arguments = predictor.arguments(*batch_inputs(predictor, [feeds], torch.device("cpu")))
    with torch.no_grad():
        whole = predictor.network.features(**arguments)[0].numpy()
    pixels = only(ground.pixels, indices)
    row, column = pixels.row - window.row_off, pixels.column - window.col_off
    np.testing.assert_allclose(
        found.features[0, : len(indices)], whole[:, row, column].T, atol=1e-5
    )
    # The copies are of the same pixel in another light.
    assert np.abs(found.features[1] - found.features[0]).max() > 0.05


def test_the_copies_come_in_pairs_of_opposites():
    """Without wavelengths only the brightness changes; a pair's logarithms lie on both sides of its own."""
    light = Light(brightness=0.3, gain=0.0, offset=0.0, haze=0.01)
    found = extract(land.predictor(), [land.ground()], copies=2, light=light, seed=0)
    layout = land.predictor().network.context.layout
    first = len(layout.plain)
    level = np.s_[:, :, first : first + len(layout.spectra)]
    own, one, other = found.features[level].mean((1, 2))
    assert (one - own) * (other - own) < 0


def test_labels_and_places_stay_with_their_pixels():
    grounds = [land.ground(), land.ground(places=[(12, 12)], seed=1, place=1)]
    found = extract(land.predictor(), grounds, **{**SETTINGS, "copies": 0})
    assert (found.label == land.class_map()[found.row, found.column]).all()
    assert found.features.shape[0] == 1
    assert np.bincount(found.place).tolist() == [256, 16]
    assert set(found.unit[found.place == 1]) == {0}


def test_the_same_seed_gives_the_same_and_another_one_other_light():
    one, same = (extract(land.predictor(), [land.ground()], **SETTINGS) for _ in range(2))
    other = extract(land.predictor(), [land.ground()], **{**SETTINGS, "seed": 1})
    assert np.array_equal(one.features, same.features)
    assert np.array_equal(one.features[0], other.features[0])
    assert not np.array_equal(one.features[1:], other.features[1:])


def test_what_is_no_data_is_left_out():
    """Of the first label, two of four rows."""
    found = extract(land.predictor(), [land.ground(invalid=np.s_[:12])], **SETTINGS)
    first = (found.row < 24) & (found.column < 24)
    assert found.row[first].min() == 12
    assert first.sum() == 8


def test_no_data_under_all_labels():
    with pytest.raises(EmptyArea, match=r"All labelled pixels are no-data.*Draw labels where"):
        extract(land.predictor(), [land.ground(invalid=np.s_[:])], **SETTINGS)


def test_no_data_under_all_labels_of_one_class():
    """Water is labelled at row 12, column 60 only, and nothing is seen there."""
    places = [(12, 12), (12, 36), (12, 60)]
    ground = land.ground(places=places, invalid=np.s_[:, 50:70])
    with pytest.raises(LabelsInvalid, match=r"labelled as Water are no-data.*Draw"):
        extract(land.predictor(), [ground], **SETTINGS)


def test_a_cancel_takes_effect_at_once():
    with pytest.raises(Cancelled):
        extract(land.predictor(), [land.ground()], **SETTINGS, progress=Progress(lambda: True))


def test_batches_hold_the_inputs_in_the_predictors_order():
    feeds = [land.ground().read(Window(0, start, 32, 32))[0] for start in (0, 64)]
    image, valid, groups = batch_inputs(land.predictor(), feeds, torch.device("cpu"))
    assert image.shape == (2, 9, 32, 32) and valid.shape == (2, 1, 32, 32)
    assert groups.tolist() == [0, 1, 2]


def test_other_networks_have_no_features():
    predictor = land.predictor()
    assert tuned_network(predictor) is predictor.network
    predictor.network = torch.nn.Linear(1, 1)
    with pytest.raises(TypeError, match="Linear has no features"):
        tuned_network(predictor)


def test_missing_groups_do_not_reach_the_features():
    """Without the red edge, what stands in its bands makes no difference."""
    ground = land.ground(places=[(12, 12), (12, 36), (12, 60)])

    def without(value):
        def read(window):
            feeds, valid = ground.read(window)
            feeds["image"][3:6] = value
            return {**feeds, "groups": np.array([0, 2])}, valid

        return dataclasses.replace(ground, read=read)

    found = [
        extract(land.predictor(), [without(v)], copies=0, light=REFLECTANCE, seed=0).features
        for v in (0.0, 0.7)
    ]
    np.testing.assert_allclose(*found, atol=1e-6)
