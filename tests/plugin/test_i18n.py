"""Figures in the number format of the user's language."""

from __future__ import annotations

import pytest
from qgis.core import QgsRasterLayer
from qgis.PyQt.QtCore import QLocale
from qgis.PyQt.QtGui import QPalette

from spectralgpt_qgis.gui.describe import words
from spectralgpt_qgis.gui.models.figures import number
from spectralgpt_qgis.gui.options import engine_words
from spectralgpt_qgis.gui.training.accuracy_words import headline, percent
from spectralgpt_qgis.gui.training.confusion_matrix import short
from spectralgpt_qgis.i18n import localised


@pytest.fixture(params=[("de_DE", ","), ("en_US", ".")], ids=["de", "en"])
def sign(request):
    """The decimal separator of a language that is set for the test."""
    before, (name, sign) = QLocale(), request.param
    QLocale.setDefault(QLocale(name))
    yield sign
    QLocale.setDefault(before)


def test_decimals_have_the_sign_of_the_language_and_nothing_else_changes(sign):
    assert localised("12.5 s. Zoom in: a.tif, 1.") == f"12{sign}5 s. Zoom in: a.tif, 1."


def test_the_windows_write_figures_so(sign):
    assert engine_words.bytes_in_words(74.7e9) == f"74{sign}7 GB"
    assert percent(0.9968) == f"99{sign}7\N{NO-BREAK SPACE}%"
    assert short(1234) == f"1{sign}2k"
    assert number(0.9123) == f"0{sign}912"


def test_so_do_sentences_around_figures(sign, scene):
    model = {"missing": [], "verdict": "doubtful", "scale": 0.25, "gsd": 10.0, "left_out": []}
    assert words.reason_words(model) == f"Pixels of 2{sign}5 m; the model was trained on 10 m"
    raster = {"pixel_metres": [9.97, 10.03], "pixel": [0.000121, 0.00009]}
    assert words.pixel_words(raster, QgsRasterLayer(scene)) == (
        f"9{sign}97 × 10{sign}03 m on the ground (0{sign}000121 × 0{sign}000090 degrees)"
    )
    device = {"device": "cpu", "works": True, "name": "A", "milliseconds": 12.5, "window": 64}
    assert f"12{sign}5 ms" in engine_words.tested_text(
        {"when": "", "devices": [device]}, QPalette()
    )
    assert f"precision 0{sign}83 (1 is best)" in headline({"map": 0.834}, True)
