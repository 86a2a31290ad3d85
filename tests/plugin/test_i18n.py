"""Figures as the user's language writes them."""

from __future__ import annotations

import pytest
from qgis.PyQt.QtCore import QLocale

from spectralgpt_qgis.gui.models.figures import number
from spectralgpt_qgis.gui.options.engine_words import bytes_in_words
from spectralgpt_qgis.gui.training.accuracy_words import percent
from spectralgpt_qgis.gui.training.confusion_matrix import short
from spectralgpt_qgis.i18n import localised


@pytest.fixture(params=[("de_DE", ","), ("en_US", ".")], ids=["de", "en"])
def sign(request):
    """The decimal sign of a language that QGIS shows meanwhile."""
    before, (name, sign) = QLocale(), request.param
    QLocale.setDefault(QLocale(name))
    yield sign
    QLocale.setDefault(before)


def test_decimals_have_the_sign_of_the_language_and_nothing_else_changes(sign):
    assert localised("12.5 s. Zoom in: a.tif, 1.") == f"12{sign}5 s. Zoom in: a.tif, 1."


def test_the_windows_write_figures_so(sign):
    assert bytes_in_words(74.7e9) == f"74{sign}7 GB"
    assert percent(0.9968) == f"99{sign}7\N{NO-BREAK SPACE}%"
    assert short(1234) == f"1{sign}2k"
    assert number(0.9123) == f"0{sign}912"
