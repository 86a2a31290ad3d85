import json
import sys
import types

import numpy as np
import pytest

from engine.assessment_jobs import BenchmarkJob
from engine.benchmark import run, village, water
from engine.benchmark.scoreboard import Scoreboard
from engine.errors import InvalidParameter
from engine.progress import Progress


class Even:
    """The same for every class."""

    threshold = 0.5

    def fit(self, *arguments):
        return self

    def predict(self, before, after, valid):
        return np.full(valid.shape, 0.25, np.float32)


@pytest.fixture
def taizhou(monkeypatch):
    """Four pixels instead of the collection, and a product that finds nothing."""
    from engine.recipes import collections

    image = np.tile(np.array([[0.1, 0.2, 0.3, 0.1]], np.float32), (9, 1, 1))
    valid = np.ones((1, 4), bool)
    truth = np.array([[0, 0, 0, 1]], np.uint8)
    after = image.copy()
    after[:, 0, 3] = 0.9
    scenes = [collections.Scene("t", date, valid, "DN") for date in (image, after)]
    monkeypatch.setattr(collections, "taizhou", lambda data: (*scenes, truth))
    monkeypatch.setattr(run, "own_methods", lambda part, job: [("ours", Even())])


def job(tmp_path, **parameters):
    return BenchmarkJob.from_parameters(
        {"kind": "accuracy", "data": str(tmp_path), "threads": 1, **parameters}
    )


def test_product_and_peers_are_measured_and_written(tmp_path, taizhou):
    output = tmp_path / "results.json"
    given = job(tmp_path, parts=["taizhou"], output=str(output))
    result = run.benchmark(given, Progress())
    part = result["parts"]["taizhou"]
    assert [row["method"] for row in part["figures"] if row["measure"] == "F1"] == [
        "ours",
        "change vectors, Otsu",
    ]
    assert result["outputs"] == {
        "output": str(output),
        "table": str(tmp_path / "results.md"),
    }
    assert json.loads(output.read_text())["parts"]["taizhou"]["figures"] == part["figures"]
    assert (tmp_path / "results.md").read_text().startswith("## Change, Landsat")


def test_without_an_output_nothing_is_written(tmp_path, taizhou):
    result = run.benchmark(job(tmp_path, parts=["taizhou"]), Progress())
    assert result["outputs"] == {}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("module", [village, water])
def test_the_first_draw_reaches_the_part(module, tmp_path, monkeypatch):
    given = []

    def measure(data, methods, repeats, progress, **extra):
        given.append((repeats, extra))
        return Scoreboard("none", "")

    monkeypatch.setattr(module, "measure", measure)
    monkeypatch.setattr(run, "own_methods", lambda part, job: [])
    part = module.__name__.rpartition(".")[2]
    run.benchmark(job(tmp_path, parts=[part], repeats=3, first_draw=2000), Progress())
    assert given == [(3, {"first": 2000})]


def test_an_unknown_part_is_told_with_those_that_exist(tmp_path):
    with pytest.raises(InvalidParameter, match=r"no part 'ships'.*village, scenes, water, oscd"):
        run.benchmark(job(tmp_path, parts=["ships"]), Progress())


def test_a_missing_folder_is_told(tmp_path):
    with pytest.raises(InvalidParameter, match="does not exist"):
        run.benchmark(job(tmp_path / "none"), Progress())


def test_cost_has_no_peers(tmp_path):
    assert run.baseline_methods("cost", job(tmp_path)) == []


@pytest.mark.parametrize("part", [part for part in run.PARTS if part != "cost"])
def test_every_part_has_named_peers(part, tmp_path):
    baselines = run.baseline_methods(part, job(tmp_path))
    names = [name for name, _ in baselines]
    assert len(names) == len(set(names)) >= 1
    assert all(hasattr(method, "fit") for _, method in baselines)


def test_the_product_says_itself_what_it_has_for_a_part(tmp_path, monkeypatch):
    ours = types.ModuleType("engine.benchmark.ours")
    ours.methods = lambda part, job: [(f"{part} with {job.threads}", Even())]
    monkeypatch.setitem(sys.modules, ours.__name__, ours)
    ((name, _),) = run.own_methods("water", job(tmp_path))
    assert name == "water with 1"
