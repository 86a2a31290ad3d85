import numpy as np
import pytest
import rasterio
import torch
from rasterio.io import MemoryFile
from rasterio.windows import Window

from engine.cards import Band, Card, Normalisation
from engine.data.grid import Grid
from engine.model.config import SpectralGPTConfig
from engine.model.masked_autoencoder import MaskedAutoencoder
from engine.train.reconstruction import PARTS, picture, view, write_view
from tests.engine.data.rasters import TRANSFORM

COLOURS = ("blue", "green", "red", "nir", "swir16", "swir22")
CARD = Card(
    "c",
    "backbone",
    tuple(Band(f"X{n}", name) for n, name in enumerate(COLOURS)),
    normalisation=Normalisation("statistics", (0.3,) * 6, (0.1,) * 6),
)


@pytest.fixture
def network():
    """Paints the value 2 everywhere: .5 in the card's unit."""
    sizes = {"dim": 16, "depth": 1, "heads": 2, "decoder_dim": 16, "decoder_depth": 1}
    network = MaskedAutoencoder(SpectralGPTConfig(bands=6, image_size=16, decoder_heads=2, **sizes))
    with torch.no_grad():
        network.decoder_pred.weight.zero_()
        network.decoder_pred.bias.fill_(2.0)
    return network


def look(network, valid=None, groups=(0, 1), card=CARD):
    image = np.random.default_rng(0).uniform(0.2, 0.4, (6, 16, 16)).astype(np.float32)
    valid = np.ones((16, 16), bool) if valid is None else valid
    return image, view(network, card, image * valid, valid, groups, mask_ratio=0.5)


def test_half_is_shown_the_rest_painted_and_the_error_is_their_difference(network):
    image, shown = look(network)
    seen = np.isfinite(shown.masked)
    assert seen.mean() == 0.5
    assert np.array_equal(shown.masked[seen], image[seen])
    assert np.array_equal(shown.painted[seen], image[seen])
    assert np.allclose(shown.painted[~seen], 0.5)
    assert np.allclose(shown.error[~seen], 0.5 - image[~seen])
    assert np.isnan(shown.error[seen]).all()


def test_no_data_and_missing_groups_are_nowhere(network):
    valid = np.ones((16, 16), bool)
    valid[:3] = False
    _, shown = look(network, valid, groups=(1,))
    for part in (shown.masked, shown.painted, shown.error):
        assert np.isnan(part[:3]).all()
        assert np.isnan(part[:, :3]).all()
    assert np.isfinite(shown.painted[3:, 3:]).all()


def test_window_scaling_is_undone(network):
    card = Card("c", "backbone", CARD.bands, normalisation=Normalisation("tile-minmax"))
    image, shown = look(network, card=card)
    hidden = np.isnan(shown.masked)
    low, high = image.min((1, 2)), image.max((1, 2))
    expected = np.broadcast_to((low + 2 * (high - low))[:, None, None], image.shape)
    assert np.allclose(shown.painted[hidden], expected[hidden], atol=1e-5)


def test_the_raster_lies_where_the_window_was(network, tmp_path):
    _, shown = look(network)
    grid = Grid(rasterio.CRS.from_epsg(32631), TRANSFORM, 100, 100)
    write_view(tmp_path / "v.tif", shown, CARD, grid, Window(20, 30, 16, 16))
    with rasterio.open(tmp_path / "v.tif") as dataset:
        assert dataset.crs.to_epsg() == 32631
        assert (dataset.transform.c, dataset.transform.f) == (500_200, 4_699_700)
        assert dataset.descriptions == tuple(f"X{n} {part}" for part in PARTS for n in range(6))
        assert np.array_equal(dataset.read(7), shown.painted[0], equal_nan=True)


def test_the_picture_has_three_panels_with_hidden_tokens_grey(network):
    _, shown = look(network)
    with MemoryFile(picture(shown, CARD)) as file, file.open() as dataset:
        values = dataset.read()
    assert values.shape == (3, 256, 3 * 256 + 2 * 4)
    first, second = values[:, :, :256], values[:, :, 260:516]
    hidden = np.isnan(shown.masked[[2, 1, 0]]).repeat(16, 1).repeat(16, 2)
    assert (first[hidden] == 128).all()
    assert np.array_equal(first[~hidden], second[~hidden])
    error = values[:, :, 520:]
    assert (error[0] == error[1]).all()
    assert error.max() == 255


def test_a_model_without_colours_is_shown_in_the_bands_it_has(network):
    card = Card(
        "c", "backbone", tuple(Band(f"X{n}") for n in range(6)), normalisation=CARD.normalisation
    )
    _, shown = look(network, groups=(1,), card=card)
    assert picture(shown, card)[:4] == b"\x89PNG"
