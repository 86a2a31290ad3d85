"""References that the model was trained on, in evaluations of maps and of models."""

import dataclasses
import json

import numpy as np
import pytest
import rasterio

from engine.assess.references import read_references
from engine.card_editing import write_with_card
from engine.data.grid import Grid
from engine.data.label_fingerprints import to_keep
from engine.data.opening import grid_of
from engine.model_file import read_card, verify
from engine.progress import Progress
from tests.engine.assess.judging import TITLES, VALUES, judge, points, square
from tests.engine.assess.maps import CLASSES, write_map, write_vector
from tests.engine.assess.models import brightest_band_model, write_image

WARNING = "labels that the model was trained on"


def trained_model(tmp_path, reference, count):
    """A model whose card has the fingerprints of the first labels of a file."""
    plain = brightest_band_model(tmp_path / "plain.onnx")
    with rasterio.open(
        write_image(tmp_path / "grid.tif", np.ones((3, 40, 50), np.uint8))
    ) as dataset:
        grid: Grid = grid_of(dataset, "grid.tif")
    found = read_references(str(reference), "kind", grid).fingerprints
    card = read_card(tmp_path / "plain.onnx")
    card = dataclasses.replace(card, training={"label_fingerprints": to_keep(found[:count])})
    write_with_card(tmp_path / "plain.onnx", tmp_path / "trained.onnx", card, Progress())
    return tmp_path / "trained.onnx", plain


@pytest.fixture
def areas(tmp_path):
    squares = [square(2 + 6 * k, c, 4) for k in range(6) for c in (5, 30)]
    names = np.array([TITLES[1 + k % 2] for k in range(12)], object)
    return write_vector(tmp_path / "areas.gpkg", squares, kind=names)


def tagged_map(tmp_path, model, sha256):
    values = np.ones((40, 50), np.uint8)
    values[:, 25:] = 2
    path = write_map(tmp_path / "map.tif", values, classes=CLASSES)
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(
            SPECTRALGPT_PARAMETERS=json.dumps({"model": str(model)}),
            SPECTRALGPT_MODEL_SHA256=sha256,
        )
    return path


def warned(result):
    return [text for text in result["warnings"] if WARNING in text]


def test_a_map_judged_by_labels_of_its_model_is_warned_of(tmp_path, areas):
    model, _ = trained_model(tmp_path, areas, 9)
    path = tagged_map(tmp_path, model, verify(model))
    (text,) = warned(judge(path, areas, field="kind"))
    assert text.startswith("9 of 12 references are")


def test_a_map_of_a_model_that_is_gone_or_has_changed_says_nothing(tmp_path, areas):
    model, _ = trained_model(tmp_path, areas, 9)
    assert not warned(judge(tagged_map(tmp_path, model, "0" * 64), areas, field="kind"))
    gone = tmp_path / "gone.onnx"
    assert not warned(judge(tagged_map(tmp_path, gone, verify(model)), areas, field="kind"))


def test_other_references_are_not_warned_of(tmp_path, areas):
    model, _ = trained_model(tmp_path, areas, 9)
    path = tagged_map(tmp_path, model, verify(model))
    rows, columns = np.divmod(np.arange(0, 2000, 13), 50)
    others = points(tmp_path, [TITLES[v] for v in VALUES[rows, columns]], rows, columns)
    assert not warned(judge(path, others, field="kind"))


def test_a_model_judged_by_its_labels_is_warned_of(tmp_path):
    values = np.zeros((3, 40, 50), np.uint8)
    values[0, :, :25] = 200
    values[1, :, 25:] = 200
    image = write_image(tmp_path / "image.tif", values)
    squares = [square(2 + 6 * k, c, 4) for k in range(6) for c in (5, 30)]
    names = np.array(["Rather blue", "Rather green"] * 6, object)
    areas = write_vector(tmp_path / "areas.gpkg", squares, kind=names)
    model, plain = trained_model(tmp_path, areas, 12)
    (text,) = warned(judge(image, areas, field="kind", model=str(model)))
    assert text.startswith("12 of 12 references are")
    assert not warned(judge(image, areas, field="kind", model=plain))
