"""The reader's language: which one serves a wish, and how texts and messages are put into it."""

import threading

import pytest

from engine import language
from engine.language import (
    decimal_sign,
    html_code,
    language_code,
    marked,
    speaking,
    told,
    tr,
)
from tests.engine.report.reading import english_texts, translations

LANGUAGES = ["de", "es", "fr", "pt", "zh"]


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ("de", "de"), ("de_AT.UTF-8@euro", "de"), ("pt-BR", "pt"), ("zh-Hans", "zh"), ("ZH_cn", "zh"),
        ("en_GB", "en"), ("nl", "en"), ("nl:fr", "fr"), ("en:de", "en"), ("C.UTF-8", "en"), ("", "en"),
        ("../de", "en"),
    ],
)  # fmt: skip
def test_a_wish_is_served_by_a_catalogue_or_english(wanted, code):
    assert language_code(wanted) == code


def test_without_a_wish_the_environment_decides_as_for_gettext(monkeypatch):
    monkeypatch.setenv("LANG", "es_ES.UTF-8")
    assert language_code() == "es"
    monkeypatch.setenv("LC_ALL", "C")
    assert language_code() == "en"
    monkeypatch.setenv("LANGUAGE", "nl:de")
    assert language_code() == "de"
    assert language_code("fr") == "fr"


def test_a_text_is_translated_while_the_language_is_spoken():
    assert tr("Confusion matrix") == "Confusion matrix"
    with speaking("de"):
        assert (tr("Confusion matrix"), html_code(), decimal_sign()) == (
            "Konfusionsmatrix",
            "de",
            ",",
        )
        with speaking("zh-Hans"):
            assert (tr("Confusion matrix"), html_code(), decimal_sign()) == (
                "混淆矩阵",
                "zh-Hans",
                ".",
            )
        assert tr("Confusion matrix") == "Konfusionsmatrix"
        assert tr("in no catalogue") == "in no catalogue"
    assert (tr("Confusion matrix"), html_code(), decimal_sign()) == ("Confusion matrix", "en", ".")


def test_another_job_in_the_same_process_speaks_its_own():
    heard = []
    with speaking("de"):
        other = threading.Thread(target=lambda: heard.append(tr("Confusion matrix")))
        other.start()
        other.join()
    assert heard == ["Confusion matrix"]


def test_a_message_is_recognised_and_its_gaps_are_filled_again():
    message = "3 of 40 reference samples lie where the map has no data. They are left out."
    assert told(message) == message
    with speaking("fr"):
        found = told(message)
        assert found != message and "3" in found and "40" in found
        assert told("Segmentation fault") == "Segmentation fault"


def test_a_message_within_a_message_is_translated_too():
    few = "with 12 labelled places and a GPU, all weights are trained"
    with speaking("de"):
        assert told(few).startswith("12 Stellen mit Labels")
        assert told(f"scene.tif: {few}") == f"scene.tif: {told(few)}"
        values, offset = (
            "uint16 values / 10000",
            "after removing the offset of 1000 indicated by dark pixels",
        )
        assert told(f"{values}, {offset}") == f"{told(values)}, {told(offset)}"
        assert told(values) == "uint16-Werte / 10000"
        assert told(f"Raster, values: {values}") == "Raster, Werte: uint16-Werte / 10000"


def test_numbers_in_a_message_have_the_sign_of_the_language():
    better = (
        "Training the backbone did not improve the accuracy on held-back labels (0.912 instead of 0.95). "
        "The model with an unchanged backbone is kept."
    )
    with speaking("de"):
        assert "(0,912 gegen 0,95)" in told(better)
    with speaking("zh"):
        assert "0.912" in told(better)


def test_marked_messages_stay_as_they_are():
    assert marked("which gives reflectance") == "which gives reflectance"


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_text_of_the_engine_is_in_every_language(code):
    """That placeholders agree, and nothing is left over, tests/plugin/test_translations.py sees."""
    with speaking(code):
        spoken = language._spoken.get().texts
    assert english_texts()
    assert [text for text in english_texts() if not spoken.get(text)] == []
    assert dict(spoken) == translations.translated(translations.FOLDER / f"spectralgpt_{code}.ts")


@pytest.mark.parametrize("content", [None, "<TS>not closed"])
def test_a_catalogue_that_cannot_be_read_leaves_english(tmp_path, monkeypatch, content):
    monkeypatch.setattr(language, "_catalogue", lambda code: tmp_path / f"{code}.ts")
    if content:
        (tmp_path / "de.ts").write_text(content, encoding="utf-8")
    language._read.cache_clear()
    with speaking("de"):
        assert (tr("Confusion matrix"), html_code()) == ("Confusion matrix", "en")
    language._read.cache_clear()
