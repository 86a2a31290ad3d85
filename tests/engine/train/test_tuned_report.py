"""The report of a fine-tuning."""

import base64
import re

import numpy as np
import pytest

from engine.language import speaking
from engine.train.tuned_report import Example, Run, write_report
from tests.engine.report.reading import left_in_english, said_quietly, shout
from tests.engine.train.test_tuned_card import finish, job

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture
def page(tmp_path):
    def write(matrix=None, **more):
        given = {
            "job": job(), "card": finish(matrix), "method": "quick", "reason": "few <labels>",
            "matrix": matrix, "history": (), "warnings": (), "facts": [("Backbone", "small & fine")],
        }  # fmt: skip
        write_report(tmp_path / "report.html", Run(**{**given, **more}))
        return (tmp_path / "report.html").read_text(encoding="utf-8")

    return write


def test_all_that_one_wants_to_know(page):
    found = page(
        np.diag([5, 3, 2]),
        history=[{"loss": 1.0, "val_miou": 0.5}, {"loss": 0.5, "val_miou": 0.75}],
        warnings=["Draw <more> water"],
        examples=[Example(PNG, "scene.tif, row 3")],
    )
    for words in (
        "Overall accuracy", "100", "Precision", "Recall", "IoU", "Held-back pixels", "by hand",
        "Loss", "On held-back labels", "scene.tif, row 3", "small &amp; fine", "few &lt;labels&gt;",
        "Draw &lt;more&gt; water", "Labelled pixels", "Run again", "finetune", "--labels",
        "data:image/png;base64,",
    ):  # fmt: skip
        assert words in found, words
    for name in ("Bare", "Trees", "Water"):
        assert name in found


def test_nothing_is_fetched_from_elsewhere(page):
    found = page(np.diag([5, 3, 2]), examples=[Example(PNG, "x")])
    assert not re.search(r"""(src|href|url)\s*[=(]\s*["']?\s*(https?:)?//""", found)
    assert "<script" not in found and "<link" not in found


def test_without_held_back_labels_it_says_so(page):
    found = page()
    assert "not known: no labels could be held back" in found
    assert "Held-back pixels" not in found and "Overall accuracy" not in found


EVERYTHING = {
    "history": [{"loss": 1.0, "val_miou": 0.5, "val_map": 0.5, "val_accuracy": 0.75}] * 2,
    "warnings": [
        "The raster scene.tif has complex values, as some radar products do. Convert it to real values first."
    ],
    "reason": "with 12 labelled places and a GPU, all weights are trained",
    "examples": [Example(PNG, "17")],
    "facts": [],
}
DATA = ("Bare", "Trees", "Water", "mine", "scene.tif", "by hand")


@pytest.mark.parametrize("method", ["quick", "adapters", "full"])
@pytest.mark.parametrize("matrix", [None, np.diag([5, 3, 2])])
def test_nothing_is_left_untranslated(page, monkeypatch, method, matrix):
    shout(monkeypatch)
    with speaking("xx"):
        assert said_quietly(page(matrix, method=method, **EVERYTHING), DATA) == []


@pytest.mark.parametrize(("code", "accuracy"), [("de", "Gesamtgenauigkeit"), ("zh", "总体精度")])
def test_a_report_in_the_readers_language(page, code, accuracy):
    with speaking(code):
        found = page(np.diag([5000, 3, 2]), **EVERYTHING)
    assert left_in_english(found, code) == []
    assert accuracy in found and f'<html lang="{code}' in found
    assert ("1,000" in found, "1.000" in found) == (code == "de", code == "zh")
