"""Model parameters in Processing dialogs: the list, the marks, and the values."""

from __future__ import annotations

import time

import pytest
from processing.gui.wrappers import WidgetWrapperFactory
from qgis.core import (
    QgsProcessingContext,
    QgsProcessingParameterDefinition,
    QgsProject,
    QgsRasterLayer,
)
from qgis.gui import QgsGui, QgsProcessingGui
from qgis.PyQt.QtCore import QMimeData, QPointF, Qt, QUrl
from qgis.PyQt.QtGui import QDropEvent
from qgis.PyQt.QtWidgets import QWidget

from spectralgpt_qgis import settings
from spectralgpt_qgis.gui.model_widget import ModelWidgetWrapper
from spectralgpt_qgis.gui.models.query import RasterQuestion, question_of
from tests.plugin.waiting import wait


@pytest.fixture
def make(provider, models):
    """Makes the widget of a parameter, once its models are known."""
    made = []

    def make(algorithm, parameter):
        parent = QWidget()
        wrapper = WidgetWrapperFactory.create_wrapper(
            provider.algorithm(algorithm).parameterDefinition(parameter), parent
        )
        made.append((parent, wrapper))
        wait(lambda: not wrapper.busy)
        return wrapper

    yield make
    for _, wrapper in made:
        wrapper._query.stop()


@pytest.fixture
def raster(provider):
    """The widget of the raster parameter of the same dialog."""
    context = QgsProcessingContext()
    wrapper = QgsGui.processingGuiRegistry().createParameterWidgetWrapper(
        provider.algorithm("segment").parameterDefinition("INPUT"), QgsProcessingGui.Standard
    )
    wrapper.context = context
    wrapper.kept = wrapper.createWrappedWidget(context)
    return wrapper


def entries(wrapper):
    return [wrapper._list.itemText(n) for n in range(wrapper._list.count())]


def test_models_of_the_right_task_are_listed(make):
    wrapper = make("segment", "MODEL")
    assert isinstance(wrapper, ModelWidgetWrapper)
    assert "Test land cover (landcover)" in entries(wrapper)
    assert not any("scenes" in entry or "change" in entry for entry in entries(wrapper))


def test_the_default_is_chosen_and_handed_on_by_name(make):
    wrapper = make("segment", "MODEL")
    assert wrapper.value() == "landcover"
    assert wrapper._list.currentText() == "Test land cover (landcover)"


def test_the_list_is_asked_for_in_a_task(provider, models, monkeypatch):
    from spectralgpt_qgis import engine_access

    (models / "other.onnx").write_bytes((models / "scenes.onnx").read_bytes())  # not listed yet
    client = engine_access.client()
    monkeypatch.setattr(engine_access, "client", lambda tier="inference": client)
    slow = client.run
    monkeypatch.setattr(client, "run", lambda *a, **k: time.sleep(1) or slow(*a, **k))
    parent = QWidget()
    started = time.monotonic()
    wrapper = WidgetWrapperFactory.create_wrapper(
        provider.algorithm("classify").parameterDefinition("MODEL"), parent
    )
    assert time.monotonic() - started < 0.5
    assert wrapper.value() == "scenes"
    wrapper._list.setEditText("typed meanwhile")
    wait(lambda: not wrapper.busy)
    assert wrapper.value() == "typed meanwhile"
    assert len(entries(wrapper)) == 2


def test_a_name_or_a_path_can_be_typed(make):
    wrapper = make("segment", "MODEL")
    wrapper._list.setEditText("/data/my model.onnx")
    assert wrapper.value() == "/data/my model.onnx"
    wrapper.setValue("landcover")
    assert wrapper.value() == "landcover"
    wrapper._list.setEditText("")
    assert wrapper.value() == ""


def test_the_path_of_a_listed_model_is_shown_as_its_name(make, models, tmp_path):
    wrapper = make("segment", "MODEL")
    wrapper.setValue("")
    wrapper.setValue(str(models / "landcover.onnx"))
    assert wrapper.value() == "landcover"
    assert wrapper._list.currentText() == "Test land cover (landcover)"
    other = str(tmp_path / "landcover.onnx")
    wrapper.setValue(other)
    assert wrapper.value() == other, "of another folder"


def test_the_tip_names_bands_and_classes(make):
    tip = make("segment", "MODEL")._list.toolTip()
    assert "B02, B03, B04, B05" in tip
    assert "Bare ground" in tip


def test_the_default_need_not_be_installed(provider, no_engine):
    parent = QWidget()
    definition = provider.algorithm("segment").parameterDefinition("MODEL")
    wrapper = WidgetWrapperFactory.create_wrapper(definition, parent)
    assert not wrapper.busy
    assert wrapper.value() == definition.defaultValue() == "landcover"
    assert not definition.flags() & QgsProcessingParameterDefinition.Flag.FlagOptional


def test_a_base_is_chosen_among_the_models_that_can_learn(make):
    wrapper = make("pretrain", "BASE")
    assert entries(wrapper)[0].endswith("(backbone)")
    assert entries(wrapper)[1:] == [
        f"Start from random weights: {s}" for s in ("tiny", "small", "base", "large", "huge")
    ]
    assert wrapper.value() == "backbone"
    wrapper.setValue("small")
    assert wrapper.value() == "small"


def test_an_export_lists_every_model(make):
    wrapper = make("exportmodel", "MODEL")
    wrapper.setValue("change.safetensors")
    assert wrapper._list.currentText().endswith("(change.safetensors)")
    assert wrapper.value() == "change.safetensors"
    assert len(entries(wrapper)) >= 5


def test_models_that_fit_the_raster_are_marked_and_come_first(make, raster, scene, tmp_path):
    from osgeo import gdal

    model = make("segment", "MODEL")
    model.postInitialize([model, raster])
    wait(lambda: not model.busy)
    assert model._list.itemIcon(0).isNull()
    raster.setParameterValue(scene, QgsProcessingContext())
    wait(lambda: model._comparison)
    index = model._list.currentIndex()
    assert not model._list.itemIcon(index).isNull()
    assert "Fits: All of its bands were found" in model._list.toolTip()
    gdal.Translate(str(tmp_path / "rgb.tif"), scene, bandList=[4, 3, 2])
    raster.setParameterValue(str(tmp_path / "rgb.tif"), QgsProcessingContext())
    wait(lambda: "Does not fit" in model._list.toolTip())
    assert "Missing: B05 (" in model._list.toolTip()
    assert model._list.itemData(index, Qt.ItemDataRole.ForegroundRole) is not None
    assert model.value() == "landcover"
    model._query.compare(None)
    assert model._comparison == {}
    assert model._list.itemIcon(0).isNull()


def test_a_file_can_be_dropped(make, tmp_path):
    combo = make("segment", "MODEL")._list

    def drop(*names):
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(tmp_path / name)) for name in names])
        event = QDropEvent(
            QPointF(5, 5),
            Qt.DropAction.CopyAction,
            data,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
        combo.dropEvent(event)
        return event.isAccepted()

    combo.setEditText("landcover")
    drop("a.pth")
    drop("a.onnx", "b.onnx")
    assert combo.currentText() == "landcover"
    assert drop("a.onnx")
    assert combo.currentText() == str(tmp_path / "a.onnx")


def test_what_a_raster_parameter_means_for_the_engine(qgis_app, scene):
    layer = QgsRasterLayer(scene, "Boadella")
    QgsProject.instance().addMapLayer(layer)
    wanted = RasterQuestion(scene, "EPSG:4326")
    assert question_of(layer.id()) == question_of([layer.id()]) == question_of(scene) == wanted
    assert question_of("/data/a.tif") == RasterQuestion("/data/a.tif")
    assert question_of("") is question_of(None) is question_of([]) is None


def test_shared_models_are_known_after_a_listing(make, models, tmp_path):
    folder = tmp_path / "team"
    folder.mkdir()
    (folder / "theirs.onnx").write_bytes((models / "landcover.onnx").read_bytes())
    settings.set_value("shared_models", f"{folder}\n{tmp_path / 'unplugged'}")
    try:
        assert "Test land cover (theirs)" in entries(make("segment", "MODEL"))
    finally:
        settings.set_value("shared_models", "")
    assert "Test land cover (theirs)" not in entries(make("segment", "MODEL"))
