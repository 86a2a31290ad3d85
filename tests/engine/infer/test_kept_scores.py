"""What a GPU is compared with: computed once, read afterwards, and computed again where it is damaged."""

from pathlib import Path

import numpy as np
import pytest

from engine.infer.kept_scores import expected_scores, some_scores
from engine.infer.onnx_backend import CPU, OnnxBackend
from engine.model_file import read_card


@pytest.fixture
def expected(segmenter):
    """The scores, and how often the processor's backend has been opened."""
    path = Path(segmenter())
    card = read_card(path)
    opened = []

    def open_processor():
        opened.append("processor")
        return OnnxBackend(path, card, CPU, 1)

    return lambda: (expected_scores(path, card, open_processor), len(opened))


def test_computed_once(expected):
    scores, opened = expected()
    again, opened_again = expected()
    assert opened == opened_again == 1
    np.testing.assert_array_equal(scores, again)


def test_a_damaged_file_is_computed_again(expected, tmp_path):
    scores, _ = expected()
    (file,) = (tmp_path / "scores").iterdir()
    file.write_bytes(file.read_bytes()[:40])
    again, opened = expected()
    assert opened == 2
    np.testing.assert_array_equal(scores, again)


def test_an_environment_that_may_not_be_written(expected, tmp_path):
    (tmp_path / "scores").write_text("a file where the folder should be")
    assert expected()[1] == 1
    assert expected()[1] == 2  # computed each time, and nothing is raised


def test_one_pixel_of_sixteen():
    scores = np.arange(2 * 3 * 8 * 8, dtype=np.float32).reshape(2, 3, 8, 8)
    kept = some_scores(scores)
    assert kept.shape == (2, 3, 2, 2)
    assert kept[0, 0].tolist() == [[0, 4], [32, 36]]
    assert some_scores(scores[..., 0, 0]).shape == (2, 3)  # scenes: all
