"""The choices of the last run are offered again."""

from __future__ import annotations

import pytest

from spectralgpt_qgis import settings
from spectralgpt_qgis.gui.last_choices import LastChoices
from spectralgpt_qgis.run_journal import FinishedRun, journal


@pytest.fixture
def choices(qgis_app):
    settings.set_value("last_choices", "")
    made = LastChoices(None)
    made.add()
    yield made
    made.remove()
    settings.set_value("last_choices", "")


def ended(algorithm, **chosen):
    journal.tell(FinishedRun(algorithm, "A tool", ("A layer",), choices=chosen))


def test_each_tool_has_its_own_last_choices(choices):
    assert choices.recall("spectralgpt:segment") == {}
    ended("spectralgpt:segment", MODEL="mine", OVERLAP=50)
    ended("spectralgpt:classify", MODEL="scenes")
    ended("spectralgpt:segment", MODEL="other", OVERLAP=25)
    assert choices.recall("spectralgpt:segment") == {"MODEL": "other", "OVERLAP": 25}
    assert choices.recall("spectralgpt:classify") == {"MODEL": "scenes"}


def test_a_run_without_choices_changes_nothing(choices):
    ended("spectralgpt:segment", MODEL="mine")
    ended("spectralgpt:segment")
    assert choices.recall("spectralgpt:segment") == {"MODEL": "mine"}


@pytest.mark.parametrize("damaged", ["{", "[1]"])
def test_damaged_settings_are_as_none(choices, damaged):
    settings.set_value("last_choices", damaged)
    assert choices.recall("spectralgpt:segment") == {}
    ended("spectralgpt:segment", MODEL="mine")
    assert choices.recall("spectralgpt:segment") == {"MODEL": "mine"}
