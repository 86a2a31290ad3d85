"""Runs the desktop tour (scenario.py) in the real QGIS and checks its results.

Set SPECTRALGPT_SCREENSHOTS to a folder to keep the screenshots; those in docs/screenshots are made that way. To show
the paths of a user instead of a test, the tour then works in HOUSE, if that folder can be made, and removes it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from osgeo import gdal

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "resources" / "sample"
SCREEN = "-screen 0 1366x768x24"
HOUSE = Path("/home/maria")
DAYS = ("2020-02-02", "2020-06-21")


def installed(folder):
    """The models to show: those that ship, with a tiny test model for each that has not been made yet."""
    folder.mkdir(parents=True)
    for model in (ROOT / "tests" / "data" / "models").glob("*.onnx"):
        if not (ROOT / "resources" / "models" / model.name).is_file():
            shutil.copy(model, folder)


def brought(folder):
    """Makes model files for an analyst to import, and a shared folder; returns the tour's settings for them."""
    models = ROOT / "resources" / "models"
    downloads, shared = folder / "downloads", folder / "team"
    downloads.mkdir()
    shared.mkdir()
    for name, target in (
        ("landcover", downloads / "valley.onnx"),
        ("landcover", downloads / "reservoir.onnx"),
        ("scenes", downloads / "scenes.onnx"),
        ("change", shared / "changes_of_the_team.onnx"),
    ):
        shutil.copy(models / f"{name}.onnx", target)
    return {
        "downloads": str(downloads),
        "shared": str(shared),
        "engine_home": str(folder / "SpectralGPT-new"),
    }


@pytest.fixture(scope="session")
def work(tmp_path_factory):
    """The folder of the tour."""
    if (
        os.environ.get("SPECTRALGPT_SCREENSHOTS")
        and os.access(HOUSE.parent, os.W_OK)
        and not HOUSE.exists()
    ):
        HOUSE.mkdir()
        yield HOUSE
        shutil.rmtree(HOUSE)
    else:
        yield tmp_path_factory.mktemp("desktop")


def packaged(folder):
    """Installs the packaged plugin into a QGIS profile, as users do; returns the folder of the profile."""
    scripts, profile = ROOT / "scripts", folder / "QGIS" / "QGIS3"
    made = folder / "package"
    subprocess.run([sys.executable, str(scripts / "package.py"), "--out", str(made)], check=True)
    (package,) = made.glob("*.zip")
    order = [sys.executable, str(scripts / "profile.py"), str(profile), "--zip", str(package)]
    subprocess.run(order, check=True)
    shutil.rmtree(made)
    return profile


@pytest.fixture(scope="session")
def tour(work):
    """Runs the tour once; returns its report by step."""
    from spectralgpt_qgis import paths, settings

    python = settings.engine_environment().status().python
    if python is None:
        pytest.fail("There is no engine to test with: run `make setup`, or set SPECTRALGPT_PYTHON.")
    pictures, cancelled = work / "pictures", work / "cancelled"
    pictures.mkdir()
    cancelled.mkdir()
    home = work / "SpectralGPT"
    installed(home / "models")
    profile = packaged(work)
    before, after = (str(shutil.copy(SAMPLE / f"boadella_{day}.tif", work)) for day in DAYS)
    gdal.Translate(str(work / "big.vrt"), after, widthPct=600, heightPct=600)
    orders = {
        "root": str(ROOT),
        "folder": str(pictures),
        "before": before,
        "after": after,
        "big": str(work / "big.vrt"),
        "cancelled": str(cancelled / "map.tif"),
        "project": str(work / "project.qgz"),
        **brought(work),
    }
    (work / "orders.json").write_text(json.dumps(orders), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "QT_QPA_PLATFORM"}
    environment.update(
        {
            "SPECTRALGPT_SCENARIO": str(work / "orders.json"),
            "QGIS_CUSTOM_CONFIG_PATH": str(profile),
            paths.HOME_VARIABLE: str(home),
            paths.PYTHON_VARIABLE: str(python),
            "LANG": "C.UTF-8",
            "XDG_DATA_HOME": str(work / "data"),  # location of the trash
        }
    )
    for program in ("qgis", "xvfb-run"):
        assert shutil.which(program), f"{program} is not installed: run `make setup`"
    done = subprocess.run(
        [
            *("xvfb-run", "-a", "-s", SCREEN, "qgis", "--nologo", "--noversioncheck"),
            *("--code", str(Path(__file__).with_name("scenario.py"))),
        ],
        env=environment,
        capture_output=True,
        text=True,
        timeout=1500,
        check=False,
    )
    report_file = pictures / "report.json"
    assert report_file.is_file(), f"QGIS ended early ({done.returncode}): {done.stderr[-2000:]}"
    kept = os.environ.get("SPECTRALGPT_SCREENSHOTS")
    if kept:
        Path(kept).mkdir(parents=True, exist_ok=True)
        for picture in pictures.glob("*.png"):
            shutil.copy(picture, kept)
    report = json.loads(report_file.read_text(encoding="utf-8"))
    assert not report["error"], report["error"]
    return {
        "cancelled": cancelled,
        "pictures": pictures,
        **{step["name"]: step["answer"] for step in report["steps"]},
    }


def test_the_plugin_loads_into_menu_and_toolbox(tour):
    assert tour["start"]["loaded"]
    assert tour["start"]["menu"] == [
        "Open satellite product…",
        "Land-cover map…",
        "Label scenes…",
        "Detect change…",
        "Fine-tune…",
        "Describe layer for models…",
        "Models…",
        "Engine…",
    ]
    assert sorted(tour["toolbox"]) == [
        "Detect change",
        "Draw sample of a map",
        "Evaluate map",
        "Export model",
        "Find places to label next",
        "Import model",
        "Label scenes",
        "Land-cover map",
        "Open satellite product",
        "Pretrain backbone",
        "Train model from labels",
    ]


def test_the_tool_for_products_opens(tour):
    assert tour["product"]["title"] == "Open satellite product"
    assert "Open its whole product…" in tour["product"]["entries"]


def test_the_tools_that_learn_and_judge_open(tour):
    assert tour["training"] == ["Train model from labels", "Pretrain backbone"]
    assert tour["judging"] == ["Evaluate map", "Draw sample of a map"]


def test_segment_from_the_toolbox_arrives_styled(tour):
    classes, confidence, polygons = tour["segment"]["layers"]
    assert classes["type"] == "paletted"
    assert all(label and alpha == 255 for _, label, _, alpha in classes["classes"])
    assert len({color for _, _, color, _ in classes["classes"]}) == len(classes["classes"])
    assert confidence["type"] == "singlebandpseudocolor"
    assert polygons["attribute"] == "class_value"
    titles = {label for _, label, _, _ in classes["classes"]}
    assert titles <= {label for _, label, _ in polygons["classes"]}


def test_the_log_says_what_an_analyst_wants_to_know(tour):
    log = tour["segment"]["log"]
    for told in ("Device: ", "bands: ", "values: ", "Windows: ", "skipped", "Mpx/s"):
        assert told in log
    assert log.count(" left\n") < 10, "progress must not flood the log"


def test_the_layer_menu_opens_a_tool_with_its_layer(tour):
    assert tour["layer_menu"] == [
        "Classify land cover…",
        "Label scenes…",
        "Detect change with…",
        "Fine-tune…",
        "Describe for models…",
    ]
    before, after = tour["change"]["given"]  # ids of the layers
    assert before.startswith("Boadella_2020_02_02_")
    assert after.startswith("Boadella_2020_06_21_")


def test_change_lets_the_image_show_where_nothing_changed(tour):
    change, probability = tour["change"]["layers"]
    alphas = {value: alpha for value, _, _, alpha in change["classes"]}
    assert alphas == {0: 0, 1: 255}
    assert probability["type"] == "singlebandpseudocolor"


def test_scenes_arrive_styled(tour):
    (scenes,) = tour["scenes"]["layers"]
    assert scenes["attribute"] == "class_value"
    assert len(scenes["classes"]) > 2


def test_a_layer_is_described_for_the_models(tour):
    assert tour["describe"]["bands"] == 12
    verdicts = {name: verdict for name, _, verdict, *_ in tour["describe"]["models"]}
    assert set(verdicts.values()) == {"Fits"}
    assert len(verdicts) >= 4


def test_the_window_of_models_lists_them(tour):
    assert len(tour["manager"]) >= 4


def test_models_come_by_choosing_dropping_and_downloading(tour):
    chosen, dropped = tour["models_import"]["told"]
    assert chosen == ["The model 'valley' was imported."]
    assert dropped == ["The model 'reservoir' was imported."]
    assert re.fullmatch(r"[\d.]+ MB of [\d.]+ MB \(\d\d %\)", tour["models_download"]["progress"])
    assert tour["models_download"]["told"] == ["The model 'scenes_europe' was imported."]
    own = [name for name, origin in tour["models_download"]["models"].items() if origin == "Own"]
    assert {name.partition(" = ")[2] for name in own} >= {"valley", "reservoir", "scenes_europe"}


def test_a_model_is_renamed_and_exported(tour):
    told = tour["models_rename"]["told"]
    assert told == ["The model is now called 'Land cover of the valley'."]
    assert tour["models_rename"]["models"]["Land cover of the valley = valley_2020"] == "Own"
    assert tour["models_export"] > 100_000  # bytes


def test_a_deleted_model_comes_back_by_undo(tour):
    (told,) = tour["models_delete"]["told"]
    assert told.endswith("was deleted.")
    gone, back = tour["models_delete"]["gone"], tour["models_delete"]["back"]
    assert {name.partition(" = ")[2] for name in set(back) - set(gone)} == {"reservoir"}


def test_models_of_a_shared_folder_are_listed(tour):
    found = tour["models_shared"]
    assert [Path(folder).name for folder in found["listed"]] == ["team"]
    shared = [name for name, origin in found["models"].items() if origin == "Shared"]
    assert [name.partition(" = ")[2] for name in shared] == ["changes_of_the_team"]


def test_polygons_drawn_with_the_mouse_become_a_model_and_its_map(tour):
    assert tour["training_labels"] == {"1": 5, "2": 6, "3": 5, "4": 6}  # polygons by class
    assert tour["training_run"]["result"]
    result = tour["training_result"]
    assert "held-back" in result["headline"]
    assert result["preview"] == ["Preview: my_model"]
    assert result["places"] == 20


def test_a_project_that_is_opened_again_has_its_places_and_nothing_broken(tour):
    layers = tour["training_reopened"]["layers"]
    assert all(layers.values()), layers
    assert {"Labels Boadella 2020-06-21", "Places to label next"} <= set(layers)
    assert not any(name.startswith("Preview") for name in layers)
    assert tour["training_reopened"]["place"].startswith("Place 1 of 20:")


def test_the_engine_window_tests_the_engine(tour):
    assert "The engine passed its test." in tour["engine"]


def test_an_engine_is_installed_repaired_and_removed(tour):
    installed, repaired = tour["engine_install"], tour["engine_repair"]
    assert "Download size" in installed["cost"] and "available" in installed["cost"]
    assert "installed and ready" in installed["state"]
    assert "Collecting onnxruntime" in installed["log"]
    assert "must be repaired" in repaired["broken"]
    assert "The Python installation that the engine is based on was removed" in repaired["broken"]
    assert "installed and ready" in repaired["state"]
    assert repaired["log"].count("The engine passed its test.") >= 2
    (asked,) = tour["engine_remove"]["asked"]
    assert asked.startswith("Remove the SpectralGPT engine?")
    assert not tour["engine_remove"]["left"]


def test_the_options_have_a_page_about_the_engine(tour):
    assert tour["options"]


def test_a_quick_look_comes_while_the_map_is_computed_and_goes_with_the_run(tour):
    look = tour["quick_look"]
    assert look["running"]
    assert look["name"] == "Quick look: big"
    assert [label for _, label, _, _ in look["classes"]][:2] == ["Water", "Trees"]


def test_a_cancel_in_the_dialog_is_prompt_and_leaves_nothing(tour):
    assert tour["cancel"]["seconds"] < 2
    assert list(tour["cancelled"].iterdir()) == []


def test_a_batch_maps_every_scene(tour):
    assert tour["batch"] == [True, True]


def test_every_step_has_its_picture(tour):
    names = {picture.stem for picture in tour["pictures"].glob("*.png")}
    kept = {picture.stem for picture in (ROOT / "docs" / "screenshots").glob("*.png")}
    assert names == kept
