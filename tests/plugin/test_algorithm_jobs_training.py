"""What the engine is asked for by the tools that learn and judge; the engine is a stand-in here."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from osgeo import gdal, ogr
from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsCoordinateReferenceSystem,
    QgsEditorWidgetSetup,
    QgsFeature,
    QgsFillSymbol,
    QgsGeometry,
    QgsPalettedRasterRenderer,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingFeedback,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsRendererCategory,
    QgsVectorLayer,
)
from qgis.PyQt.QtGui import QColor

from spectralgpt_qgis.algorithms.left_behind import remove_abandoned
from spectralgpt_qgis.i18n import language

ROOT = Path(__file__).resolve().parents[2]
# On the sample scene, in the system of its UTM zone.
PLACES = {"water": (321000, 4694000), "trees": (319000, 4693000), "bare": (320000, 4692000)}


def square(x, y, side=100):
    return QgsGeometry.fromRect(QgsRectangle(x, y, x + side, y + side))


def label_layer(*labels, kind="Polygon", field="class:string", name="labels"):
    layer = QgsVectorLayer(f"{kind}?crs=EPSG:32631&field={field}", name, "memory")
    for number, label in enumerate(labels):
        feature = QgsFeature(layer.fields())
        place = square(319000 + 300 * number, 4693000)
        feature.setGeometry(place.centroid() if kind == "Point" else place)
        feature.setAttributes([label])
        layer.dataProvider().addFeatures([feature])
    QgsProject.instance().addMapLayer(layer)
    return layer


def read_back(job):
    """The labels as the engine would read them: (EPSG code, class of each feature)."""
    source = ogr.Open(job["labels" if "labels" in job else "reference"])
    layer = source.GetLayer(0)
    code = layer.GetSpatialRef().GetAuthorityCode(None)
    return code, [feature.GetField(job["field"]) for feature in layer]


@pytest.fixture
def learning(fake_engine, scene, tmp_path):
    fake_engine.result = {
        "model": {"name": "mine", "sha256": "0"},
        "method": "quick",
        "classes": [{"value": 1, "name": "a"}, {"value": 2, "name": "b"}],
    }
    fake_engine.seen = []
    fake_engine.during = lambda job: fake_engine.seen.append(read_back(job))
    return {
        "INPUT": [scene],
        "LABELS": label_layer("water", "trees").id(),
        "FIELD": "class",
        "OUTPUT_MODEL": str(tmp_path / "mine.onnx"),
    }


@pytest.fixture
def refused(provider, models):
    def check(name, parameters):
        context = QgsProcessingContext()
        context.setProject(QgsProject.instance())
        valid, reason = provider.algorithm(name).checkParameterValues(parameters, context)
        return "" if valid else reason

    return check


# -- finetune: the job ----------------------------------------------------------------------------


def test_the_least_a_script_has_to_give(run, fake_engine, learning, scene, tmp_path):
    outputs = run("finetune", learning)
    job = dict(fake_engine.job)
    assert fake_engine.verb == "finetune"
    assert job.pop("labels").endswith("labels.gpkg")
    assert job == {
        "inputs": [scene],
        "after": [],
        "field": "class",
        "task": "segmentation",
        "base": "backbone",
        "method": "auto",
        "use": "anywhere",
        "epochs": 0,
        "seed": 0,
        "name": "",
        "device": "auto",
        "threads": 0,
        "crs": "EPSG:4326",
        "nodata": [],
        "multilabel": False,
        "classes": "",
        "validation": 20,
        "output_model": str(tmp_path / "mine.onnx"),
        "output_report": "",
        "language": language(),
    }
    assert fake_engine.seen == [("32631", ["water", "trees"])]
    assert not Path(fake_engine.job["labels"]).exists(), "the temporary file must be gone"
    assert outputs == {
        "OUTPUT_MODEL": str(tmp_path / "mine.onnx"),
        "MODEL_NAME": "mine",
        "METHOD_USED": "quick",
        "CLASS_COUNT": 2,
    }
    assert "mine.onnx as the model in 'Land-cover map'" in run.feedback.textLog()


def test_everything_a_script_can_give(run, fake_engine, learning, scene, later_scene, tmp_path):
    run(
        "finetune",
        {
            **learning,
            "INPUT": [scene, later_scene],
            "AFTER": [later_scene, scene],
            "TASK": "change",
            "METHOD": "full",
            "EPOCHS": 7,
            "DEVICE": "cpu",
            "SEED": 3,
            "THREADS": 2,
            "BANDS": "1, 2 3;4 5 6 7 8 9",
            "AFTER_BANDS": [9, 8, 7, 6, 5, 4, 3, 2, 1],
            "VALIDATION": 0,
            "NAME": " burnt ",
            "OUTPUT_REPORT": str(tmp_path / "report.html"),
        },
    )
    job = fake_engine.job
    assert (job["inputs"], job["after"]) == ([scene, later_scene], [later_scene, scene])
    assert (job["task"], job["method"], job["epochs"]) == ("change-detection", "full", 7)
    assert (job["device"], job["seed"], job["threads"]) == ("cpu", 3, 2)
    assert job["bands"] == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert job["after_bands"] == [9, 8, 7, 6, 5, 4, 3, 2, 1]
    assert (job["validation"], job["name"]) == (0, "burnt")
    assert job["output_report"] == str(tmp_path / "report.html")


def test_every_job_is_one_that_the_engine_takes(run, fake_engine, learning, scene, tmp_path):
    """The fields of the jobs are checked by the engine's own classes, in its own Python."""
    import subprocess

    from spectralgpt_qgis import engine_access

    jobs = []
    run("finetune", learning)
    jobs.append({"verb": fake_engine.verb, "parameters": fake_engine.job})
    fake_engine.during = None
    run("pretrain", {"INPUTS": [scene], "OUTPUT_MODEL": str(tmp_path / "b.safetensors")})
    jobs.append({"verb": fake_engine.verb, "parameters": fake_engine.job})
    run("evaluate", {"INPUT": scene, "REFERENCE": learning["LABELS"], "FIELD": "class"})
    jobs.append({"verb": fake_engine.verb, "parameters": fake_engine.job})
    run("sample", {"INPUT": scene, "OUTPUT": str(tmp_path / "points.gpkg")})
    jobs.append({"verb": fake_engine.verb, "parameters": fake_engine.job})
    program = (
        "import json, sys; from engine.jobs import VERBS\n"
        "for j in json.load(sys.stdin): VERBS[j['verb']][0].from_parameters(j['parameters'])"
    )
    python = str(engine_access.status().python)
    done = subprocess.run(
        [python, "-c", program], input=json.dumps(jobs), cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert [job["verb"] for job in jobs] == ["finetune", "pretrain", "evaluate", "sample"]


def test_by_default_a_model_is_installed_and_replaces_none(run, fake_engine, learning, models):
    del learning["OUTPUT_MODEL"]
    shutil.rmtree(models)
    run("finetune", learning)
    assert fake_engine.job["output_model"] == str(models / "my_model.onnx")
    assert models.is_dir(), "made for the first model"
    assert "'my_model' is installed: choose it by this name" in run.feedback.textLog()
    (models / "my_model.safetensors").write_bytes(b"x")
    run("finetune", learning)
    assert fake_engine.job["output_model"] == str(models / "my_model_2.onnx")


def test_a_base_that_shares_its_name_is_given_by_its_file(run, fake_engine, learning, monkeypatch):
    from spectralgpt_qgis import model_catalogue
    from spectralgpt_qgis.model_catalogue import InstalledModel

    mine = [
        InstalledModel("mine", "segmentation", "Mine", "/m/mine.onnx", bands=("B02",)),
        InstalledModel(
            "mine", "segmentation", "Mine", "/m/mine.safetensors", bands=("B02",), can_predict=False
        ),
    ]
    monkeypatch.setattr(model_catalogue, "installed_models", lambda: tuple(mine))
    run("finetune", {**learning, "BASE": "mine"})
    assert fake_engine.job["base"] == "mine.safetensors"


# -- finetune: labels -----------------------------------------------------------------------------


def test_unsaved_edits_count(run, fake_engine, learning):
    layer = QgsProject.instance().mapLayer(learning["LABELS"])
    layer.startEditing()
    drawn = QgsFeature(layer.fields())
    drawn.setGeometry(square(320500, 4693000))
    drawn.setAttributes(["bare"])
    layer.addFeatures([drawn])
    layer.changeAttributeValue(1, 0, "lake")
    layer.deleteFeature(2)
    run("finetune", learning)
    assert sorted(fake_engine.seen[0][1]) == ["bare", "lake"]
    layer.rollBack()


def test_the_filter_of_the_layer_counts(run, fake_engine, learning, tmp_path):
    file = fake_file(tmp_path, "water", "trees", "bare")
    layer = QgsVectorLayer(f"{file}|subset=\"class\" <> 'trees'", "filtered", "ogr")
    QgsProject.instance().addMapLayer(layer)
    run("finetune", {**learning, "LABELS": layer.id()})
    assert fake_engine.seen[0][1] == ["water", "bare"]


def fake_file(folder, *labels):
    from qgis.core import QgsVectorFileWriter

    path = str(folder / "labels.gpkg")
    QgsVectorFileWriter.writeAsVectorFormatV3(
        label_layer(*labels),
        path,
        QgsProject.instance().transformContext(),
        QgsVectorFileWriter.SaveVectorOptions(),
    )
    return path


def test_labels_may_be_a_file(run, fake_engine, learning, tmp_path):
    run("finetune", {**learning, "LABELS": fake_file(tmp_path, "water", "bare")})
    assert fake_engine.seen[0][1] == ["water", "bare"]


@pytest.mark.parametrize("way", ["box", "definition"])
def test_the_selection_counts_when_asked_for(run, fake_engine, learning, way):
    layer = label_layer("water", "trees", "bare")
    layer.selectByIds([1, 3])
    given = {"LABELS": layer.id(), "SELECTED_ONLY": way == "box"}
    if way == "definition":
        given["LABELS"] = QgsProcessingFeatureSourceDefinition(layer.id(), True)
    run("finetune", {**learning, **given})
    assert fake_engine.seen[0][1] == ["water", "bare"]
    run("finetune", {**learning, "LABELS": layer.id()})
    assert fake_engine.seen[1][1] == ["water", "trees", "bare"]


def test_the_limit_of_a_feature_source_counts(run, fake_engine, learning):
    layer = label_layer("water", "trees", "bare")
    given = QgsProcessingFeatureSourceDefinition(
        layer.id(), False, 2, QgsProcessingFeatureSourceDefinition.Flags()
    )
    run("finetune", {**learning, "LABELS": given})
    assert fake_engine.seen[0][1] == ["water", "trees"]


def test_several_labels_of_a_scene_may_be_a_list(run, fake_engine, learning):
    layer = label_layer(["water", "trees"], ["bare"], field="class:string[]")
    parameters = {**learning, "LABELS": layer.id(), "TASK": "scenes", "MULTILABEL": True}
    run("finetune", parameters)
    assert fake_engine.seen[0][1] == ["water;trees", "bare"]
    assert fake_engine.job["multilabel"]


def test_fields_that_a_geopackage_keeps_for_itself(run, fake_engine, learning):
    layer = label_layer("water", field="geom:string")
    run("finetune", {**learning, "LABELS": layer.id(), "FIELD": "geom"})
    assert fake_engine.seen[0][1] == ["water"]


def test_worker_never_touches_the_layer(run, fake_engine, learning, monkeypatch):
    """What is written was read before: a layer that goes away meanwhile does no harm."""
    from spectralgpt_qgis.algorithms import finetune

    layer = label_layer("water", "trees")
    process = finetune.FinetuneAlgorithm.processAlgorithm

    def without_layer(self, *arguments):
        QgsProject.instance().removeMapLayer(layer.id())
        return process(self, *arguments)

    monkeypatch.setattr(finetune.FinetuneAlgorithm, "processAlgorithm", without_layer)
    run("finetune", {**learning, "LABELS": layer.id()})
    assert fake_engine.seen[0][1] == ["water", "trees"]


def category(value, color, title):
    return QgsRendererCategory(value, QgsFillSymbol.createSimple({"color": color}), title)


@pytest.mark.parametrize("attribute", ["class", '"class"'])
def test_names_and_colours_are_those_of_the_layer(run, fake_engine, learning, attribute):
    layer = QgsProject.instance().mapLayer(learning["LABELS"])
    categories = [
        category("water", "#2a7fb8", "Open water"),
        category("trees", "#2f8f4e", "trees"),
        category("", "#aaaaaa", "all others"),
    ]
    layer.setRenderer(QgsCategorizedSymbolRenderer(attribute, categories))
    run("finetune", learning)
    assert json.loads(fake_engine.job["classes"]) == [
        {"label": "water", "title": "Open water", "color": "#2a7fb8"},
        {"label": "trees", "title": "", "color": "#2f8f4e"},
    ]


def test_colours_of_another_field_are_not_those_of_the_classes(run, fake_engine, learning):
    layer = QgsProject.instance().mapLayer(learning["LABELS"])
    layer.setRenderer(QgsCategorizedSymbolRenderer("surveyor", [category("Ada", "#2a7fb8", "Ada")]))
    run("finetune", learning)
    assert fake_engine.job["classes"] == ""


def test_names_of_a_value_map(run, fake_engine, learning):
    layer = label_layer(1, 2, field="class:integer")
    setup = QgsEditorWidgetSetup("ValueMap", {"map": [{"Water": "1"}, {"Trees": "2"}]})
    layer.setEditorWidgetSetup(0, setup)
    layer.setRenderer(QgsCategorizedSymbolRenderer("class", [category(2, "#2f8f4e", "2")]))
    run("finetune", {**learning, "LABELS": layer.id()})
    assert json.loads(fake_engine.job["classes"]) == [
        {"label": "1", "title": "Water", "color": ""},
        {"label": "2", "title": "Trees", "color": "#2f8f4e"},
    ]


def test_merged_categories_colour_each_of_their_values(run, fake_engine, learning):
    layer = label_layer(1, 2, 3, field="class:integer")
    merged = [category([1, 2], "#2a7fb8", "Wet"), category(3.0, "#2f8f4e", "Dry")]
    layer.setRenderer(QgsCategorizedSymbolRenderer("class", merged))
    run("finetune", {**learning, "LABELS": layer.id()})
    assert json.loads(fake_engine.job["classes"]) == [
        {"label": "1", "title": "", "color": "#2a7fb8"},
        {"label": "2", "title": "", "color": "#2a7fb8"},
        {"label": "3", "title": "Dry", "color": "#2f8f4e"},
    ]


def class_raster(folder, scene):
    path = str(folder / "classes.tif")
    gdal.Translate(
        path, scene, bandList=[1], outputType=gdal.GDT_Byte, scaleParams=[[0, 9e9, 1, 1]]
    )
    return path


def test_a_class_raster_needs_no_field(run, fake_engine, learning, scene, tmp_path):
    layer = QgsRasterLayer(class_raster(tmp_path, scene), "classes")
    entries = [
        QgsPalettedRasterRenderer.Class(1, QColor("#2a7fb8"), "Water"),
        QgsPalettedRasterRenderer.Class(2, QColor("#2f8f4e"), "2"),
    ]
    layer.setRenderer(QgsPalettedRasterRenderer(layer.dataProvider(), 1, entries))
    QgsProject.instance().addMapLayer(layer)
    fake_engine.during = None
    run("finetune", {**learning, "LABELS": layer.id(), "FIELD": None})
    assert fake_engine.job["labels"] == layer.source()
    assert fake_engine.job["field"] == ""
    assert json.loads(fake_engine.job["classes"]) == [
        {"label": "1", "title": "Water", "color": "#2a7fb8"},
        {"label": "2", "title": "", "color": "#2f8f4e"},
    ]


def test_of_a_layer_that_is_no_file_only_the_ground_around_the_labels_is_copied(
    run, fake_engine, learning, scene
):
    from urllib.parse import quote

    inner = QgsRasterLayer(scene, "inner")
    area = inner.extent()
    corners = (area.xMinimum(), area.yMinimum(), area.xMaximum(), area.yMaximum())
    uri = (
        f"?crs=EPSG:4326&extent={','.join(map(str, corners))}&width={inner.width()}"
        f"&height={inner.height()}&formula={quote(chr(34) + 'inner@1' + chr(34))}"
        f"&inner:uri={quote(scene)}&inner:provider=gdal"
    )
    layer = QgsRasterLayer(uri, "virtual", "virtualraster")
    QgsProject.instance().addMapLayer(layer)
    sizes = []
    fake_engine.during = lambda job: sizes.extend(gdal.Open(p).RasterXSize for p in job["inputs"])
    labels = QgsVectorLayer("Polygon?crs=EPSG:4326&field=class:string", "corner", "memory")
    feature = QgsFeature(labels.fields())
    x, y = area.xMinimum(), area.yMaximum()
    feature.setGeometry(QgsGeometry.fromRect(QgsRectangle(x, y - 0.001, x + 0.001, y)))
    feature.setAttributes(["water"])
    labels.dataProvider().addFeatures([feature])
    QgsProject.instance().addMapLayer(labels)
    run("finetune", {**learning, "INPUT": [layer.id(), scene], "LABELS": labels.id()})
    pixel = area.width() / inner.width()
    margin = 2000 / 111319.49  # QGIS takes a degree for so many metres
    assert sizes[0] == pytest.approx((0.001 + margin) / pixel, abs=1)
    assert sizes[1] == inner.width(), "a file is used as it is"


# -- finetune: what is refused --------------------------------------------------------------------


def test_change_needs_a_second_date(refused, learning, later_scene):
    assert refused("finetune", learning) == ""
    changed = {**learning, "TASK": "change"}
    assert "second date (AFTER), one for each" in refused("finetune", changed)
    changed["AFTER"] = [later_scene, later_scene]
    assert "1 rasters of the first date (INPUT) and 2" in refused("finetune", changed)
    assert "task is 'segmentation'" in refused("finetune", {**learning, "AFTER": [later_scene]})


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"FIELD": ""}, "Choose the field of 'labels'"),
        ({"FIELD": "colour"}, "no field 'colour'. Its fields are: class."),
        ({"SELECTED_ONLY": True}, "Nothing is selected in 'labels'"),
        ({"MULTILABEL": True}, "are for whole scenes, but the task is 'segmentation'"),
        ({"BASE": " "}, "Choose a model to start from"),
        ({"BASE": "nonsense"}, "no installed model 'nonsense' to start from"),
        ({"BASE": "/nowhere/base.safetensors"}, "no model file '/nowhere/base.safetensors'"),
        ({"BASE": "landcover.onnx"}, "'landcover.onnx' cannot be trained on"),
        ({"BANDS": "blue, green"}, "no list of band numbers"),
        ({"BANDS": "0,1"}, "no list of band numbers"),
        ({"BANDS": "1,2"}, "needs 9 bands in this order: B02, B03"),
        ({"EPOCHS": -1}, "must lie between 0 and 10000"),
        ({"VALIDATION": 80}, "must lie between 0 and 50"),
        ({"OUTPUT_MODEL": "/tmp/model.safetensors"}, "ends in .onnx"),
        ({"OUTPUT_REPORT": "/tmp/report.pdf"}, "ends in .html"),
        ({"METHOD": "magic"}, "METHOD"),
        ({"INPUT": []}, "nothing to learn from"),
    ],
)
def test_what_the_user_can_put_right(refused, learning, given, told):
    assert told in refused("finetune", {**learning, **given})


def test_lines_are_no_labels(refused, learning):
    layer = QgsVectorLayer("LineString?crs=EPSG:4326&field=class:string", "roads", "memory")
    QgsProject.instance().addMapLayer(layer)
    reason = refused("finetune", {**learning, "LABELS": layer.id()})
    assert "'roads' has neither polygons nor points" in reason


def test_labels_without_a_system(refused, learning):
    layer = QgsVectorLayer("Polygon?field=class:string", "adrift", "memory")
    layer.setCrs(QgsCoordinateReferenceSystem())
    QgsProject.instance().addMapLayer(layer)
    reason = refused("finetune", {**learning, "LABELS": layer.id()})
    assert "'adrift' has no coordinate reference system" in reason


def test_scenes_are_not_learned_from_a_raster(refused, learning, scene, tmp_path):
    given = {"TASK": "scenes", "LABELS": class_raster(tmp_path, scene), "FIELD": None}
    assert "Scenes are learned from polygons" in refused("finetune", {**learning, **given})


def test_damaged_files_are_told_from_missing_ones(refused, learning, tmp_path):
    broken = tmp_path / "broken.tif"
    broken.write_bytes(b"II*\0")
    reason = refused("finetune", {**learning, "INPUT": [str(broken)]})
    assert "broken.tif' (INPUT) cannot be opened as a raster" in reason
    reason = refused("finetune", {**learning, "LABELS": str(broken)})
    assert "broken.tif' (LABELS) cannot be opened as a layer" in reason


def test_labels_that_the_filter_hides(run, learning, tmp_path):
    file = fake_file(tmp_path, "water")
    layer = QgsVectorLayer(f"{file}|subset=\"class\" = 'sand'", "hidden", "ogr")
    QgsProject.instance().addMapLayer(layer)
    with pytest.raises(QgsProcessingException, match="'hidden' holds no features to use"):
        run("finetune", {**learning, "LABELS": layer.id()})


def test_a_stopped_training_keeps_its_best_model(run, fake_engine, learning):
    feedback = QgsProcessingFeedback()
    fake_engine.during = lambda job: feedback.cancel()
    outputs = run("finetune", learning, feedback)
    assert outputs["MODEL_NAME"] == "mine"
    assert "What was done so far was kept" in feedback.textLog()


def test_what_a_killed_engine_leaves_behind_is_removed(run, fake_engine, learning, tmp_path):
    from spectralgpt_qgis.engine_client import EngineFailed

    fake_engine.pid = 4711
    (tmp_path / ".spectralgpt-4711-abc").mkdir()
    fake_engine.failure = EngineFailed("EngineDied", "It was killed.")
    with pytest.raises(QgsProcessingException, match="It was killed"):
        run("finetune", learning)
    assert not (tmp_path / ".spectralgpt-4711-abc").exists()


# -- pretrain -------------------------------------------------------------------------------------


def test_pretraining(run, fake_engine, scene, later_scene, tmp_path):
    fake_engine.result = {"model": {"name": "mine", "sha256": "0"}, "final_loss": 0.25}
    outputs = run(
        "pretrain",
        {
            "INPUTS": [scene, later_scene],
            "FOLDER": str(tmp_path),
            "BASE": "tiny",
            "STAGES": "64:20:1e-3; 128:10::0.8:*2020-06*",
            "MASK_RATIO": 0.75,
            "EPOCHS": 2,
            "BATCH": 8,
            "STEPS": 5,
            "LOSS": "spectral-mean",
            "POSITIONS": "drop",
            "CHECKPOINT": str(tmp_path),
            "SEED": 1,
            "NAME": "mine",
            "OUTPUT_MODEL": str(tmp_path / "mine.safetensors"),
            "OUTPUT_REPORT": str(tmp_path / "report.html"),
            "OUTPUT_RECONSTRUCTION": str(tmp_path / "seen.tif"),
        },
    )
    assert fake_engine.verb == "pretrain"
    assert fake_engine.job == {
        "inputs": [scene, later_scene, str(tmp_path)],
        "base": "tiny",
        "stages": "64:20:1e-3; 128:10::0.8:*2020-06*",
        "mask_ratio": 0.75,
        "epochs": 2,
        "batch": 8,
        "steps": 5,
        "loss": "spectral-mean",
        "positions": "drop",
        "checkpoint": str(tmp_path),
        "seed": 1,
        "name": "mine",
        "device": "auto",
        "threads": 0,
        "crs": "EPSG:4326",
        "nodata": [],
        "output_model": str(tmp_path / "mine.safetensors"),
        "output_report": str(tmp_path / "report.html"),
        "language": language(),
        "output_reconstruction": str(tmp_path / "seen.tif"),
    }
    assert (outputs["MODEL_NAME"], outputs["FINAL_LOSS"]) == ("mine", 0.25)
    assert outputs["OUTPUT_RECONSTRUCTION"] == str(tmp_path / "seen.tif")


def test_pretraining_on_a_folder_alone(run, fake_engine, tmp_path, models):
    fake_engine.result = {"model": {"name": "my_backbone"}}
    run("pretrain", {"FOLDER": str(tmp_path)})
    assert fake_engine.job["inputs"] == [str(tmp_path)]
    assert fake_engine.job["output_model"] == str(models / "my_backbone.safetensors")
    assert fake_engine.job["checkpoint"] == ""


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"INPUTS": None}, "nothing to learn from"),
        ({"INPUTS": None, "FOLDER": "/nowhere"}, "no folder '/nowhere'"),
        ({"STAGES": "64"}, "The stage '64' is not understood"),
        ({"STAGES": "64:20; large:2"}, "The stage 'large:2' is not understood"),
        ({"STAGES": "64:20:fast"}, "The stage '64:20:fast' is not understood"),
        ({"MASK_RATIO": 1.0}, "must lie between 0.1 and 0.99"),
        ({"BASE": "enormous"}, "tiny, small, base, large, huge"),
        ({"OUTPUT_MODEL": "/tmp/b.onnx"}, "ends in .safetensors"),
    ],
)
def test_what_pretraining_refuses(refused, scene, given, told):
    parameters = {"INPUTS": [scene], "OUTPUT_MODEL": "/tmp/b.safetensors"}
    assert refused("pretrain", parameters) == ""
    assert told in refused("pretrain", {**parameters, **given})


# -- evaluate and sample --------------------------------------------------------------------------


@pytest.fixture
def judging(fake_engine, scene, tmp_path):
    layer = label_layer("water", "trees", kind="Point")
    fake_engine.seen = []
    fake_engine.during = lambda job: fake_engine.seen.append(read_back(job))
    return {"INPUT": class_raster(tmp_path, scene), "REFERENCE": layer.id(), "FIELD": "class"}


def test_judging_a_map(run, fake_engine, judging, tmp_path):
    fake_engine.result = {
        "figures": {
            "samples": 2,
            "overall_accuracy": 0.8,
            "overall_accuracy_interval": [0.7, 0.9],
            "kappa": None,
            "miou": 0.5,
            "macro_f1": 0.6,
            "area_adjusted": {"overall_accuracy": 0.9, "overall_accuracy_interval": [0.85, 0.95]},
        }
    }
    outputs = run("evaluate", {**judging, "OUTPUT_TABLE": str(tmp_path / "matrix.csv")})
    job = dict(fake_engine.job)
    assert fake_engine.verb == "evaluate"
    assert job.pop("reference").endswith("labels.gpkg")
    assert job == {
        "input": judging["INPUT"],
        "model": "",
        "field": "class",
        "design": "auto",
        "confidence": 95,
        "device": "auto",
        "threads": 0,
        "crs": "EPSG:4326",
        "nodata": [],
        "output_report": "",
        "language": language(),
        "output_table": str(tmp_path / "matrix.csv"),
    }
    assert fake_engine.seen == [("32631", ["water", "trees"])]
    assert outputs == {
        "OUTPUT_TABLE": str(tmp_path / "matrix.csv"),
        "OVERALL_ACCURACY": 0.8,
        "OVERALL_LOW": 0.7,
        "OVERALL_HIGH": 0.9,
        "KAPPA": None,
        "MIOU": 0.5,
        "MACRO_F1": 0.6,
        "SAMPLES": 2,
        "ADJUSTED_ACCURACY": 0.9,
        "ADJUSTED_LOW": 0.85,
        "ADJUSTED_HIGH": 0.95,
    }


def test_judging_a_model(run, fake_engine, judging, scene):
    fake_engine.result = {"figures": {"samples": 2, "overall_accuracy": 1.0}}
    run(
        "evaluate",
        {
            **judging,
            "INPUT": scene,
            "MODEL": "landcover",
            "BANDS": [1, 2, 3, 4, 5, 6, 7, 8, 9],
            "DESIGN": "simple",
            "CONFIDENCE": 90,
        },
    )
    job = fake_engine.job
    assert (job["input"], job["model"]) == (scene, "landcover")
    assert (job["design"], job["confidence"]) == ("simple", 90)
    assert job["bands"] == [1, 2, 3, 4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"FIELD": None}, "Choose the field of 'labels'"),
        ({"MODEL": "scenes"}, "'scenes' is for labelling scenes"),
        ({"CONFIDENCE": 100}, "must lie between 50 and 99"),
        ({"OUTPUT_TABLE": "/tmp/a.xlsx"}, "ends in .csv"),
    ],
)
def test_what_judging_refuses(refused, judging, given, told):
    assert refused("evaluate", judging) == ""
    assert told in refused("evaluate", {**judging, **given})


def test_drawing_a_sample(run, fake_engine, scene, tmp_path):
    fake_engine.result = {
        "size": 120,
        "classes": [
            {"value": 1, "title": "Water", "pixels": 9, "area_m2": 900.0, "points": 60},
            {"value": 2, "title": "2", "pixels": 9, "area_m2": 900.0, "points": 60},
        ],
    }
    source = class_raster(tmp_path, scene)
    target = str(tmp_path / "points.gpkg")
    outputs = run(
        "sample", {"INPUT": source, "SIZE": 120, "ALLOCATION": "equal", "SEED": 4, "OUTPUT": target}
    )
    assert fake_engine.verb == "sample"
    assert fake_engine.job == {
        "input": source,
        "output": target,
        "size": 120,
        "standard_error": 0.01,
        "expected_accuracy": 0.8,
        "allocation": "equal",
        "minimum": 50,
        "seed": 4,
    }
    assert outputs == {"OUTPUT": target, "POINT_COUNT": 120, "CLASS_COUNT": 2}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"STANDARD_ERROR": 0.5}, "must lie between 0.0005 and 0.2"),
        ({"MINIMUM": 0}, "must lie between 1 and 100000"),
        ({"OUTPUT": "/tmp/points.shp"}, "ends in .gpkg"),
    ],
)
def test_what_drawing_refuses(refused, scene, given, told):
    parameters = {"INPUT": scene, "OUTPUT": "/tmp/points.gpkg"}
    assert refused("sample", parameters) == ""
    assert told in refused("sample", {**parameters, **given})


def test_what_a_killed_engine_leaves_is_removed_whatever_else_the_job_holds(tmp_path):
    """`confidence` is a raster for segment and a percentage for evaluate."""
    left, others = tmp_path / ".spectralgpt-123-x", tmp_path / ".spectralgpt-124-x"
    left.mkdir()
    others.mkdir()
    job = {"confidence": 95, "output_table": str(tmp_path / "table.csv"), "output_report": ""}
    remove_abandoned(job, 123)
    assert list(tmp_path.iterdir()) == [others]
