"""Translations are complete, have the placeholders and tags of the source, and load for QGIS's names of languages."""

from __future__ import annotations

import re
import string
import sys

import pytest
from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QCoreApplication

from spectralgpt_qgis import paths, plugin
from spectralgpt_qgis.i18n import language, tr
from spectralgpt_qgis.published_weights import published_weights

sys.path.insert(0, str(paths.ROOT / "scripts"))
import translations

TEXTS = list(translations.all_texts())
FILES = translations.languages()
NAMES = [path.stem.partition("_")[2] for path in FILES]


def placeholders(text):
    return sorted(
        (name, spec) for _, name, spec, _ in string.Formatter().parse(text) if name is not None
    )


def tags(text):
    return sorted(re.findall(r"</?[a-z][a-z0-9]*>?", text))


def test_the_languages_that_were_promised():
    assert NAMES == ["de", "es", "fr", "pt", "zh"]


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_every_text_is_translated_and_none_is_left_over(path):
    done = translations.translated(path)
    assert [text for text in TEXTS if not done.get(text, "").strip()] == []
    assert [text for text in done if text not in TEXTS] == []


def test_what_ships_as_data_is_translated_too():
    """They are translated by :func:`spectralgpt_qgis.i18n.translated`."""
    for item in published_weights():
        assert item.about in TEXTS and item.licence in TEXTS


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_what_is_filled_in_and_what_is_marked_up_agree(path):
    wrong = [
        (text, translation)
        for text, translation in translations.translated(path).items()
        if placeholders(text) != placeholders(translation) or tags(text) != tags(translation)
    ]
    assert wrong == []


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_spaces_at_the_ends_and_dialogs_to_come_agree(path):
    """Texts that are joined to others keep their spaces; "…" means that a dialog follows."""
    wrong = [
        (text, translation)
        for text, translation in translations.translated(path).items()
        if re.match(r"\s*", text)[0] != re.match(r"\s*", translation)[0]
        or re.search(r"\s*$", text)[0] != re.search(r"\s*$", translation)[0]
        or (text.endswith("…") and not translation.endswith("…"))
    ]
    assert wrong == []


def test_the_template_holds_the_texts():
    template = (translations.FOLDER / "spectralgpt.ts").read_text(encoding="utf-8")
    assert template == translations.as_ts(translations.all_texts(), "", {}), (
        "run scripts/translations.py"
    )


@pytest.mark.parametrize(
    ("locale", "code"),
    [("de", "de"), ("pt_BR", "pt"), ("zh-Hans", "zh"), ("zh_CN", "zh"), ("fr", "fr"), ("es", "es")],
)
def test_qgis_finds_its_language(qgis_app, tmp_path, monkeypatch, locale, code):
    assert translations.compile_all(tmp_path) == 0
    monkeypatch.setattr(paths, "TRANSLATIONS", tmp_path)
    application = type(QgsApplication.instance())
    monkeypatch.setattr(application, "translation", lambda *_: locale, raising=False)
    assert language() == locale  # the language of reports
    loaded = plugin.SpectralGPTPlugin(None)
    loaded._translate()
    try:
        text = "Installed model, or path of a model file"
        expected = translations.translated(translations.FOLDER / f"spectralgpt_{code}.ts")
        assert tr(text) == expected[text] != text
    finally:
        QCoreApplication.removeTranslator(loaded._translator)


# The modules whose texts are seen together in one window, or in one step of the training dock.
GUI = paths.ROOT / "spectralgpt_qgis" / "gui"
DOCK = ("training/footer.py", "training/place_walk.py", "training/engine_missing.py")
TOGETHER = {
    "labels": (
        *DOCK,
        "training/imagery_panel.py",
        "training/raster_rows.py",
        "training/labels_panel.py",
    ),
    "options": ("training/footer.py", "training/engine_missing.py", "training/options_panel.py"),
    "result": (*DOCK, "training/result_panel.py", "training/next_places.py"),
    "models": ("models/window.py", "models/filters.py", "models/work_row.py", "models/deletion.py"),
    "engine": ("options/engine_widget.py", "options/computing_form.py", "options/install_form.py"),
    "describe": ("describe/window.py",),
}
EITHER = {"&Add pair of rasters": "&Add raster", "&Update": "&Install"}  # never both


@pytest.mark.parametrize("window", TOGETHER)
@pytest.mark.parametrize("path", [None, *FILES], ids=["en", *NAMES])
def test_no_letter_is_underlined_twice_in_a_window(path, window):
    """Of two buttons with the same letter, Alt and the letter press neither: it only moves the focus."""
    translated = translations.translated(path) if path else {}
    letters = {}
    for module in TOGETHER[window]:
        for text in re.findall(
            r'tr\("([^"]*&[^"]*)"\)', (GUI / module).read_text(encoding="utf-8")
        ):
            shown = translated.get(text, text)
            letter = shown[shown.index("&") + 1].upper()
            letters.setdefault(letter, set()).add(EITHER.get(text, text))
    assert letters
    assert {letter: texts for letter, texts in letters.items() if len(texts) > 1} == {}
