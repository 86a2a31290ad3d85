"""Queries about models that the user cancels in QGIS's task manager."""

from __future__ import annotations

import pytest
from qgis.core import QgsApplication

from spectralgpt_qgis.gui.models.query import ModelQuery, question_of
from tests.plugin.sample_labels import SCENE
from tests.plugin.waiting import wait


@pytest.fixture
def query(models):
    made = ModelQuery()
    yield made
    made.stop()
    made.deleteLater()


def test_a_listing_that_was_ended_can_be_asked_for_again(query):
    told = []
    query.listed.connect(told.append)
    assert query.list_models(anew=True)
    QgsApplication.taskManager().cancelAll()
    wait(lambda: told)
    assert told == [[]] and not query.busy
    assert query.list_models(anew=True)
    wait(lambda: len(told) == 2)


def test_a_comparison_that_was_ended_compares_nothing(query):
    told = []
    query.compared.connect(told.append)
    query.compare(question_of(SCENE))
    wait(lambda: QgsApplication.taskManager().countActiveTasks())
    QgsApplication.taskManager().cancelAll()
    wait(lambda: told)
    assert told == [{}] and not query.busy
