"""A small land, a small backbone, and the verb that learns from both."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch

from engine.train import head_tuning, made_model, rounds
from engine.train.finetuning import finetune_model
from engine.training_jobs import FinetuneJob
from tests.engine.data import rasters
from tests.engine.infer.conftest import Recorder
from tests.engine.train import land
from tests.engine.train.finetuning.outcome import KNOWN


@dataclasses.dataclass(frozen=True)
class Done:
    sha256: str = "0" * 64
    path: Path = Path()


DONE = Done()


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """This land is easily learned."""
    for name in ("LENGTHS", "LENGTHS_TAUGHT"):
        monkeypatch.setattr(rounds, name, {"adapters": (9, 4), "full": (9, 4)})
    monkeypatch.setattr(head_tuning, "copies_for", lambda base: 1)


@pytest.fixture
def drawn(monkeypatch):
    """The graph is not written, which takes longest: only what the verb makes of it matters."""

    def write(predictor, card, path, **more):
        Path(path).write_bytes(b"a graph")
        exported.append((predictor, card))
        return dataclasses.replace(DONE, path=Path(path))

    exported = []
    monkeypatch.setattr(made_model, "export_onnx", write)
    return exported


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
