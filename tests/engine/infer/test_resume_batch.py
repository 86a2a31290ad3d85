"""Many scenes whose run is killed again and again: the outputs are those of an uninterrupted run."""

import json
import random
import re

import numpy as np
import pytest

from engine.batch_jobs import BatchJob
from tests.engine.infer.killed_runs import KILLS, Run, contents, whole_run

SEED = 20261127
ROWS = 1200
SCENES = ("a", "b", "c")


@pytest.fixture
def start(tmp_path, make_raster, segmenter):
    """Begins a run into a folder."""
    values = np.random.default_rng(SEED).random((len(SCENES), 3, ROWS, 60), np.float32)
    rasters = tuple(make_raster(scene, f"{name}.tif") for name, scene in zip(SCENES, values))
    given = {"model": segmenter(), "inputs": rasters, "beside": ("confidence", "areas")}

    def begin(folder):
        folder.mkdir(exist_ok=True)
        return Run(BatchJob("segment", output_folder=str(folder), device="cpu", threads=1, **given))

    return begin


def finished(folder):
    """Names of the scenes that the folder's records tell of."""
    path = folder / "scenes.json"
    return set(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else set()


def maps(found):
    """Of the contents of a folder, all but the tables of what took how long."""
    return {name: data for name, data in found.items() if not name.startswith("scenes.")}


def test_twenty_kills_at_random_moments(start, tmp_path):
    """Each run is killed up to a fifth of a whole run after its first window; complete ones begin again.

    No finished scene is ever computed again, and half of the killed runs or more went on inside of a scene.
    """
    chance, parts = random.Random(SEED), tmp_path / "parts"
    expected, seconds = whole_run(start(tmp_path / "whole"), tmp_path / "whole")
    kills = went_on = rounds = 0
    done = set()
    while kills < KILLS or done:
        run = start(parts)
        told = run.until_the_first_window()
        left_out = re.search(r"(\d+) of 3 scenes were completed", told)
        assert int(left_out[1] if left_out else 0) == len(done), f"seed {SEED}"
        went_on += bool(re.search(r"previous run: [1-9]\d* of \d+ rows", told))
        kills += run.kill(chance.uniform(0, seconds / 5))
        assert finished(parts) >= done, f"seed {SEED}"
        done = finished(parts)
        if len(done) == len(SCENES):
            start(parts).end()  # removes what a run that was killed at its very end has left
            assert maps(contents(parts)) == maps(expected), f"seed {SEED}"
            for path in parts.iterdir():
                path.unlink()
            done, rounds = set(), rounds + 1
    assert rounds >= 1
    assert went_on >= KILLS // 2
