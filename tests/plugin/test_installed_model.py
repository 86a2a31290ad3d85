"""Models from the engine's list: texts of shipped models are translated, those of a user's own models are not."""

from __future__ import annotations

import pytest

from spectralgpt_qgis import engine_messages, installed_model
from spectralgpt_qgis.installed_model import read_model


@pytest.fixture
def shouting(monkeypatch):
    """A test language: English in capitals."""
    monkeypatch.setattr(installed_model, "translated", str.upper)
    monkeypatch.setattr(engine_messages, "translated", str.upper)
    monkeypatch.setattr(engine_messages, "speaks_english", lambda: False)
    engine_messages.in_users_language.cache_clear()
    yield
    engine_messages.in_users_language.cache_clear()


def listed(origin, description):
    return {
        "name": "landcover",
        "task": "segmentation",
        "path": "/m/landcover.onnx",
        "title": "Land cover",
        "origin": origin,
        "card": {
            "properties": {
                "description": description,
                "mlm:output": [{"classification:classes": [{"name": "water", "title": "Water"}]}],
            }
        },
    }


def test_a_model_that_ships_is_told_in_the_users_language(shouting):
    model = read_model(listed("shipped", "Land cover of every pixel."))
    assert (model.name, model.title) == ("landcover", "LAND COVER")
    assert model.description == "LAND COVER OF EVERY PIXEL."
    assert model.classes == (("WATER", "#808080"),)


def test_a_users_own_model_keeps_its_names(shouting):
    """But a text in its card that the engine wrote is translated like a message of the engine."""
    model = read_model(
        listed("own", "Trained on the user's own labels of 2 classes (a, b), starting from X.")
    )
    assert (model.title, model.classes) == ("Land cover", (("Water", "#808080"),))
    assert model.description.startswith("TRAINED ON THE USER'S OWN LABELS OF")
    assert read_model(listed("own", "My fields.")).description == "My fields."
