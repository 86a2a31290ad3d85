"""Models judged against rasters: bands, then pixels."""

import pytest

from engine.band_identity import BandDescriptor
from engine.cards import Band, Card
from engine.suitability import suitability

BANDS = tuple(
    Band(name, "", wavelength, 0.03)
    for name, wavelength in (
        ("B02", 0.492),
        ("B03", 0.560),
        ("B04", 0.665),
        ("B05", 0.704),
        ("B06", 0.740),
        ("B07", 0.783),
    )
)


def card(task="segmentation", optional=()):
    return Card("six", task, BANDS, gsd=10.0, optional_groups=optional)


def raster(*names):
    return [BandDescriptor(number, name) for number, name in enumerate(names, 1)]


ALL = raster("B02", "B03", "B04", "B05", "B06", "B07")
COLOURS = raster("B02", "B03", "B04")


def test_a_raster_with_all_bands_fits():
    judged = suitability(card(), ALL, "", 10.0)
    assert (judged.verdict, judged.missing, judged.left_out) == ("fits", (), ())
    assert judged.match.indexes == (1, 2, 3, 4, 5, 6)


def test_bands_that_a_model_needs_are_named():
    judged = suitability(card(), COLOURS, "", 10.0)
    assert judged.verdict == "unfit"
    assert [band.name for band in judged.missing] == ["B05", "B06", "B07"]
    assert judged.match is None
    assert "not found: B05" in judged.reason


def test_bands_that_it_may_lack_are_left_out():
    judged = suitability(card(optional=(1,)), COLOURS, "", 10.0)
    assert judged.verdict == "fits"
    assert judged.left_out == ("B05", "B06", "B07")


def test_names_that_are_not_unique_are_told_without_missing_bands():
    judged = suitability(card(), raster("B02", "B02", "B04", "B05", "B06", "B07"), "", 10.0)
    assert (judged.verdict, judged.missing) == ("unfit", ())
    assert "Specify with BANDS which one" in judged.reason


@pytest.mark.parametrize(
    ("pixel", "task", "verdict"),
    [
        (14.9, "segmentation", "fits"),
        (15.1, "segmentation", "doubtful"),  # 1.51 times 10 m
        (6.7, "segmentation", "fits"),  # 10 m / 1.5 = 6.67 m
        (6.6, "segmentation", "doubtful"),
        (30.0, "scene-classification", "doubtful"),
        (1.0, "scene-classification", "fits"),  # resampled to the model's 10 m
    ],
)
def test_pixels_of_another_size_are_doubtful(pixel, task, verdict):
    judged = suitability(card(task), ALL, "", pixel)
    assert (judged.verdict, judged.scale) == (verdict, pytest.approx(pixel / 10))


def test_the_best_comes_first():
    whole = suitability(card(), ALL, "", 10.0)
    nearly = suitability(card(), ALL, "", 12.0)
    fewer = suitability(card(optional=(1,)), COLOURS, "", 10.0)
    coarse = suitability(card(), ALL, "", 30.0)
    unfit = suitability(card(), COLOURS, "", 10.0)
    assert sorted([unfit, coarse, fewer, nearly, whole], key=lambda s: s.rank) == [
        whole,
        nearly,
        fewer,
        coarse,
        unfit,
    ]
