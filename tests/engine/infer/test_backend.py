from pathlib import Path

import numpy as np
import pytest

from engine.errors import ModelInvalid
from engine.infer import backend
from engine.infer.backend import check_graph, checked_scores, lanes_of
from engine.model_file import read_card


@pytest.mark.parametrize(
    ("threads", "expected"),
    [(1, (1, 1)), (2, (2, 1)), (8, (8, 1)), (16, (8, 2)), (20, (8, 2))],
)
def test_threads_run_side_by_side_until_memory_is_the_limit(threads, expected, monkeypatch):
    monkeypatch.setattr(backend, "processors", lambda: 64)
    assert lanes_of(threads) == expected


def test_no_number_of_threads_means_all_processors(monkeypatch):
    monkeypatch.setattr(backend, "processors", lambda: 4)
    assert lanes_of(0) == (4, 1)


def test_more_threads_than_processors_are_not_used(monkeypatch):
    monkeypatch.setattr(backend, "processors", lambda: 2)
    assert lanes_of(1000) == (2, 1)


@pytest.fixture
def card(segmenter):
    return read_card(Path(segmenter()))  # 3 bands, window 16, 3 classes


def test_free_sizes_and_known_inputs_belong_to_the_card(card):
    inputs = {"image": [None, 3, "rows", 16], "valid": ["batch", 1, 16, 16], "groups": ["present"]}
    check_graph(Path("model.onnx"), card, inputs, ["probabilities", "tokens"])


@pytest.mark.parametrize(
    ("inputs", "outputs", "said"),
    [
        ({"image": [None, 4, 16, 16]}, ["probabilities"], r"expects \[4, 16, 16\].*\[3, 16, 16\]"),
        ({"before": [None, 3, 16, 16]}, ["probabilities"], "needs image"),
        ({"image": [None, 3, 16, 16], "date": [1]}, ["probabilities"], "inputs date, image"),
        ({"image": [None, 3, 16, 16]}, ["logits"], "outputs logits"),
    ],
)
def test_other_graphs_do_not(card, inputs, outputs, said):
    with pytest.raises(ModelInvalid, match=said):
        check_graph(Path("model.onnx"), card, inputs, outputs)


def test_scores_have_one_plane_a_class(card):
    scores = checked_scores(np.ones((2, 3, 16, 16), np.float64), Path("model.onnx"), card)
    assert (scores.dtype, scores.shape) == (np.float32, (2, 3, 16, 16))
    for shape in [(2, 4, 16, 16), (2, 3, 16)]:
        with pytest.raises(ModelInvalid, match="its card has 3 classes"):
            checked_scores(np.ones(shape), Path("model.onnx"), card)
