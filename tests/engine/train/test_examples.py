"""Pictures for the report."""

import dataclasses
import io

import numpy as np
import pytest
from rasterio.io import MemoryFile

from engine.train.examples import MOST, draw_examples, true_colour
from engine.train.labelled_rasters import LabelledRaster
from tests.engine.train import land

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
RED = (255, 0, 0)
CLASSES = tuple(
    dataclasses.replace(item, color=color)
    for item, color in zip(land.CLASSES, ("#ff0000", "#00ff00", "#0000ff"))
)


def decoded(png):
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    with MemoryFile(io.BytesIO(png)) as file, file.open() as dataset:
        return dataset.read()


def card():
    return dataclasses.replace(land.predictor().card, classes=CLASSES)


def test_imagery_labels_and_map_side_by_side():
    """Twelve times 32 pixels each, with gaps of 8."""
    ground = land.ground(places=[(12, 12), (12, 36), (36, 12)])
    raster = LabelledRaster("/data/scene.tif|x", None, None, ground)
    first, *_ = draw_examples(land.predictor(), [raster], card())
    picture = decoded(first.png)
    assert picture.shape[1:] == (384, 3 * 384 + 2 * 8)
    assert first.caption.startswith("scene.tif, row ")
    # The window's labels in their colours, what is unlabelled as the imagery beside.
    seen = picture[:, :, :384:12][:, ::12]
    drawn = picture[:, ::12, 392 : 392 + 384 : 12]
    mapped = picture[:, ::12, 784::12]
    differ = (seen != drawn).any(0)
    assert 0 < differ.sum() <= 3 * 16
    colours = {tuple(value) for value in mapped.reshape(3, -1).T.tolist()}
    assert colours <= {RED, (0, 255, 0), (0, 0, 255)}


def test_windows_with_the_most_classes_come_first_and_only_some():
    raster = LabelledRaster("scene.tif", None, None, land.ground())
    found = draw_examples(land.predictor(), [raster], card())
    assert len(found) == MOST


def test_no_data_is_white():
    """Of the only window, the first 11 rows, twelve times enlarged."""
    ground = land.ground(places=[(12, 12)], invalid=np.s_[:11])
    raster = LabelledRaster("s.tif", None, None, ground)
    (example,) = draw_examples(land.predictor(), [raster], card())
    assert "row 0, column 0" in example.caption
    picture = decoded(example.png)
    white = (picture == 255).all(0)
    assert white[:132].all()
    assert not white[144:, :384].all(1).any()


def test_true_colour_takes_red_green_and_blue():
    """Ascending in the red band only."""
    image = np.zeros((9, 4, 25), np.float32)
    image[2] = np.arange(100).reshape(4, 25)
    valid = np.ones((4, 25), bool)
    valid[0, 0] = False
    found = true_colour(image, valid, land.CARD)
    assert found.shape == (4, 25, 3)
    assert found[0, 0].tolist() == [255, 255, 255]
    assert found[3, 24].tolist() == [255, 0, 0]
    assert (np.diff(found[1:, :, 0].ravel().astype(int)) >= 0).all()


def test_bands_without_names_are_shown_as_they_come():
    card = dataclasses.replace(land.CARD, bands=land.other_bands(2))
    image = np.stack([np.arange(9).reshape(3, 3), np.arange(9)[::-1].reshape(3, 3)])
    found = true_colour(image.astype(np.float32), np.ones((3, 3), bool), card)
    assert found[2, 2, 0] == 255 and found[2, 2, 1] == found[2, 2, 2] == 0


def test_a_window_without_a_valid_pixel_is_white():
    found = true_colour(np.zeros((9, 2, 2), np.float32), np.zeros((2, 2), bool), land.CARD)
    assert (found == 255).all()
