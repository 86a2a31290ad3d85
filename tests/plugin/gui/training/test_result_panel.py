"""The panel after a training, and once the whole cycle: labels, training, preview, places, further training."""

from __future__ import annotations

from pathlib import Path

import pytest
from qgis.core import QgsProject, QgsVectorLayer
from qgis.gui import QgsBrowserGuiModel
from qgis.PyQt.QtWidgets import QApplication, QDialog

from spectralgpt_qgis import paths
from spectralgpt_qgis.gui.tool_dialogs import ToolDialogs
from spectralgpt_qgis.gui.training.result_panel import ResultPanel, judged_by
from spectralgpt_qgis.gui.training.run_panel import RunPanel
from tests.plugin.sample_labels import COLOURS, water_and_land
from tests.plugin.waiting import wait

SPACE = "\N{NO-BREAK SPACE}"
CLASSES = [
    {"value": 1, "name": "land", "title": "Land", "color": "#7a9a3a"},
    {"value": 2, "name": "water", "title": "Water", "color": "#2266cc"},
]
ACCURACY = {
    "overall_accuracy": 0.9,
    "interval_95": [0.8, 0.95],
    "places": 12,
    "samples": 100,
    "confusion": [[40, 10], [0, 50]],
    "classes": {"Land": {"precision": 1.0, "recall": 0.8, "f1": 0.8889, "iou": 0.8}},
}


@pytest.fixture
def panel(provider, models, desk):
    made = ResultPanel(desk)
    made.show()
    yield made
    made.shut_down()
    made.deleteLater()


def result(models, **more):
    engine = {"accuracy": ACCURACY, "classes": CLASSES, "method": "quick", "seconds": 61, **more}
    return {
        "OUTPUT_MODEL": str(models / "landcover.onnx"),
        "MODEL_NAME": "landcover",
        "METHOD_USED": "quick",
        "TRAINING": engine,
    }


def test_before_there_is_a_model(panel):
    for button in (
        panel.preview_button, panel.compare_button, panel.apply_button, panel.retrain_button
    ):  # fmt: skip
        assert not button.isEnabled()
    assert not panel.places.isEnabled()
    assert not panel.matrix_box.isVisible() and not panel.report_button.isVisible()


def test_figures_of_a_model(panel, models, desk):
    panel.show_result(result(models, warnings=["Few labels."]), {"INPUT": [desk.imagery]})
    assert "landcover" in panel.title.text() and "1:01" in panel.title.text()
    assert (
        "mapped correctly (95 % confidence interval: 80 % to 95 %"
        in panel.headline.text().replace(SPACE, " ")
    )
    assert panel.warnings.isVisible() and panel.warning_text.text() == "Few labels."
    assert "10 mapped as Water" in panel.matrix.accessibleDescription()
    assert (
        panel.classes.item(0, 4).text() == f"80{SPACE}%" and panel.classes.item(1, 4).text() == "–"
    )
    assert panel.preview_button.isEnabled() and panel.apply_button.isEnabled()
    assert not panel.retrain_button.isEnabled(), "there is no file to train on from"
    assert not panel.compare_button.isEnabled(), "there is nothing to compare yet"
    panel.clear()
    assert not panel.matrix_box.isVisible() and not panel.warnings.isVisible()


def test_it_fits_into_a_narrow_dock(panel, models, desk):
    """The dock is at least 340 px wide, of which frame and scroll bar take about 30."""
    panel.show_result(result(models, warnings=["A warning."]), {"INPUT": [desk.imagery]})
    assert panel.minimumSizeHint().width() <= 310


def test_a_model_that_could_not_be_judged(panel, models, desk):
    told = result(models, accuracy={"measure": "not judged"}, warnings=["Nothing was held back."])
    panel.show_result(told, {"INPUT": [desk.imagery]})
    assert "is not known" in panel.headline.text().replace(SPACE, " ")
    assert not panel.matrix_box.isVisible() and not panel.classes_box.isVisible()
    assert panel.preview_button.isEnabled()


def test_places_are_for_maps_of_classes(panel, models, desk):
    panel.show_result(result(models), {"INPUT": [desk.imagery], "TASK": "scenes"})
    assert not panel.places.isEnabled() and panel.places.toolTip()
    panel.show_result(result(models), {"INPUT": [desk.imagery], "TASK": "segmentation"})
    assert panel.places.isEnabled()


def test_the_matrix_says_on_what_it_was_counted():
    assert "held back once" in judged_by("quick", {"samples": 9})
    assert "optimistic" in judged_by("full", {"samples": 9})


def test_apply_opens_the_tool_with_everything_filled_in(
    panel, models, desk, qgis_iface, monkeypatch
):
    browser = QgsBrowserGuiModel(qgis_iface.mainWindow())
    monkeypatch.setattr(qgis_iface, "browserModel", lambda: browser, raising=False)
    panel.show_result(result(models), {"INPUT": [desk.imagery]})
    dialog = panel.apply()
    assert isinstance(dialog, QDialog) and dialog.isVisible()
    assert dialog.algorithm().id() == "spectralgpt:segment"
    given = dialog.createProcessingParameters()
    assert given["MODEL"] == str(models / "landcover.onnx")
    assert given["INPUT"] in (desk.imagery, QgsProject.instance().mapLayer(desk.imagery))
    ToolDialogs(lambda _: {}).remove()


def test_closing_the_project_ends_everything(panel, models, desk):
    panel.show_result(result(models), {"INPUT": [desk.imagery]})
    panel.start_preview()
    task = panel.preview.run._task
    assert panel.stop_button.isVisible() and not panel.preview_button.isEnabled()
    QgsProject.instance().clear()
    assert not panel.preview.run.running and not panel.stop_button.isVisible()
    wait(lambda: not task.isActive())
    assert QgsProject.instance().mapLayers() == {}
    assert panel.title.text() == ""


def test_from_labels_to_a_preview_and_the_next_places(panel, desk, tmp_path):
    labels = water_and_land()
    parameters = {
        "INPUT": [desk.imagery],
        "LABELS": labels.id(),
        "FIELD": "kind",
        "METHOD": "quick",
        "DEVICE": "cpu",
        "OUTPUT_MODEL": str(paths.user_models() / "reservoir.onnx"),
        "OUTPUT_REPORT": str(tmp_path / "report.html"),
    }
    run, told = RunPanel(), []
    run.finished.connect(lambda result: told.append(("finished", result)))
    run.failed.connect(lambda *error: told.append(error))
    run.start(parameters)
    wait(lambda: told, 400)
    assert told[0][0] == "finished", told
    made = told[0][1]
    assert made["METHOD_USED"] == "quick"
    assert [item["color"] for item in made["TRAINING"]["classes"]] == list(COLOURS.values())
    counts = made["TRAINING"]["accuracy"]["confusion"]
    # 4 squares of 5 x 5 pixels per class, each held back once.
    assert [sum(row) for row in counts] == [100, 100]
    assert run.record.judged_parts == run.record.parts >= 2
    assert all(score.iou is not None for score in run.record.class_scores())

    panel.show_result(made, parameters)
    assert panel.report_button.isVisible()
    places = made["TRAINING"]["accuracy"]["places"]
    assert 4 <= places <= 8, "squares that are near each other are one place"
    assert f"from {places} places)" in panel.headline.text().replace(SPACE, " ")
    panel.preview_button.click()
    wait(lambda: panel.preview.layer() is not None, 120)
    preview = panel.preview.layer()
    assert [item.label for item in preview.renderer().classes()] == list(COLOURS)
    assert [item.color.name() for item in preview.renderer().classes()] == list(COLOURS.values())
    order = [layer.name() for layer in QgsProject.instance().layerTreeRoot().layerOrder()]
    assert order.index("Preview: reservoir") == order.index("Summer") - 1
    assert "Preview of the map view in" in panel.log.toPlainText()

    desk.canvas.setLayers([preview, QgsProject.instance().mapLayer(desk.imagery)])
    panel.compare_button.click()
    assert panel.compare.active and panel.compare.layer is preview
    panel.preview_button.click()
    wait(lambda: not panel.preview.run.running and panel.preview.layer() is not preview, 120)
    preview = panel.preview.layer()
    assert panel.compare.layer is preview, "the new one is compared as the old one was"
    panel.compare_button.click()
    assert not panel.compare.active

    found, again = [], []
    panel.label_here_requested.connect(found.append)
    panel.retrain_requested.connect(again.append)
    panel.places.button.click()
    wait(lambda: found, 120)
    assert isinstance(found[0], QgsVectorLayer)
    ranks = [feature["rank"] for feature in found[0].getFeatures()]
    assert ranks == list(range(1, len(ranks) + 1)) and len(ranks) > 5
    node = QgsProject.instance().layerTreeRoot().findLayer(preview.id())
    assert not node.isVisible(), "the imagery is seen where labels are to be drawn"
    assert "Place 1 of" in panel.places.walk.where.text()
    before = desk.canvas.extent().center()
    panel.places.walk.next_button.click()
    assert desk.canvas.extent().center() != before
    panel.retrain_button.click()
    assert (
        again == [str(paths.user_models() / "reservoir.safetensors")] and Path(again[0]).is_file()
    )

    QgsProject.instance().removeMapLayer(preview.id())
    QApplication.processEvents()
    assert not panel.compare_button.isEnabled()
