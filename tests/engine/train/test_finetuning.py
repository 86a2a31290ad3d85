"""The verb from end to end: from labels to a model that maps, and what is refused."""

import dataclasses
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from affine import Affine

from engine import checkpoint
from engine.cards import Card
from engine.errors import (
    BandMismatch,
    Cancelled,
    EmptyArea,
    InvalidParameter,
    LabelsInvalid,
    OutOfMemory,
    TrainingDiverged,
)
from engine.infer.detect_change import detect_change
from engine.infer.segment import segment
from engine.jobs import ChangeJob, SegmentJob
from engine.model_file import read_card, verify
from engine.progress import Progress
from engine.train import made, map_finetuning, tuning
from engine.train.finetuning import finetune_model
from engine.train.labelled_windows import WholeWindows
from engine.train.tuning import confusion
from engine.training_jobs import FinetuneJob
from tests.engine.data import rasters
from tests.engine.infer.conftest import Recorder
from tests.engine.report.reading import left_in_english
from tests.engine.train import land

ROOT = Path(__file__).resolve().parents[3]
KNOWN = land.class_map()
EAST = Affine(10, 0, land.LEFT + 10 * land.SIDE, 0, -10, land.TOP)


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """This land is easily learned."""
    monkeypatch.setattr(map_finetuning, "LENGTHS", {"adapters": (9, 4), "full": (9, 4)})
    monkeypatch.setattr(tuning, "copies_for", lambda base: 1)


@pytest.fixture
def drawn(monkeypatch):
    """The graph is not written, which takes longest: only what the verb makes of it matters."""

    def write(predictor, card, path, **more):
        Path(path).write_bytes(b"a graph")
        exported.append((predictor, card))
        return dataclasses.replace(DONE, path=Path(path))

    exported = []
    monkeypatch.setattr(made, "export_onnx", write)
    return exported


@dataclasses.dataclass(frozen=True)
class Done:
    sha256: str = "0" * 64
    path: Path = Path()


DONE = Done()


@pytest.fixture
def scene(tmp_path):
    return rasters.write(tmp_path / "scene.tif", land.image(KNOWN))


@pytest.fixture
def labels(tmp_path):
    return land.field_labels(tmp_path / "labels.gpkg")


@pytest.fixture
def base(tmp_path):
    return land.backbone(tmp_path / "small.safetensors")


@pytest.fixture
def out(tmp_path):
    """A folder in which nothing but outputs may be."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def run(scene, labels, base, out):
    """Fine-tunes with the scene, its labels and the small backbone unless told otherwise."""

    def work(progress=None, **more):
        given = {
            "inputs": (scene,), "labels": labels, "field": "class", "base": base, "method": "quick",
            "output_model": str(out / "mine.onnx"), "device": "cpu", **more,
        }  # fmt: skip
        return finetune_model(FinetuneJob(**given), progress or Recorder())

    return work


def accuracy(drawn, seed=5):
    """Of the model that was drawn last, at places between the labels of another image."""
    predictor, _ = drawn[-1]
    ground = land.ground(
        places=[(row + 6, column - 6) for row, column in land.middles()], seed=seed
    )
    matrix = confusion(predictor, WholeWindows([ground], 32, 4), 3)
    return np.trace(matrix) / matrix.sum()


def weights(path):
    return checkpoint.load(path)[0].state_dict()


def same(one, other):
    return all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """One run with everything: result, job, what was told, and the folder."""
    folder = tmp_path_factory.mktemp("land")
    made = folder / "made"
    made.mkdir()
    looks = [
        {"label": "Water", "title": "Open water", "color": "#0000ff"},
        {"label": "Trees", "title": "Forest", "color": "#00aa00"},
    ]
    job = FinetuneJob(
        inputs=(rasters.write(folder / "scene.tif", land.image(KNOWN)),),
        labels=land.field_labels(folder / "labels.gpkg", crs="EPSG:4326"),
        field="class",
        base=land.backbone(folder / "small.safetensors"),
        output_model=str(made / "mine.onnx"),
        output_report=str(made / "report.html"),
        classes=json.dumps(looks),
        name="Our land",
        device="cpu",
        threads=1,
        language="de",
    )
    told = Recorder()
    return finetune_model(job, told), job, told, folder


class TestFromPolygonsToAMap:
    def map_of(self, done, scene, name):
        _, job, _, folder = done
        output = folder / f"{name}.tif"
        segment(
            SegmentJob(str(scene), job.output_model, str(output), device="cpu", threads=1),
            Progress(),
        )
        with rasterio.open(output) as dataset:
            return dataset.read(1)

    def test_the_model_maps_what_was_not_labelled(self, done):
        """Bare ground is 1, trees 2, water 3."""
        found = self.map_of(done, done[1].inputs[0], "map")
        assert (found == KNOWN + 1).mean() > 0.95

    def test_it_maps_other_land(self, done):
        other = land.class_map(120, 30)
        path = rasters.write(done[3] / "other.tif", land.image(other, seed=8), transform=EAST)
        assert (self.map_of(done, path, "elsewhere") == other + 1).mean() > 0.9

    def test_the_result_says_what_was_made(self, done):
        result, job, told, folder = done
        trainable = str(Path(job.output_model).with_suffix(".safetensors"))
        assert result["outputs"] == {
            "output_model": job.output_model,
            "trainable_model": trainable,
            "output_report": job.output_report,
        }
        assert {path.name for path in (folder / "made").iterdir()} == {
            "mine.onnx", "mine.safetensors", "report.html"
        }  # fmt: skip
        assert result["model"] == {"name": "Our land", "sha256": verify(Path(job.output_model))}
        assert result["method"] == "quick" and "16 labelled places are few" in result["reason"]
        assert result["cancelled"] is False and result["seconds"] > 0
        assert [item["title"] for item in result["classes"]] == ["Bare", "Forest", "Open water"]
        json.dumps(result, allow_nan=False)
        matrix = np.array(result["accuracy"]["confusion"])
        assert matrix.shape == (3, 3) and matrix.sum() == 16 * 16
        low, high = result["accuracy"]["interval_95"]
        assert 0 < low < result["accuracy"]["overall_accuracy"] <= high <= 1
        assert result["accuracy"]["places"] == 16
        facts = {
            key: event[key] for event in told.events if event["event"] == "state" for key in event
        }
        assert [item["color"] for item in facts["classes"]][1:] == ["#00aa00", "#0000ff"]
        assert (facts["method"], facts["keeps"]) == ("quick", True)
        assert told.fractions == sorted(told.fractions) and told.fractions[-1] == 1

    def test_both_files_have_the_card(self, done):
        _, job, _, _ = done
        card = read_card(Path(job.output_model))
        assert card.title == card.name == "Our land"
        assert [item.color for item in card.classes][1:] == ["#00aa00", "#0000ff"]
        assert [band.name for band in card.bands] == list(rasters.NAMES)
        assert card.accuracy["samples"] == 16 * 16
        assert card.accuracy["overall_accuracy"] > 0.9
        assert card.training["labelled"] == {"Bare": 96, "Forest": 80, "Open water": 80}
        west, south, east, north = card.training["area"]
        assert west < east and 42 < south < north < 43 and 3 <= west < 3.1
        twin = read_card(Path(job.output_model).with_suffix(".safetensors"))
        assert twin.classes == card.classes and twin.accuracy == card.accuracy
        assert Card.from_stac(card.to_stac()).training == card.training

    def test_the_report_is_one_page_that_needs_nothing_else(self, done):
        page = Path(done[1].output_report).read_text(encoding="utf-8")
        assert page.startswith("<!DOCTYPE html>") or page.startswith("<!doctype html>")
        assert not re.search(r"""(src|href|url)\s*[=(]\s*["']?\s*(https?:)?//""", page)
        assert "<script" not in page and "<link" not in page
        for words in ("Open water", "labels.gpkg", "data:image/png", "IoU"):
            assert words in page

    def test_the_report_is_in_the_language_asked_for(self, done):
        page = Path(done[1].output_report).read_text(encoding="utf-8")
        assert "Zurückgehaltene Pixel" in page and "labels.gpkg, Feld class" in page
        assert left_in_english(page, "de") == []

    def test_it_can_be_trained_on_from(self, done, run, drawn, out):
        """The .onnx is named, the .safetensors beside it is taken."""
        _, job, _, _ = done
        run(base=job.output_model, output_model=str(out / "next.onnx"))
        assert accuracy(drawn) > 0.9
        card = read_card(out / "next.safetensors")
        assert card.training["base"]["name"] == "Our land"

    def test_what_the_report_says_makes_the_very_same_model(self, done):
        """Its command line, in a process of its own: byte for byte."""
        _, job, _, folder = done
        page = Path(job.output_report).read_text(encoding="utf-8")
        (command,) = re.findall(r"python -m engine finetune[^<]*", page)
        command = command.replace("&#34;", '"').replace("&#39;", "'").replace("&amp;", "&")
        words = shlex.split(command)
        assert words[:4] == ["python", "-m", "engine", "finetune"]
        again = folder / "again"
        again.mkdir()
        words = [word.replace(str(folder / "made"), str(again)) for word in words]
        ran = subprocess.run(
            [sys.executable, *words[1:], "--json"],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        events = [json.loads(line) for line in ran.stdout.splitlines()]
        assert [event["event"] for event in events if event["event"] == "result"] == ["result"]
        assert events[-1]["outputs"]["output_model"] == str(again / "mine.onnx")
        assert events[-1]["model"]["sha256"] == done[0]["model"]["sha256"]
        assert (again / "mine.onnx").read_bytes() == Path(job.output_model).read_bytes()
        one, other = (weights(path / "mine.safetensors") for path in (again, folder / "made"))
        assert same(one, other)  # the entries of its header may stand in another order


class TestKindsOfLabels:
    def test_points(self, run, drawn, tmp_path):
        """Four a field: one pixel says little."""
        places = [(r + dr, c + dc) for r, c in land.middles() for dr in (-2, 2) for dc in (-2, 2)]
        points = land.field_labels(
            tmp_path / "p.gpkg", shape=land.point, places=places, crs="EPSG:3035", kind="Point"
        )
        result = run(labels=points)
        assert result["accuracy"]["samples"] == 64
        assert accuracy(drawn) > 0.9

    def test_a_class_raster(self, run, drawn, tmp_path):
        """Values 10, 20, 30 in squares, 0 where unknown."""
        ground = land.ground()
        values = np.zeros((1, land.SIDE, land.SIDE), np.uint8)
        values[0, ground.pixels.row, ground.pixels.column] = 10 * (ground.pixels.label + 1)
        path = rasters.write(tmp_path / "classes.tif", values, names=(), nodata=0)
        result = run(labels=path, field="")
        assert [item["title"] for item in result["classes"]] == ["Class 10", "Class 20", "Class 30"]
        assert [item["value"] for item in result["classes"]] == [10, 20, 30], "as in the raster"
        assert accuracy(drawn) > 0.9

    def test_two_rasters_share_a_label_layer(self, run, drawn, scene, tmp_path):
        """Bare ground and trees are labelled on one, water on the other only."""
        places = land.middles()
        here = [place for place in places if KNOWN[place] != 2]
        there = [place for place in places if KNOWN[place] == 2]
        shapes = [land.box(*place) for place in here]
        shapes += [land.box(row, column + land.SIDE) for row, column in there]
        layer = land.polygons(
            tmp_path / "both.gpkg", shapes, [land.TITLES[KNOWN[place]] for place in here + there]
        )
        beside = rasters.write(tmp_path / "east.tif", land.image(KNOWN, seed=1), transform=EAST)
        result = run(inputs=(scene, beside), labels=layer)
        assert accuracy(drawn) > 0.9
        assert result["warnings"] == []
        assert drawn[-1][1].training["rasters"] == ["scene.tif", "east.tif"]

    def test_what_is_not_labelled_is_never_background(self, run, drawn, tmp_path):
        """Only bare ground and trees are labelled: water becomes one of them, not a third."""
        places = [place for place in land.middles() if KNOWN[place] != 2]
        result = run(labels=land.field_labels(tmp_path / "two.gpkg", places=places))
        assert [item["title"] for item in result["classes"]] == ["Bare", "Trees"]
        assert drawn[-1][0].network.head.classes == 2

    def test_one_place_a_class_is_learned_but_not_judged(self, run, drawn, tmp_path):
        places = [(12, 12), (12, 36), (12, 60)]
        result = run(labels=land.field_labels(tmp_path / "three.gpkg", places=places))
        assert result["accuracy"] == {"measure": "not judged: no labels could be held back"}
        assert any("at least two places" in text for text in result["warnings"])
        assert accuracy(drawn) > 0.8


class TestChange:
    def test_from_two_dates_to_a_map_of_change(self, run, scene, tmp_path, out):
        """Every other field becomes what the next class is."""
        row, column = np.mgrid[: land.SIDE, : land.SIDE] // land.FIELD
        changed = (row + 2 * column) % 3 == 0
        after = rasters.write(
            tmp_path / "after.tif", land.image(np.where(changed, (KNOWN + 1) % 3, KNOWN), seed=1)
        )
        places = land.middles()
        layer = land.polygons(
            tmp_path / "change.gpkg",
            [land.box(*place) for place in places],
            ["changed" if changed[place] else "unchanged" for place in places],
        )
        result = run(task="change-detection", after=(after,), labels=layer)
        assert [(item["value"], item["title"]) for item in result["classes"]] == [
            (0, "unchanged"),
            (1, "changed"),
        ]
        assert result["accuracy"]["overall_accuracy"] > 0.9
        output = out / "map.tif"
        job = ChangeJob(scene, after, str(out / "mine.onnx"), str(output), device="cpu", threads=1)
        detect_change(job, Progress())
        with rasterio.open(output) as dataset:
            assert (dataset.read(1) == changed).mean() > 0.9

    def test_it_must_be_known_what_changed_means(self, run, scene, out):
        with pytest.raises(LabelsInvalid, match=r"learned from two classes.*labels have 3"):
            run(task="change-detection", after=(scene,))
        assert list(out.iterdir()) == []


@pytest.mark.parametrize("method", ["adapters", "full"])
def test_training_the_encoder(run, drawn, method, out):
    told = Recorder()
    result = run(told, method=method, epochs=1, output_report=str(out / "report.html"))
    assert result["method"] == method and result["reason"] == ""
    assert result["accuracy"]["samples"] < 16 * 16  # of what was held back alone
    assert accuracy(drawn) > 0.9
    names = {event["name"] for event in told.events if event["event"] == "metric"}
    assert {"loss", "val_miou"} <= names
    assert "On held-back labels" in (out / "report.html").read_text(encoding="utf-8")


def test_the_same_seed_gives_the_same_weights(run, drawn, out):
    paths = [out / f"{name}.onnx" for name in "abc"]
    for path, seed in zip(paths, (3, 3, 4)):
        run(output_model=str(path), seed=seed, name="x")
    one, again, other = (path.with_suffix(".safetensors") for path in paths)
    assert same(weights(one), weights(again))
    assert not same(weights(one), weights(other))


class TestCancel:
    def test_of_quick_writes_nothing(self, run, out):
        with pytest.raises(Cancelled):
            run(Recorder(cancel_after=6))
        assert list(out.iterdir()) == []

    def test_of_full_keeps_the_best_and_writes(self, run, drawn, out):
        """Cancelled after the second epoch, and asked for again and again ever after."""
        told = Recorder()
        told._is_cancelled = lambda: sum(event.get("name") == "loss" for event in told.events) >= 2
        result = run(told, method="full", epochs=9, output_report=str(out / "report.html"))
        assert result["cancelled"] is True
        assert {path.name for path in out.iterdir()} == {
            "mine.onnx", "mine.safetensors", "report.html"
        }  # fmt: skip
        assert accuracy(drawn) > 0.9
        assert read_card(out / "mine.safetensors").training["epochs"] in (2, 3)

    def test_while_the_model_is_written_comes_too_late_to_lose_it(self, run, drawn, out):
        told = Recorder()
        told._is_cancelled = lambda: "Writing the model" in told.texts("progress")
        result = run(told)
        assert result["cancelled"] is False
        assert {path.name for path in out.iterdir()} == {"mine.onnx", "mine.safetensors"}

    def test_of_full_before_any_weight_has_learned_writes_nothing(self, run, out):
        with pytest.raises(Cancelled):
            run(Recorder(cancel_after=6), method="full")
        assert list(out.iterdir()) == []


class TestBadInput:
    """Each says what was given, what was expected and what to do, and leaves nothing behind."""

    @pytest.fixture(autouse=True)
    def nothing_is_left(self, out):
        before = Path(out / "report.html")
        before.write_text("an older report")
        yield
        assert [path.name for path in out.iterdir()] == ["report.html"]
        assert before.read_text() == "an older report"

    def refused(self, run, error, words, out, **more):
        with pytest.raises(error, match=words) as caught:
            run(output_report=str(out / "report.html"), **more)
        assert caught.value.kind == error.__name__

    @pytest.fixture
    def check(self, run, out):
        return lambda error, words, **more: self.refused(run, error, words, out, **more)

    def layer(self, tmp_path, values, shapes=None, **more):
        shapes = shapes or [land.box(*place) for place in land.middles()[: len(values)]]
        return land.polygons(tmp_path / "bad.gpkg", shapes, values, **more)

    def test_one_class_only(self, check, tmp_path):
        bad = self.layer(tmp_path, ["Trees", "Trees"])
        check(
            LabelsInvalid,
            r"field 'class' of the labels .*one class only \(Trees\), expected at least 2.*Label",
            labels=bad,
        )

    def test_a_class_without_pixels(self, check, tmp_path):
        shapes = [land.box(12, 12), land.box(12, 36), land.box(12, 5000)]
        bad = self.layer(tmp_path, ["Bare", "Trees", "Water"], shapes)
        check(LabelsInvalid, r"No pixel .* labelled as Water.*Draw some on the rasters", labels=bad)

    def test_labels_elsewhere(self, check, tmp_path):
        bad = self.layer(tmp_path, ["Bare", "Trees"], [land.box(5000, 0), land.box(5000, 50)])
        check(EmptyArea, r"bad\.gpkg.*scene\.tif|labels .*bad\.gpkg .*raster", labels=bad)

    def test_polygons_that_contradict(self, check, tmp_path):
        shapes = [land.box(12, 12), land.box(13, 13), land.box(40, 40)]
        bad = self.layer(tmp_path, ["Bare", "Trees", "Water"], shapes)
        check(
            LabelsInvalid,
            r"9 of 39 labelled pixels.*1 \(Bare\) and 2 \(Trees\).*expected one class.*Difference",
            labels=bad,
        )

    @pytest.mark.parametrize(
        ("values", "field", "words"),
        [
            (["Bare", "Trees"], "kind", r"'kind'.*class.*Choose"),
            (["Bare", "Trees"], "", r"field.*class.*Choose"),
            (["", ""], "class", r"is empty in all of its 2 features.*Fill it in"),
            ([0.5, 1.5], "class", r"decimal numbers such as 0\.5.*field calculator"),
        ],
    )
    def test_fields_that_are_no_classes(self, check, tmp_path, values, field, words):
        check(LabelsInvalid, words, labels=self.layer(tmp_path, values), field=field)

    def test_no_data_under_all_labels(self, check, tmp_path):
        values = land.image(KNOWN)
        values[:, :60] = 0
        raster = rasters.write(tmp_path / "dark.tif", values, nodata=0)
        places = [place for place in land.middles() if place[0] < 50]
        bad = land.field_labels(tmp_path / "bad.gpkg", places=places)
        check(EmptyArea, r"Every labelled pixel is no-data", inputs=(raster,), labels=bad)
        check(
            EmptyArea, r"Every labelled pixel is no-data", inputs=(raster,), labels=bad,
            method="full",
        )  # fmt: skip

    def test_a_base_for_other_bands(self, check, tmp_path):
        rgb = rasters.write(
            tmp_path / "rgb.tif", land.image(KNOWN, bands=3), names=rasters.NAMES[:3]
        )
        check(BandMismatch, "B08", inputs=(rgb,))

    def test_outputs_that_cannot_be(self, check, out):
        check(InvalidParameter, r"must end in \.onnx", output_model=str(out / "mine.tif"))

    def test_an_input_is_never_overwritten(self, check, base):
        """The trainable model would be written over the base."""
        twin = Path(base).with_suffix(".onnx")
        before = Path(base).read_bytes()
        check(InvalidParameter, r"is also an input", output_model=str(twin))
        assert Path(base).read_bytes() == before and not twin.exists()

    def test_a_loss_that_is_no_number(self, check, monkeypatch):
        call = tuning.SupervisedLoss.__call__
        monkeypatch.setattr(
            tuning.SupervisedLoss, "__call__", lambda *given: call(*given) * float("nan")
        )
        check(
            TrainingDiverged,
            r"The loss became nan at step 1 .*Lower the learning rate",
            method="full",
        )

    def test_too_little_memory_for_any_batch(self, check, monkeypatch):
        def exhausted(*given):
            raise torch.OutOfMemoryError("out of memory")

        monkeypatch.setattr(tuning.SupervisedLoss, "__call__", exhausted)
        check(
            OutOfMemory,
            r"does not suffice even for a batch of 1\. Choose a smaller network",
            method="full",
        )

    def test_too_little_memory_for_a_window(self, check, monkeypatch):
        def exhausted(*given, **more):
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

        monkeypatch.setattr(tuning, "extract", exhausted)
        check(OutOfMemory, r"even for a batch of 1\. Choose a smaller network")

    def test_an_export_that_fails(self, check, monkeypatch):
        def broken(*given, **more):
            raise EmptyArea("Nothing came of the export. Try again.")

        monkeypatch.setattr(made, "export_onnx", broken)
        check(EmptyArea, "Nothing came of the export")


def test_with_too_little_memory_a_smaller_batch_is_tried(run, drawn, monkeypatch):
    call, sizes = tuning.SupervisedLoss.__call__, []

    def limited(self, model, batch):
        sizes.append(len(batch["image"]))
        if sizes[-1] > 2:
            raise torch.OutOfMemoryError("out of memory")
        return call(self, model, batch)

    monkeypatch.setattr(tuning.SupervisedLoss, "__call__", limited)
    result = run(method="full", epochs=1)
    assert sizes[:3] == [8, 4, 2]
    assert result["warnings"][:2] == [
        "The memory does not suffice for a batch of 8: trying 4.",
        "The memory does not suffice for a batch of 4: trying 2.",
    ]


def test_other_band_sets_are_warned_of_and_learned_from(run, drawn, scene, tmp_path):
    six = np.delete(land.image(KNOWN, seed=1), [3, 4, 5], 0)
    names = (*rasters.NAMES[:3], *rasters.NAMES[6:])
    landsat = rasters.write(tmp_path / "landsat.tif", six, names=names)
    result = run(inputs=(scene, landsat))
    assert any("landsat.tif: some bands are missing" in text for text in result["warnings"])


def test_a_few_contradicting_pixels_are_left_out(run, drawn, tmp_path):
    """Water of 2 x 2 pixels, one of them in the corner of bare ground: 257 + 3 - 2 x 1 count."""
    places = land.middles()
    shapes = [land.box(*place) for place in places] + [land.box(10, 10, 2)]
    values = [land.TITLES[KNOWN[place]] for place in places] + ["Water"]
    result = run(labels=land.polygons(tmp_path / "near.gpkg", shapes, values))
    assert any(
        "1 of 259 labelled pixels" in text and text.endswith("these pixels are ignored.")
        for text in result["warnings"]
    )
    assert result["accuracy"]["samples"] == 258


def test_held_back_labels_on_no_data_do_not_judge(run, drawn, labels, tmp_path, monkeypatch):
    """Whatever is held back, the raster shows nothing there."""
    split = map_finetuning.split_grounds

    def darkened(grounds, share, seed, card):
        learn, held, warning = split(grounds, share, seed, card)
        dark = [
            dataclasses.replace(g, read=lambda w: ({}, np.zeros((w.height, w.width), bool)))
            for g in held
        ]
        return learn, dark, warning

    monkeypatch.setattr(map_finetuning, "split_grounds", darkened)
    result = run(method="full", epochs=1)
    assert result["accuracy"] == {"measure": "not judged: no labels could be held back"}
    assert any("held back are no-data" in text for text in result["warnings"])


def test_two_places_a_class_are_enough_to_judge_all_weights(run, drawn, tmp_path):
    """One to learn from, one held back: nobody says that it cannot be judged."""
    places = [(12, 12), (12, 36), (12, 60), (84, 12), (84, 36), (84, 60)]
    assert sorted(KNOWN[place] for place in places) == [0, 0, 1, 1, 2, 2]
    layer = land.field_labels(tmp_path / "six.gpkg", places=places)
    result = run(labels=layer, method="full", epochs=1)
    assert result["accuracy"]["samples"] == 3 * 16
    assert not any("held back" in t and "Nothing" in t for t in result["warnings"])
