"""The panel for options: the base models that it offers, and the resulting parameters."""

from __future__ import annotations

import shutil

import pytest
from qgis.PyQt.QtCore import Qt

from spectralgpt_qgis import paths
from spectralgpt_qgis.gui.training.options_panel import OptionsPanel
from spectralgpt_qgis.gui.training.raster_describer import Description
from spectralgpt_qgis.gui.training.training_setup import TrainingOptions
from tests.plugin.waiting import wait


@pytest.fixture
def panel(models):
    shutil.copy(paths.MODELS / "backbone.safetensors", models / "imported.safetensors")
    made = OptionsPanel()
    made.look_for_models()
    wait(lambda: made.problem() == "")
    yield made
    made.stop()
    made.deleteLater()


def offered(panel):
    return [panel._base.itemData(n) for n in range(panel._base.count())]


def test_bases_that_can_learn_the_task_are_offered(panel):
    # The shipped change model can be trained further, but only for change.
    assert sorted(offered(panel)) == ["backbone", "imported"]
    panel.show_task("change")
    assert sorted(offered(panel)) == ["backbone", "change.safetensors", "imported"]


def test_a_base_that_cannot_learn_the_task_makes_room_for_the_default(panel):
    panel.show_task("change")
    panel._base.setCurrentIndex(panel._base.findData("change.safetensors"))
    panel.show_task("scenes")
    assert panel.options().base == "backbone"
    panel._base.setEditText("/data/mine.safetensors")
    panel.show_task("change")
    assert panel.options().base == "/data/mine.safetensors"


def test_the_file_behind_the_base_is_known(panel):
    assert panel.base_path == str(paths.MODELS / "backbone.safetensors")


def test_a_base_that_does_not_fit_the_raster_comes_last_and_stays_chosen(panel):
    def judged(verdict):
        return {"verdict": verdict, "missing": [], "reason": "B05 is missing.", "left_out": []}

    shipped = str(paths.MODELS / "backbone.safetensors")
    own = str(paths.user_models() / "imported.safetensors")
    panel.show_fits(Description({own: judged("fits"), shipped: judged("unfit")}))
    assert offered(panel) == ["imported", "backbone"]
    assert "B05 is missing." in panel._base.itemData(1, Qt.ItemDataRole.ToolTipRole)
    assert panel.options().base == "backbone"


def test_what_is_rarely_changed_is_folded_away(panel):
    panel.show()
    folded = panel._advanced
    assert folded.isCollapsed()
    assert not panel._base.isVisible() and not panel._method.isVisible()
    assert panel._use.isVisible() and panel._name.isVisible()
    folded.setCollapsed(False)
    assert panel._base.isVisible() and panel._method.isVisible()


def test_the_base_has_a_name(panel, tmp_path):
    assert panel.base_title == "SpectralGPT tiny, Sentinel-2"
    panel._base.setEditText(str(tmp_path / "of_a_team.safetensors"))
    assert panel.base_title == "of_a_team"
    panel._base.setEditText("")
    assert panel.base_title == ""


def test_what_the_training_will_do_stands_above_the_folded_options(panel):
    panel.show()
    panel.show_plan("Starts from 'tiny'.", "Expected time: about 20 s.")
    assert panel._plan.isVisible() and panel._plan.text() == "Starts from 'tiny'."
    assert panel._plan.y() < panel._time.y() < panel._advanced.y()
    panel.show_plan("", "Expected time: about 20 s.")
    assert not panel._plan.isVisible()


def test_what_is_set_is_handed_on(panel):
    options = TrainingOptions("imported", "full", "here", 5, "Mine", "cpu", 30, 4, "1,2")
    panel.set_options(options)
    assert panel.options() == options


def test_retraining_starts_from_a_file(panel, tmp_path, models):
    panel.set_base(str(models / "imported.safetensors"))
    assert panel.options().base == "imported"
    mine = tmp_path / "mine.safetensors"
    shutil.copy(models / "imported.safetensors", mine)
    panel.set_base(str(mine))
    assert panel.options().base == str(mine)
    assert panel.base_path == str(mine)
    panel.look_for_models()
    wait(lambda: not panel._query.busy)
    assert panel.options().base == str(mine)


def test_a_path_can_be_typed(panel):
    told = []
    panel.changed.connect(lambda: told.append(panel.base_path))
    panel._base.setEditText("/data/mine.safetensors")
    assert told[-1] == "/data/mine.safetensors"
    panel._base.setEditText("")
    assert panel.problem() == "Choose the model to start from, under Advanced."


def test_before_the_models_are_known_that_is_said(models):
    fresh = OptionsPanel()
    assert fresh.problem() == "Looking for models to start from…"
    assert fresh.options() == TrainingOptions()
    fresh.deleteLater()


def test_without_an_engine_nobody_waits_for_models(no_engine):
    fresh = OptionsPanel()
    fresh.look_for_models()
    assert fresh.problem() == ""
    fresh.deleteLater()
