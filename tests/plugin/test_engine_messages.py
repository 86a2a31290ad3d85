"""Translation of the engine's messages: recognised by their templates, with the gaps filled in again."""

from __future__ import annotations

import json
import sys
from string import Formatter

import pytest
from qgis.PyQt.QtCore import QLocale

from spectralgpt_qgis import engine_messages, i18n, paths
from spectralgpt_qgis.engine_messages import in_users_language, recognise
from spectralgpt_qgis.gui.describe.words import match_words

sys.path.insert(0, str(paths.ROOT / "scripts"))
import message_templates as collected

TEXTS = json.loads(paths.ENGINE_MESSAGES.read_text(encoding="utf-8"))


@pytest.fixture
def shouting(monkeypatch):
    """A test language: English in capitals, except for gaps."""

    def shout(text):
        pieces = Formatter().parse(text)
        return "".join(
            literal.upper().replace("{", "{{").replace("}", "}}")
            + ("" if gap is None else f"{{{gap}}}")
            for literal, gap, _, _ in pieces
        )

    monkeypatch.setattr(engine_messages, "translated", shout)
    monkeypatch.setattr(engine_messages, "speaks_english", lambda: False)
    in_users_language.cache_clear()
    yield
    in_users_language.cache_clear()


def test_the_list_is_what_the_engine_says():
    assert sorted(dict(collected.collect())) == TEXTS, "run scripts/translations.py"


@pytest.mark.parametrize("text", TEXTS)
def test_every_message_is_recognised(text):
    gaps = sum(gap is not None for _, gap, _, _ in Formatter().parse(text))
    message = text.format("", *(f"<{number}>" for number in range(gaps)))
    template, found = recognise(message)
    assert template.text.format("", *found) == message
    assert len(template.pattern.pattern) >= len(engine_messages.Template.of(text).pattern.pattern)


def test_what_fills_the_gaps_is_put_in_again(shouting):
    assert in_users_language("Device: cpu (spare part)") == "DEVICE: cpu (spare part)"


def test_figures_have_the_sign_of_the_users_language_and_names_keep_theirs(shouting, monkeypatch):
    monkeypatch.setattr(i18n, "QLocale", lambda: QLocale("de"))
    said = in_users_language("Threshold: 0.451 (specified; the model's own is 0.500)")
    assert said == "THRESHOLD: 0,451 (SPECIFIED; THE MODEL'S OWN IS 0,500)"
    said = in_users_language(
        "Estimate: 16 windows, 5 s, 1.5 GB of memory, 0.8 MB of disk space (69.6 GB free)"
    )
    assert [part for part in said.split() if "," in part and part[0].isdigit()] == ["1,5", "0,8"]
    assert "(69,6 GB" in said
    assert in_users_language("Device: 1.5.tif (spare part)") == "DEVICE: 1.5.tif (spare part)"


def test_a_gap_at_the_start_does_not_take_in_another_message(shouting):
    said = "Raster, values: int16 values / 10000"
    assert in_users_language(said) == "Raster, VALUES: int16 VALUES / 10000"
    # As a last resort it may, since file names can contain anything.
    assert recognise("a: b values / 100")[0].text == "{1} values / 100"


def test_a_message_within_a_message_is_translated_too(shouting):
    inner = "The disk is full. Free some space, or choose another folder for the engine in the settings."
    outer = f"The processor is used instead of the GPU. {inner}"
    assert in_users_language(outer) == outer.upper()


def test_messages_that_are_joined_are_translated_one_by_one(shouting):
    """A message after a file name, two sentences where either has the space between them, and an unknown rest."""
    one = "All held-back labels lie on no-data pixels of the rasters, so the accuracy of the model cannot be assessed."
    for joined in (
        f"scene.tif: {one} Draw more labels where the raster has valid pixels.",
        "The model needs 3 GB, but a single ONNX file can hold at most 2 GB. Write a .safetensors model instead. "
        "Use a smaller model.",
        "uint16 values / 10000, which gives reflectance",
    ):
        told = in_users_language(joined)
        assert told.upper() == joined.upper() and told != joined
    assert in_users_language("Use a smaller model. Segmentation fault") == (
        "USE A SMALLER MODEL. Segmentation fault"
    )


def test_a_raster_that_cannot_serve_is_refused_in_the_users_language(shouting):
    """The most frequent message: the given bands, the missing ones, and what to do."""
    needs = (
        'The raster has 2 bands: 1 "1", 2 "2"; the names are only band numbers. '
        "The model needs B02, B03, but these were not found: B02. "
    )
    rest = "At least 6 bands are needed. Use a raster with all of them, or another model."
    refused = in_users_language(needs + rest)
    assert refused == refused.upper()
    assert in_users_language(f"/in/scene.tif: {needs}{rest}") == f"/in/scene.tif: {refused}"


def test_every_band_that_was_matched_is_told_in_the_users_language(shouting):
    said = 'Raster, bands: B02 = band 2, name "B02"; B8A = left out; B11 = band 4, name "B11"'
    assert in_users_language(said) == said.upper().replace("RASTER", "Raster")


def test_what_nobody_knows_stays(shouting):
    assert in_users_language("Segmentation fault") == "Segmentation fault"
    assert in_users_language("") == ""


def test_english_stays_english(monkeypatch):
    monkeypatch.setattr(engine_messages, "recognise", None)  # must not even be called
    assert i18n.speaks_english()
    assert in_users_language("Copying the model") == "Copying the model"


def test_templates_are_made_of_what_is_told_and_of_sentences():
    source = '''
"""A module that says nothing itself."""
def work(path, progress):
    """Says how far it is."""
    progress.update(0.5, "Reading")
    progress.log(f"{path}: {len(path)} letters")
    if not path:
        raise ValueError(f"The raster {path!r} is empty. "
                         f"Choose {'another' if path else 'one'}, not {{}}.")
    return "no sentence"
'''
    assert collected.templates(source) == [
        "Reading",
        "{1}: {2} letters",
        "The raster {1} is empty. Choose {2}, not {{}}.",
    ]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ('name "B02"', 'NAME "B02"'),
        ('name "a, b"', 'NAME "a, b"'),
        ('name "B8A", used in place of B08', 'NAME "B8A", USED IN PLACE OF B08'),
        ("wavelength 490 nm", "WAVELENGTH 490 NM"),
        ("left out: no B11, B12", "LEFT OUT: NO B11, B12"),
    ],
)
def test_why_a_band_serves_is_said_in_the_users_language(shouting, said, told):
    assert in_users_language(said) == told
    model = {"match": [{"model": "B02", "raster": 2, "by": said}]}
    assert match_words(model) == f"B02: band 2, by {told}"
