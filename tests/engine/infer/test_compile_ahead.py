"""A model that an earlier run has chosen a backend for gets ready before the run asks for it."""

import subprocess
import sys
from pathlib import Path

import pytest

from engine.infer import compile_ahead
from engine.infer.backend_choice import fastest
from engine.jobs import SegmentJob
from engine.model_file import read_card


class Prepared:
    """A backend that remembers what it was prepared for."""

    batch = 2

    def __init__(self):
        self.sizes = []

    def prepare(self, feeds):
        self.sizes.append(feeds["image"].shape)


@pytest.fixture
def backend(monkeypatch):
    """The only one besides ONNX Runtime, and the one that was chosen."""
    made = Prepared()
    monkeypatch.setattr(compile_ahead, "other_backends", lambda *_: {"quick": lambda: made})
    monkeypatch.setattr(compile_ahead, "kept_choice", lambda key: "quick")
    return made


def job(model, **more):
    return SegmentJob(input="missing.tif", model=str(model), output="map.tif", **more)


def test_the_chosen_backend_is_prepared_and_given_away_once(segmenter, backend, recorder):
    path = Path(segmenter())
    compile_ahead.begin(job(path))
    assert backend.sizes == [(2, 3, 16, 16)]  # a batch of two windows
    assert fastest(path, read_card(path), 0, recorder()) is backend
    assert compile_ahead.begun(path, 0) is None


def test_for_other_threads_it_is_not_given(segmenter, backend):
    path = Path(segmenter())
    compile_ahead.begin(job(path, threads=1))
    assert compile_ahead.begun(path, 2) is None
    assert compile_ahead.begun(path, 1) is backend


def test_without_an_earlier_choice_nothing_begins(segmenter, backend, monkeypatch):
    monkeypatch.setattr(compile_ahead, "kept_choice", lambda key: None)
    compile_ahead.begin(job(segmenter()))
    assert not backend.sizes


@pytest.mark.parametrize("more", [{"device": "gpu"}, {"scheduler": "local"}])
def test_elsewhere_than_on_this_processor_nothing_begins(segmenter, backend, more):
    compile_ahead.begin(job(segmenter(), **more))
    assert not backend.sizes


def test_what_is_wrong_with_the_model_is_left_to_the_run(tmp_path, backend):
    compile_ahead.begin(job(tmp_path / "missing.onnx"))
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    compile_ahead.begin(job(tmp_path / "broken.onnx"))
    assert not backend.sizes


def test_it_loads_nothing_that_takes_long():
    """Else nothing were left to load while the model gets ready."""
    slow = ("rasterio", "pyproj", "pyogrio", "shapely", "scipy", "torch")
    code = f"import sys, engine.infer.compile_ahead; print([n for n in {slow} if n in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
