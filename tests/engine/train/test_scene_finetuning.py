"""Scenes through the verb: from labelled polygons to a model that labels them."""

import re

import pyogrio
import pytest
import torch

from engine.errors import InvalidParameter
from engine.infer.classify import classify
from engine.jobs import ClassifyJob
from engine.model_file import read_card
from engine.progress import Progress
from engine.train.finetuning import finetune_model
from engine.training_jobs import FinetuneJob
from tests.engine.data import rasters
from tests.engine.report.reading import left_in_english
from tests.engine.train import land

FIELD, SIDE = 64, 384  # pixels: six by six scenes, each of one kind of land
KNOWN = land.class_map(SIDE, FIELD)
PLACES = land.middles(SIDE, FIELD)


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def given(tmp_path):
    """A scene of 36 fields, 20 of which are labelled."""
    shapes = [land.box(*place, size=48) for place in PLACES[:20]]
    labels = [land.TITLES[KNOWN[place]] for place in PLACES[:20]]
    return {
        "inputs": (rasters.write(tmp_path / "scene.tif", land.image(KNOWN)),),
        "labels": land.polygons(tmp_path / "labels.gpkg", shapes, labels),
        "field": "class",
        "task": "scene-classification",
        "base": land.backbone(tmp_path / "base.safetensors"),
        "output_model": str(tmp_path / "made.onnx"),
        "output_report": str(tmp_path / "made.html"),
    }


def test_labelled_polygons_make_a_model_that_labels_the_rest(given, tmp_path):
    result = finetune_model(FinetuneJob(**given, language="zh-Hans"), Progress())
    card = read_card(tmp_path / "made.onnx")
    assert (card.task, result["method"], len(card.classes)) == ("scene-classification", "quick", 3)
    assert card.training["labelled"] == {"Bare": 7, "Trees": 7, "Water": 6}
    assert len(card.training["label_fingerprints"]) == 20
    page = (tmp_path / "made.html").read_text(encoding="utf-8")
    assert "Small backbone" in page and "场景分类，3 个类别" in page
    assert left_in_english(page, "zh") == []
    rest = PLACES[20:]
    zones = land.polygons(
        tmp_path / "zones.gpkg", [land.box(*p, size=48) for p in rest], [str(p) for p in rest]
    )
    found = tmp_path / "found.gpkg"
    model = str(tmp_path / "made.onnx")
    classify(ClassifyJob(given["inputs"][0], model, str(found), zones=zones), Progress())
    meta, _, _, columns = pyogrio.raw.read(found)
    fields = dict(zip(meta["fields"], columns))
    wanted = [land.TITLES[KNOWN[place]].lower() for place in rest]
    assert sum(a == b for a, b in zip(fields["class_name"], wanted)) >= len(rest) - 1, fields


def test_of_several_labels_a_scene_the_mean_average_precision_is_told(given, tmp_path):
    shapes = [land.box(*place, size=48) for place in PLACES[:20]]
    labels = [
        f"{land.TITLES[KNOWN[place]]};{'Wet' if KNOWN[place] == 2 else 'Dry'}"
        for place in PLACES[:20]
    ]
    several = {**given, "labels": land.polygons(tmp_path / "several.gpkg", shapes, labels)}
    result = finetune_model(FinetuneJob(**several, multilabel=True), Progress())
    assert 0.5 < result["accuracy"]["map"] <= 1
    assert "confusion" not in result["accuracy"]
    assert "Mean average precision" in (tmp_path / "made.html").read_text()


def test_scenes_with_two_contradicting_labels_are_told_and_left_out(given, tmp_path):
    shapes = [land.box(*place, size=48) for place in (*PLACES[:20], PLACES[0])]
    labels = [land.TITLES[KNOWN[place]] for place in PLACES[:20]]
    other = next(title for title in land.TITLES if title != labels[0])
    twice = {**given, "labels": land.polygons(tmp_path / "twice.gpkg", shapes, [*labels, other])}
    result = finetune_model(FinetuneJob(**twice), Progress())
    told = f"2 of 21 scenes .* such as 1 .{labels[0]}. and 21 .{other}.\\. None of them is used"
    assert any(re.search(told, text) for text in result["warnings"])
    assert re.search(told, (tmp_path / "made.html").read_text(encoding="utf-8"))
    learned = read_card(tmp_path / "made.onnx").training["labelled"]
    assert learned == {**{title: labels.count(title) for title in land.TITLES},
                       labels[0]: labels.count(labels[0]) - 1}  # fmt: skip


def test_scenes_have_one_date(given):
    with pytest.raises(InvalidParameter, match="a second date were specified"):
        finetune_model(FinetuneJob(**given, after=given["inputs"]), Progress())
