"""A model whose scores are bands of its input."""

import numpy as np

from engine.benchmark.speed.null_model import write_null_model
from engine.infer.onnx_backend import CPU, OnnxBackend
from engine.model_file import read_card


def test_ten_of_the_bands_come_back(tmp_path):
    path = write_null_model(tmp_path)
    card = read_card(path)
    image = np.random.default_rng(0).random((2, 12, card.window, card.window), np.float32)
    scores = OnnxBackend(path, card, CPU, 1).predict({"image": image})
    np.testing.assert_array_equal(scores, image[:, :10])
    assert len(card.classes) == 10
