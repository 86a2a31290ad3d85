from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.cards import Band
from engine.infer import backend_samples
from engine.infer.backend_samples import MOST, sample_windows
from engine.model_file import read_card
from engine.model_folders import shipped_models


@pytest.mark.parametrize("name", ["landcover", "scenes"])
def test_windows_of_the_sample_serve_the_models_that_ship(name):
    card = read_card(shipped_models() / f"{name}.onnx")
    windows = sample_windows(card)
    assert 0 < len(windows) <= MOST
    for feeds in windows:
        assert feeds["image"].shape == (1, len(card.bands), card.window, card.window)
        assert feeds["valid"].mean() >= 0.5
        assert 0.0 < feeds["image"].max() < 2.0  # reflectance


def test_change_sees_both_dates():
    card = read_card(shipped_models() / "change.onnx")
    for feeds in sample_windows(card):
        assert feeds["before"].shape == feeds["after"].shape
        assert np.abs(feeds["before"] - feeds["after"]).max() > 0


def test_a_model_of_other_bands_has_none(segmenter):
    card = read_card(Path(segmenter()))
    thermal = Band("TIR", "lwir11", 10.9, 0.6)
    assert sample_windows(replace(card, bands=(thermal, *card.bands[1:]))) == []


def test_without_the_sample_there_are_none(monkeypatch, tmp_path):
    monkeypatch.setattr(backend_samples, "SAMPLE", tmp_path)
    assert sample_windows(read_card(shipped_models() / "landcover.onnx")) == []
