"""The models window and its work, with the real engine."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from qgis.core import QgsProject, QgsRasterLayer
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QApplication, QDialog, QMessageBox

from spectralgpt_qgis import engine_access, settings
from spectralgpt_qgis import published_weights as published
from spectralgpt_qgis.gui.models import forms, trash
from spectralgpt_qgis.gui.models.part import ModelsPart
from spectralgpt_qgis.published_weights import published_weights
from tests.plugin.file_server import FileServer
from tests.plugin.interface import Interface
from tests.plugin.waiting import wait

SHIPPED = Path(__file__).resolve().parents[4] / "resources" / "models"


@pytest.fixture
def part(models):
    """The part in a stand-in for QGIS; the dialogs that it opens are recorded in `opened`."""
    interface = Interface()
    opened = []
    made = ModelsPart(interface, lambda *order: opened.append(order))
    made.opened, made.interface = opened, interface
    made.add()
    yield made
    made.remove()
    interface.close()


@pytest.fixture
def window(part):
    made = part.open()
    settle(made)
    return made


def settle(window):
    wait(lambda: not window.query.busy and not window._work.busy)


def rows(window, column=0):
    return [
        window.list.topLevelItem(n).text(column) for n in range(window.list.topLevelItemCount())
    ]


def told(window):
    return [item.text() for item in window.bar.items()]


def test_own_models_come_first_and_are_described(window):
    assert rows(window)[:3] == ["Test change", "Test land cover", "Test scenes"]
    assert rows(window, 3)[0] == "Own"
    assert "Included" in rows(window, 3)
    window.list.choose("landcover")
    text = window.details.toPlainText()
    for expected in ("Test land cover", "Vegetation", "490 nm", "10 m", "landcover.onnx (", "Own"):
        assert expected in text
    assert "The card has no figures" in text
    window.list.choose(str(SHIPPED / "backbone"))
    text = window.details.toPlainText()
    assert "Included in the plugin" in text
    assert "EuroSAT linear probe" in text
    assert "CC-BY-SA-4.0" in text
    assert "BigEarthNet (CDLA-Permissive 1.0)" in text


def test_own_models_alone_can_be_renamed_and_deleted(window):
    window.list.choose("landcover")
    assert window.buttons["rename"].isEnabled() and window.buttons["delete"].isEnabled()
    window.list.choose(str(SHIPPED / "backbone"))
    assert window.buttons["export"].isEnabled()
    assert not window.buttons["rename"].isEnabled()
    assert not window.buttons["delete"].isEnabled()


def test_models_of_the_same_title_are_told_apart(window, models):
    shutil.copy(models / "scenes.onnx", models / "scenes_of_spring.onnx")
    window.refresh()
    settle(window)
    assert {"Test scenes (scenes)", "Test scenes (scenes_of_spring)"} <= set(rows(window))
    assert "Test land cover" in rows(window)


def test_text_and_task_filter(window):
    window.filters.search.setText("test bare ground scenes")
    assert rows(window) == ["Test scenes"]
    window.filters.search.setText("glacier lake")
    assert rows(window) == []
    assert "No model matches" in window.details.toPlainText()
    window.filters.search.setText("")
    window.filters.tasks.setCurrentIndex(window.filters.tasks.findData("train"))
    assert "SpectralGPT tiny, Sentinel-2" in rows(window)
    assert "Test scenes" not in rows(window)


def test_models_are_compared_with_a_layer(window, scene, tmp_path):
    from osgeo import gdal

    gdal.Translate(str(tmp_path / "rgb.tif"), scene, bandList=[4, 3, 2])
    good, poor = QgsRasterLayer(scene, "good"), QgsRasterLayer(str(tmp_path / "rgb.tif"), "poor")
    QgsProject.instance().addMapLayers([good, poor])
    assert window.list.isColumnHidden(1)
    assert window.filters.layers.currentText() == "Any layer"
    window.filters.layers.setLayer(good)
    settle(window)
    assert set(rows(window, 1)) == {"Fits"}
    assert "band 2 of the layer" in window.details.toPlainText()
    window.filters.layers.setLayer(poor)
    settle(window)
    assert set(rows(window, 1)) == {"Does not fit"}
    assert "Missing: B0" in window.list.topLevelItem(0).toolTip(1)
    assert "Missing: B0" in window.details.toPlainText()
    window.filters.layers.setLayer(None)
    settle(window)
    assert window.list.isColumnHidden(1)
    assert window.filters.layers.currentText() == "Any layer"
    window.filters.layers.setLayer(poor)
    settle(window)
    QgsProject.instance().removeMapLayer(poor)
    settle(window)
    assert (
        window.filters.layers.currentText() == "Any layer"
        or window.filters.layers.currentLayer() == good
    )


def test_a_model_of_ours_is_imported_with_what_it_can_be_trained_on_from(window, models):
    window._work.take_in(SHIPPED / "change.safetensors")
    assert not window.buttons["import"].isEnabled()
    settle(window)
    assert {path.name for path in models.iterdir()} >= {"change_2.safetensors", "change_2.onnx"}
    assert "The model 'change_2' was imported." in told(window)
    assert window.list.entry().name == "change_2"
    assert window.buttons["import"].isEnabled()


def test_what_cannot_be_imported_is_told_in_the_window(window, models, tmp_path):
    before = sorted(models.iterdir())
    (tmp_path / "a.onnx").write_bytes(b"nothing")
    window._work.take_in(tmp_path / "a.onnx")
    settle(window)
    window._work.take_in(tmp_path / "notes.txt")
    assert any("cannot be read as a model" in text for text in told(window))
    assert any("'notes.txt' is not a model file" in text for text in told(window))
    assert sorted(models.iterdir()) == before


def test_what_another_program_changed_is_listed_when_the_window_is_active_again(window, models):
    assert "Test scenes" in rows(window)
    (models / "scenes.onnx").unlink()
    window._work.rename(str(models / "scenes.onnx"), "Mine", "mine")
    settle(window)
    assert "Test scenes" not in rows(window), "after an error"
    (models / "change.onnx").unlink()
    window.activateWindow()
    QApplication.setActiveWindow(None)
    QApplication.setActiveWindow(window)
    settle(window)
    assert "Test change" not in rows(window)


def test_another_title_and_name(window, models):
    window.list.choose("scenes")
    window.buttons["rename"].click()
    (form,) = window.findChildren(forms.RenameForm)
    form.title.setText("  ")
    assert not form.ok.isEnabled()
    form.title.setText("My scenes")
    form.name.setText("mine")
    form.accept()
    settle(window)
    assert (models / "mine.onnx").is_file()
    assert not (models / "scenes.onnx").exists()
    assert window.list.entry().title == "My scenes"


def test_forms_leave_the_window_usable_and_are_open_once(window):
    for button, kind in (
        ("download", forms.DownloadForm),
        ("folders", forms.FoldersForm),
        ("rename", forms.RenameForm),
    ):
        window.list.choose("scenes")
        window.buttons[button].click()
        (form,) = window.findChildren(kind)
        assert form.isVisible() and not form.isModal()
        window.buttons[button].click()
        assert sum(other.isVisible() for other in window.findChildren(kind)) == 1
    download = window.findChild(forms.DownloadForm)
    download.address.setText("https://example.org/mine.onnx")
    window.buttons["download"].click()
    assert download.isVisible() and download.address.text() == "https://example.org/mine.onnx"
    window.list.choose("landcover")
    window.buttons["rename"].click()
    (rename,) = [form for form in window.findChildren(forms.RenameForm) if form.isVisible()]
    assert rename.title.text() == "Test land cover"
    window.close()
    assert not any(form.isVisible() for form in window.findChildren(QDialog))


def test_a_deleted_model_can_be_brought_back(window, models, monkeypatch, tmp_path):
    def to_trash(files):
        place = tmp_path / "trash"
        place.mkdir()
        return [trash.Trashed(Path(shutil.move(str(f), str(place))), f) for f in files]

    monkeypatch.setattr(trash, "move_to_trash", to_trash)
    answers = iter([QMessageBox.StandardButton.No, QMessageBox.StandardButton.Yes])
    monkeypatch.setattr(QMessageBox, "question", lambda *_: next(answers))
    window.list.choose("landcover")
    window.buttons["delete"].click()
    assert (models / "landcover.onnx").is_file()
    window.buttons["delete"].click()
    settle(window)
    assert not (models / "landcover.onnx").exists()
    assert "Test land cover" not in rows(window)
    window.deletion.undo("landcover")
    settle(window)
    assert (models / "landcover.onnx").is_file()
    assert window.list.entry().name == "landcover"


def test_without_a_trash_it_is_asked_once_more(window, models, monkeypatch):
    def no_trash(files):
        raise OSError("no trash")

    monkeypatch.setattr(trash, "move_to_trash", no_trash)
    answers = iter([QMessageBox.StandardButton.No, QMessageBox.StandardButton.Yes])
    monkeypatch.setattr(QMessageBox, "question", lambda *_: next(answers))
    window.list.choose("landcover")
    entry = window.list.entry()
    window.deletion.delete(entry)
    assert (models / "landcover.onnx").is_file()
    window.deletion.delete(entry)
    settle(window)
    assert not (models / "landcover.onnx").exists()
    assert "'Test land cover' was deleted." in told(window)


def test_an_export_opens_its_tool_with_the_model(window, part, models):
    window.list.choose("change")
    window.buttons["export"].click()
    assert part.opened == [
        ("spectralgpt:exportmodel", {"MODEL": "change.onnx"}),
    ]


def test_shared_folders_are_listed_and_missing_ones_told(window, models, tmp_path):
    folder = tmp_path / "team"
    folder.mkdir()
    shutil.copy(models / "scenes.onnx", folder / "theirs.onnx")
    window.buttons["folders"].click()
    (form,) = window.findChildren(forms.FoldersForm)
    form.folders.addItems([str(folder), str(tmp_path / "unplugged")])
    form.accept()
    try:
        settle(window)
        window.list.choose("theirs")
        assert window.list.entry().main.origin == "shared"
        assert not window.buttons["delete"].isEnabled()
        assert any("drive is not connected" in text for text in told(window))
    finally:
        settings.set_value("shared_models", "")


def test_a_download_is_fetched_and_imported(window, models):
    server = FileServer((models / "scenes.onnx").read_bytes())
    try:
        window._work.download(server.address + "/file", "fetched.onnx")
        settle(window)
    finally:
        server.close()
    assert (models / "fetched.onnx").read_bytes() == server.content
    assert list((settings.home() / "downloads").iterdir()) == []
    assert window.list.entry().name == "fetched"


def test_published_weights_name_no_figure_that_is_not_known(qgis_app):
    form = forms.DownloadForm()
    for index, item in enumerate(published_weights()):
        form.choice.setCurrentIndex(index)
        assert form.order() == (item.url, item.file, item.sha256, item.bytes)
        assert form.ok.isEnabled()
        assert item.url.startswith("https://zenodo.org/records/")
        assert item.bytes or "known only after the download starts" in form.about.text()
    form.choice.setCurrentIndex(form.choice.count() - 1)
    assert not form.ok.isEnabled()
    form.address.setText("https://example.org/models/mine.onnx?x=1")
    assert form.order()[1] == "mine.onnx"
    assert form.ok.isEnabled()
    form.checksum.setText("abc")
    assert not form.ok.isEnabled()
    form.address.setText("https://example.org/page.html")
    assert not form.ok.isEnabled()


def test_published_weights_are_described_in_the_users_language(qgis_app, monkeypatch):
    monkeypatch.setattr(published, "translated", lambda text: f"<<{text}>>")
    form = forms.DownloadForm()
    told = form.about.text()
    assert "&lt;&lt;Backbone of 12 Sentinel-2 bands" in told
    assert "&lt;&lt;CC-BY-4.0 according to others" in told


def test_a_file_dropped_on_qgis_is_told_there(part, models, tmp_path):
    shutil.copy(models / "scenes.onnx", tmp_path / "dropped.onnx")
    (handler,) = part.interface.drop_handlers
    assert handler.handleFileDrop(str(tmp_path / "dropped.onnx"))
    wait(lambda: (models / "dropped.onnx").is_file() and not part._work.busy)
    texts = [item.text() for item in part.interface.bar.items()]
    assert "The model 'dropped' was imported." in texts


def test_without_an_engine_the_window_says_so(no_engine, qgis_app):
    interface = Interface()
    part = ModelsPart(interface, print)
    window = part.open()
    assert told(window) == [engine_access.why_not_ready()]
    window._work.take_in(SHIPPED / "scenes.onnx")
    assert not window._work.busy
    part.add()
    part.remove()
    interface.close()


def test_the_keyboard_reaches_everything(window):
    assert window.filters.search.focusPolicy() & Qt.FocusPolicy.TabFocus
    letters = [
        button.text()[button.text().index("&") + 1].lower()
        for button in [*window.buttons.values(), window.work_row.cancel_button]
    ]
    assert len(set(letters)) == len(letters)
