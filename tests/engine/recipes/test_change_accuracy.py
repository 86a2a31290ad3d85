from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.export.onnx import export_onnx
from engine.model.config import SpectralGPTConfig
from engine.model.pixel_change import PixelChange
from engine.model.predictor import Predictor
from engine.recipes import change
from engine.recipes.change_accuracy import measure
from engine.recipes.collections import Scene
from engine.train.metrics import roc_auc

SMALL = SpectralGPTConfig(
    bands=9,
    image_size=128,
    dim=16,
    depth=1,
    heads=2,
    decoder_dim=16,
    decoder_depth=1,
    decoder_heads=2,
)


def scenes() -> tuple[Scene, Scene, np.ndarray]:
    """A pair of 100 x 90 pixels with a new building and a corner without data."""
    rng = np.random.default_rng(1)
    before = 0.2 + 0.02 * rng.standard_normal((9, 100, 90)).astype(np.float32)
    after = before + 0.01 * rng.standard_normal((9, 100, 90)).astype(np.float32)
    truth = np.zeros((100, 90), np.uint8)
    truth[30:40, 50:65] = 1
    after[:, truth == 1] += 0.2
    valid = np.ones((100, 90), bool)
    one = Scene("before", before, valid, "L1C")
    return one, Scene("after", after, valid, "L1C"), truth


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    network = PixelChange(SMALL, (4, 6, 8, 10))
    card = change.change_card(network, change.STAGES, {})
    path = tmp_path_factory.mktemp("models") / "change.onnx"
    export_onnx(Predictor(network, card), card, path, quick=True)
    return path


def test_measures_only_where_the_truth_is_known(untrained: Path) -> None:
    before, after, truth = scenes()
    truth[:50] = 255
    truth[80:90, 10:30] = 1
    figures = measure(untrained, before, after, truth)
    assert figures["changed"] == pytest.approx(200 / (50 * 90), abs=1e-4)


def test_compares_with_vector_analysis_of_six_standardised_bands(untrained: Path) -> None:
    before, after, truth = scenes()
    six = [0, 1, 2, 6, 7, 8]
    parts = [
        (image[six] - image[six].mean((1, 2), keepdims=True))
        / image[six].std((1, 2), keepdims=True)
        for image in (before.image, after.image)
    ]
    vector = np.linalg.norm(parts[1] - parts[0], axis=0)
    figures = measure(untrained, before, after, truth)
    assert figures["roc_auc_cva"] == pytest.approx(roc_auc(truth == 1, vector), abs=2e-4)
    assert figures["roc_auc_cva"] > 0.95  # the building is bright
    assert 0 <= figures["roc_auc"] <= 1 and 0 <= figures["f1"] <= 1
