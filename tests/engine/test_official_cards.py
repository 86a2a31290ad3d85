"""Cards of imported models tell what the model expects."""

import re

import pytest

from engine.cards import Card
from engine.model.config import preset
from engine.official_cards import official_card

BASE = preset("base").to_dict()
SOURCE = {"file": "SpectralGPT+.pth", "sha256": "00"}


def make(kind, **architecture):
    return official_card(kind, "imported", {**BASE, "network": "x", **architecture}, SOURCE)


@pytest.mark.parametrize("kind", ["backbone", "change-detection"])
def test_official_band_order(kind):
    card = make(kind)
    names = ["B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12"]
    assert [band.name for band in card.bands] == names
    assert [band.center_wavelength for band in card.bands][:4] == [0.443, 0.492, 0.56, 0.665]
    assert all(0 < band.full_width_half_max < 0.2 for band in card.bands)
    assert len({band.common_name for band in card.bands}) == 12
    assert card.normalisation.kind == "tile-minmax"
    assert card.optional_groups == ()


def test_change_classes_and_threshold():
    card = make("change-detection")
    assert [(c.value, c.name) for c in card.classes] == [(0, "unchanged"), (1, "changed")]
    assert card.nodata == 255
    assert card.threshold == {"method": "fixed", "value": 0.5}


def test_segmunich_takes_ten_bands_and_their_mean_twice():
    card = make("segmentation", classes=13)
    assert [b.name for b in card.bands] == [
        "B02",
        "B03",
        "B04",
        "B05",
        "B06",
        "B07",
        "B08",
        "B8A",
        "B11",
        "B12",
    ]
    assert len(card.bands) + card.architecture["appended_means"] == BASE["bands"]
    assert "mean twice" in card.description
    assert [c.value for c in card.classes] == list(range(13))
    assert card.classes[5].name == "surface_water"
    assert card.nodata == 255


@pytest.mark.parametrize(
    "card",
    [make("segmentation", classes=5), make("scene-classification", classes=10), make("backbone")],
    ids=lambda card: card.task,
)
def test_what_is_not_known_is_said(card):
    assert len({c.color for c in card.classes}) == len(card.classes)
    assert all(re.fullmatch("#[0-9a-f]{6}", c.color) for c in card.classes)
    assert "appended_means" not in card.architecture
    if card.classes:
        assert "not in the file" in card.description


def test_unknown_bands_are_not_given_a_wavelength():
    card = make("backbone", bands=10, spectral_patch=2)
    assert len(card.bands) == 10
    assert card.spectral_patch == 2
    assert not any(band.center_wavelength for band in card.bands)
    assert "not known" in card.description


@pytest.mark.parametrize("size, sets", [(96, 1), (128, 2)])
def test_window_and_pretraining(size, sets):
    card = make("backbone", image_size=size)
    assert card.window == size
    assert len(card.training["pretraining"]) == sets
    assert card.training["source"] == SOURCE


@pytest.mark.parametrize(
    "card", [make("backbone"), make("segmentation", classes=13), make("change-detection")]
)
def test_licence_is_said_to_be_unverified_and_the_card_survives_its_file(card):
    assert "unverified" in card.licence
    assert "unverified" in card.attribution
    assert not card.accuracy
    assert Card.from_stac(card.to_stac()) == card
