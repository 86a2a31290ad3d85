"""The dock: from an empty project to a training, and what it stores in the project."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from osgeo import gdal
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsGeometry,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QLabel, QPushButton, QVBoxLayout

from spectralgpt_qgis import settings
from spectralgpt_qgis.gui.training.dock import LABELS, RESULT, TRAIN, TrainingDock
from spectralgpt_qgis.gui.training.expected_time import kept_runs
from spectralgpt_qgis.gui.training.result_panel import ResultPanel as RealResultPanel
from spectralgpt_qgis.gui.training.training_setup import kept_text
from spectralgpt_qgis.label_look import look_in_training
from tests.plugin.gui.training.desk import (
    ResultPanel,
    RunPanel,
    pixels,
    sample_layer,
    saved_places,
    square,
)
from tests.plugin.waiting import wait


@pytest.fixture
def make_dock(provider, models, iface):
    made = []

    def make(open_engine=None):
        dock = TrainingDock(iface, RunPanel(), ResultPanel(), open_engine)
        iface.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
        made.append(dock)
        return dock

    yield make
    settings.set_value("training_runs", "")
    for dock in made:
        dock.close_down()
        dock.deleteLater()


@pytest.fixture
def dock(make_dock, raster):
    return make_dock()


def test_the_names_of_the_steps_are_never_cut_off(dock):
    assert dock.widget().minimumSizeHint().width() >= dock.steps.tabBar().sizeHint().width()


@pytest.fixture
def labelled(dock, saved_project, raster):
    """The dock with labels: three polygons for each of two classes."""
    layer = dock.labels.make_layer()
    for place in (10, 100, 200):
        square(layer, 1, pixels(raster, 50, place))
        square(layer, 2, pixels(raster, 250, place))
    wait(dock.train_button.isEnabled)
    return dock


def test_what_is_missing_stands_beside_the_button(dock, saved_project):
    wait(lambda: dock.status.text() == "Create a label layer, or choose one.")
    assert not dock.train_button.isEnabled()
    dock.train()
    assert not dock.run_panel.running


def test_without_a_raster_that_is_missing(make_dock):
    dock = make_dock()
    assert dock.status.text() == "Choose the raster that you want to label."


def test_a_raster_without_a_crs_is_told_until_it_gets_one(make_dock, iface, scene, tmp_path):
    path = str(tmp_path / "nowhere.tif")
    gdal.Translate(path, scene).SetProjection("")
    layer = sample_layer(path, "Nowhere")
    layer.setCrs(QgsCoordinateReferenceSystem())
    iface.current = QgsProject.instance().addMapLayer(layer)
    dock = make_dock()
    told = "The layer 'Nowhere' has no coordinate reference system. Set it with right-click, Layer CRS."
    assert dock.status.text() == told
    wait(lambda: dock._describer.of(layer) is not None)
    assert "no coordinate reference system" in dock._describer.of(layer).problem
    layer.setCrs(QgsCoordinateReferenceSystem("EPSG:4326"))
    wait(lambda: dock.status.text() == "Create a label layer, or choose one.")
    wait(lambda: dock.imagery.bands.text().startswith("Bands found: B02 B03"))


def test_the_bands_are_shown(dock):
    wait(lambda: dock.imagery.bands.text().startswith("Bands found: B02 B03"))
    assert "band 2" in dock.imagery.bands.toolTip()


def test_labels_make_it_ready_and_the_algorithm_gets_them(labelled, raster):
    assert labelled.status.text() == "Ready to train."
    labelled.train()
    given = labelled.run_panel.parameters
    assert given["INPUT"] == [raster.id()]
    assert given["LABELS"] == labelled.labels.layer.id()
    assert (given["FIELD"], given["TASK"]) == ("class", "segmentation")
    assert labelled.steps.currentIndex() == TRAIN
    assert not labelled.train_button.isEnabled()
    assert labelled.status.text().startswith("Training…")


@pytest.mark.parametrize("ending", ["finished", "failed", "stopped"])
def test_two_windows_of_qgis_never_train_into_the_same_model(labelled, make_dock, ending):
    """Both looked for a free name before either model was written: the first one was lost."""
    other = make_dock()
    wait(other.train_button.isEnabled)
    labelled.train()
    other.train()
    first, second = (Path(dock.run_panel.parameters["OUTPUT_MODEL"]) for dock in (labelled, other))
    assert [first.name, second.name] == ["my_model.onnx", "my_model_2.onnx"]
    values = {"finished": ({"OUTPUT_MODEL": str(first)},), "failed": ("No memory.", "")}
    for dock in (labelled, other):
        dock.run_panel.end(getattr(dock.run_panel, ending), *values.get(ending, ()))
    assert list(first.parent.glob("my_model*")) == [], "nothing is left behind"


def test_what_the_algorithm_has_against_it_is_shown_in_the_dock(labelled):
    labelled.options._bands.setText("1,two")
    wait(lambda: "'1,two' (BANDS) is not a list of band numbers" in labelled.status.text())
    assert not labelled.train_button.isEnabled()


def test_what_automatic_will_do_follows_the_labels(labelled):
    plan = labelled.options._plan
    assert "is not changed" in plan.text() and plan.text().endswith("there are 6.")
    method = labelled.options._method
    method.setCurrentIndex(method.findData("full"))
    wait(lambda: plan.text().startswith("All of 'SpectralGPT tiny, Sentinel-2' is trained"))


def kept(dock):
    """The parameters of a training, with the sources of its layers, by which these are found if their ids change."""
    layers = (dock.labels.layer, *dock.imagery.rasters())
    return {
        **dock.run_panel.parameters,
        "SOURCES": {layer.id(): layer.source() for layer in layers},
    }


def test_a_result_is_shown_and_its_time_remembered(labelled):
    labelled.train()
    result = {"METHOD_USED": "quick", "OUTPUT_MODEL": "m.onnx"}
    labelled.run_panel.end(labelled.run_panel.finished, result)
    assert labelled.result_panel.shown == (result, kept(labelled))
    assert labelled.steps.currentIndex() == RESULT
    (run,) = kept_runs()
    assert (run.task, run.method, run.labels, run.pixels) == ("segmentation", "quick", 6, 600)
    wait(labelled.train_button.isEnabled)
    assert "on this computer" in labelled.train_button.toolTip()


def test_the_time_of_a_run_that_was_ended_early_is_not_remembered(labelled):
    labelled.train()
    result = {"METHOD_USED": "full", "OUTPUT_MODEL": "m.onnx", "TRAINING": {"cancelled": True}}
    labelled.run_panel.end(labelled.run_panel.finished, result)
    assert labelled.result_panel.shown is not None
    assert kept_runs() == []


def test_the_model_gets_the_colours_of_the_table(dock, raster):
    mine = QgsVectorLayer("Polygon?crs=EPSG:4326&field=cover:string", "mine", "memory")
    mine.startEditing()
    for place in (10, 100):
        square(mine, "Water", pixels(raster, 50, place), "cover")
        square(mine, "Wood", pixels(raster, 250, place), "cover")
    QgsProject.instance().addMapLayer(mine)
    dock.labels.set_labels(mine)
    wait(dock.train_button.isEnabled)
    dock.train()
    shown = {item.label: item.colour for item in dock.labels.classes}
    assert set(shown) == {"Water", "Wood"}
    given = json.loads(look_in_training(mine, "cover"))
    assert {look["label"]: look["color"] for look in given} == shown
    assert mine.renderer().type() == "singleSymbol", "the layer's style is the user's"


@pytest.mark.parametrize("ending", ["failed", "stopped"])
def test_a_run_that_came_to_nothing_can_be_started_again(labelled, ending):
    labelled.train()
    values = ("No memory.", "details") if ending == "failed" else ()
    labelled.run_panel.end(getattr(labelled.run_panel, ending), *values)
    wait(labelled.train_button.isEnabled)
    assert not labelled.steps.isTabEnabled(RESULT)
    assert kept_runs() == []


def test_retraining_takes_the_new_model_as_base(labelled, tmp_path):
    mine = tmp_path / "mine.safetensors"
    mine.touch()
    labelled.result_panel.retrain_requested.emit(str(mine))
    assert labelled.setup().options.base == str(mine)
    assert labelled.steps.currentIndex() == LABELS


def test_layers_that_are_deleted_during_a_run_harm_nothing(labelled, raster):
    labelled.train()
    QgsProject.instance().removeAllMapLayers()
    labelled.run_panel.end(labelled.run_panel.finished, {"METHOD_USED": "quick"})
    wait(lambda: "Choose the raster" in labelled.status.text())


def test_the_project_keeps_the_setup(labelled, saved_project, raster):
    labelled.options._name.setText("Mine")
    labelled.options._rounds.setValue(4)
    wait(lambda: "Mine" in QgsProject.instance().readEntry("SpectralGPT", "/training", "")[0])
    labels = labelled.labels.layer
    assert labels.commitChanges()
    project = QgsProject.instance()
    assert project.write()
    path = project.fileName()
    project.clear()
    assert labelled.setup().options.name == ""
    assert labelled.setup().labels is None
    assert not project.isDirty()
    assert project.read(path)
    assert labelled.setup().options.name == "Mine"
    assert labelled.setup().options.rounds == 4
    assert labelled.setup().labels.name() == "Labels Boadella 2020-02-02"
    assert labelled.setup().field == "class"
    wait(labelled.train_button.isEnabled)


def test_the_project_keeps_the_result(labelled, saved_project, tmp_path):
    model = tmp_path / "mine.onnx"
    model.touch()
    labelled.train()
    result = {"METHOD_USED": "quick", "OUTPUT_MODEL": str(model), "TRAINING": {"seconds": 3.5}}
    labelled.run_panel.end(labelled.run_panel.finished, result)
    given = kept(labelled)
    assert labelled.labels.layer.commitChanges()
    project = QgsProject.instance()
    assert project.write()
    path = project.fileName()
    project.clear()
    assert labelled.result_panel.shown is None and not labelled.steps.isTabEnabled(RESULT)
    assert project.read(path)
    assert labelled.result_panel.shown == (result, given)
    assert labelled.steps.isTabEnabled(RESULT) and labelled.steps.currentIndex() == LABELS
    assert not project.isDirty()
    model.unlink()
    assert project.read(path)
    assert labelled.result_panel.shown is None, "the model is gone"


def test_a_result_that_comes_into_another_project_is_shown_and_not_kept(labelled):
    labelled.train()
    project = QgsProject.instance()
    project.clear()
    result = {"METHOD_USED": "quick", "OUTPUT_MODEL": "m.onnx"}
    labelled.run_panel.end(labelled.run_panel.finished, result)
    assert labelled.result_panel.shown[0] == result
    assert not project.isDirty()


def test_events_between_the_layers_of_a_project_change_nothing_in_it(labelled, saved_project):
    """QGIS processes events while it reads a project, so the dock may see an incomplete one."""
    labelled.options._name.setText("Mine")
    wait(lambda: "Mine" in kept_text(QgsProject.instance()))
    assert labelled.labels.layer.commitChanges()
    project = QgsProject.instance()
    assert project.write()
    project.layerLoaded.connect(labelled.refresh)
    assert project.read(project.fileName())
    project.layerLoaded.disconnect(labelled.refresh)
    assert labelled.setup().options.name == "Mine"
    assert labelled.setup().labels is not None


def test_a_new_project_is_not_made_dirty(labelled):
    project = QgsProject.instance()
    project.clear()
    wait(lambda: "Choose the raster" in labelled.status.text())
    assert not project.isDirty()
    assert project.readEntry("SpectralGPT", "/training", "") == ("", False)


def test_a_raster_that_no_base_fits_is_refused_with_the_reason(make_dock, iface, scene, tmp_path):
    from osgeo import gdal

    gdal.Translate(str(tmp_path / "two.tif"), scene, bandList=[1, 10])
    layer = QgsRasterLayer(str(tmp_path / "two.tif"), "two bands")
    QgsProject.instance().addMapLayer(layer)
    iface.current = layer
    dock = make_dock()
    wait(lambda: "B03" in dock.status.text())
    assert not dock.train_button.isEnabled()


def test_change_wants_a_second_date(labelled, raster, later_scene):
    labelled.imagery.set_task("change")
    wait(lambda: labelled.status.text() == "Choose the raster of the second date.")
    row = labelled.imagery.rows._rows[0]
    row.after.setLayer(raster)
    wait(lambda: labelled.status.text().startswith("Both dates are the same raster."))
    later = sample_layer(later_scene, "later")
    QgsProject.instance().addMapLayer(later)
    row.after.setLayer(later)
    wait(labelled.train_button.isEnabled)
    assert labelled.setup().parameters()["AFTER"] == [later.id()]


def test_a_missing_engine_is_said_with_a_way_out(make_dock, raster, no_engine):
    opened = []
    dock = make_dock(lambda: opened.append(True))
    assert dock.status.text() == "The engine's training libraries are missing."
    assert "not installed yet" in dock._engine.text.text()
    assert not dock._engine.isHidden()
    button = next(b for b in dock._engine.findChildren(QPushButton))
    button.click()
    assert opened == [True]


def test_a_layer_that_it_is_opened_with_is_chosen(dock, later_scene):
    later = sample_layer(later_scene, "later")
    QgsProject.instance().addMapLayer(later)
    dock.open_with(later)
    assert dock.imagery.rasters() == [later]
    dock.open_with(dock.labels.layer)
    assert dock.imagery.rasters() == [later]


def test_places_to_label_next_come_to_the_classes(labelled, iface):
    places = QgsVectorLayer(
        "Polygon?crs=EPSG:4326&field=rank:integer&field=first_class:string&field=second_class:string",
        "places",
        "memory",
    )
    feature = QgsFeature(places.fields())
    feature.setAttributes([1, "1", "2"])
    feature.setGeometry(QgsGeometry.fromRect(QgsRectangle(2.8, 42.3, 2.81, 42.31)))
    places.dataProvider().addFeature(feature)
    QgsProject.instance().addMapLayer(places)
    labelled.steps.setCurrentIndex(TRAIN)
    labelled.result_panel.label_here_requested.emit(places)
    assert labelled.steps.currentIndex() == LABELS
    assert not labelled.walk.isHidden()
    QgsProject.instance().removeMapLayer(places)
    labelled.refresh()
    assert labelled.walk.isHidden()


def test_places_of_an_opened_project_can_be_walked_through(labelled, saved_project, tmp_path):
    places = saved_places(tmp_path / "places.gpkg")
    QgsProject.instance().addMapLayer(places)
    assert labelled.labels.layer.commitChanges()
    project = QgsProject.instance()
    assert project.write()
    path = project.fileName()
    project.clear()
    labelled.refresh()
    assert labelled.walk.isHidden()
    assert project.read(path)
    assert not labelled.walk.isHidden()
    assert labelled.walk.layer().name() == "places"
    labelled.walk.step(1)
    assert "Water or Land?" in labelled.walk.where.text()


@pytest.mark.parametrize("step", [LABELS, TRAIN, RESULT])
def test_letters_of_the_dock_leave_those_of_the_menu_bar_alone(labelled, iface, step):
    """Alt+R opens the Raster menu also while the dock is open, and no mnemonic is used twice."""
    result = RealResultPanel(iface)
    labelled.result_panel.setLayout(QVBoxLayout())
    labelled.result_panel.layout().addWidget(result)
    menu_bar = set("JEVLSPORDWMCH")  # Project, Edit, View, Layer, Settings, Plugins, Vector ...
    page = labelled.steps.widget(step)
    texts = [label.text() for label in page.findChildren(QLabel) if label.buddy()]
    texts += [button.text() for button in (*page.findChildren(QPushButton), labelled.train_button)]
    letters = [text[text.index("&") + 1].upper() for text in texts if "&" in text]
    result.shut_down()
    assert len(letters) > 3
    assert not menu_bar & set(letters)
    assert len(letters) == len(set(letters)), sorted(letters)
