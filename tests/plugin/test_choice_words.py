"""Options are shown with their translation and the English word."""

from __future__ import annotations

import pytest

from spectralgpt_qgis import choice_words
from spectralgpt_qgis.choice_words import shown


def test_in_english_a_word_is_shown_as_it_is():
    assert [shown(word) for word in ("scenes", "gpu", "onnx")] == ["scenes", "gpu", "onnx"]


def test_a_method_says_what_it_does_in_english_too():
    assert shown("quick") == "the backbone is not changed (quick)"


@pytest.fixture
def german(monkeypatch):
    known = {"scenes": "Szenen", "{name} ({word})": "{name} ({word})"}
    monkeypatch.setattr(choice_words, "tr", lambda text: known.get(text, text))


def test_elsewhere_its_name_comes_first(german):
    assert shown("scenes") == "Szenen (scenes)"


def test_what_has_no_other_name_stays(german):
    assert shown("gpu") == "gpu"
    assert shown("segmentation") == "segmentation"
