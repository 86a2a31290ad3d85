"""From polygons to a map, with everything that is written on the way."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import rasterio

from engine.cards import Card
from engine.infer.segment import segment
from engine.jobs import SegmentJob
from engine.model_file import read_card, verify
from engine.progress import Progress
from tests.engine.data import rasters
from tests.engine.report.reading import left_in_english
from tests.engine.train import land
from tests.engine.train.finetuning.outcome import EAST, KNOWN, accuracy, same, weights

ROOT = Path(__file__).resolve().parents[4]


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
        assert result["method"] == "quick" and "only 16 labelled places" in result["reason"]
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
        assert len(card.training["label_fingerprints"]) == 16
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
