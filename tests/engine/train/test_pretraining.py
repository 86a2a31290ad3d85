"""The verb from end to end, on networks and rasters as small as can be."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import rasterio.shutil
import torch

from engine.cards import Card, Normalisation
from engine.checkpoint import load, save
from engine.errors import (
    BandMismatch,
    Cancelled,
    CheckpointMismatch,
    InvalidParameter,
    OutOfMemory,
    TrainingDiverged,
)
from engine.model.config import PRESETS, SpectralGPTConfig
from engine.model.masked_autoencoder import MaskedAutoencoder
from engine.model_file import read_card, verify
from engine.progress import Progress
from engine.train import masked_pretraining, pretraining_patches
from engine.train.pretraining import pretrain_model
from engine.training_jobs import PretrainJob
from tests.engine.data.rasters import BANDS, NAMES, write
from tests.engine.report.reading import said_quietly, shout

ROOT = Path(__file__).resolve().parents[3]
SIX = (*NAMES[:3], *NAMES[6:])


def smooth(bands, height, width, seed):
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width] / 60
    a, b, c = random.uniform(0.5, 3, (3, bands, 1, 1))
    values = 3000 + 800 * np.sin(a * rows + c) + 800 * np.cos(b * columns)
    return (values + random.normal(0, 20, values.shape)).astype("uint16")


@pytest.fixture
def scene(tmp_path):
    return write(tmp_path / "scene.tif", smooth(9, 120, 140, 0))


@pytest.fixture
def base(tmp_path):
    torch.manual_seed(3)
    sizes = {"dim": 16, "depth": 1, "heads": 2, "decoder_dim": 16, "decoder_depth": 1}
    config = SpectralGPTConfig(bands=9, image_size=32, decoder_heads=2, **sizes)
    kind = Normalisation("statistics", (0.3,) * 9, (0.05,) * 9)
    card = Card(
        "small", "backbone", BANDS, window=32, normalisation=kind, optional_groups=(1,), licence="X"
    )
    path = tmp_path / "small.safetensors"
    save(path, MaskedAutoencoder(config), card)
    return str(path)


def job(tmp_path, inputs, base, **more):
    options = {
        "stages": "16:2:3e-3:0.5; 32:1:1e-3:0.75",
        "batch": 4,
        "steps": 3,
        "device": "cpu",
        **more,
    }
    output = options.pop("output", str(tmp_path / "mine.safetensors"))
    return PretrainJob.from_parameters(
        {"inputs": inputs, "output_model": output, "base": base, **options}
    )


class Collect(Progress):
    def __init__(self, cancel_after=None):
        self.events = []
        super().__init__(
            lambda: (
                cancel_after is not None
                and sum(event["event"] == "metric" for event in self.events) >= cancel_after
            )
        )

    def emit(self, event):
        self.events.append(event)

    def messages(self, kind):
        return [event["message"] for event in self.events if event["event"] == kind]


def weights(path):
    return load(path)[0].state_dict()


def same_weights(one, other):
    return all(torch.equal(value, weights(other)[name]) for name, value in weights(one).items())


def test_a_run_gives_model_report_and_reconstruction(tmp_path, scene, base, monkeypatch):
    shout(monkeypatch)  # a report whose words are all translated has no small letters
    (tmp_path / "more").mkdir()
    write(tmp_path / "more" / "l8.tif", smooth(6, 90, 100, 1), names=SIX, crs="EPSG:3035")
    write(tmp_path / "more" / "rgb.tif", smooth(3, 40, 40, 2), names=NAMES[:3])
    progress = Collect()
    asked = job(
        tmp_path,
        [scene, str(tmp_path / "more")],
        base,
        output_report=str(tmp_path / "report.html"),
        output_reconstruction=str(tmp_path / "view.tif"),
        name="Mine",
    )
    result = pretrain_model(asked, progress)

    card = read_card(asked.output_model)
    assert verify(asked.output_model) == result["model"]["sha256"]
    assert (card.name, card.task, card.window, card.licence) == ("Mine", "backbone", 32, "X")
    assert card.training["base"]["sha256"] == verify(base)
    assert [stage["window"] for stage in card.training["stages"]] == [16, 32]
    assert card.accuracy["reconstruction"]["held out"]["windows"] > 0
    assert not same_weights(asked.output_model, base)
    assert len(result["losses"]) == 3
    assert [Path(item["raster"]).name for item in result["refused"]] == ["rgb.tif"]
    assert any("rgb.tif" in text for text in progress.messages("warning"))
    losses = [e for e in progress.events if e["event"] == "metric" and e["name"] == "loss"]
    assert [event["step"] for event in losses] == [1, 2, 3]

    with rasterio.open(asked.output_reconstruction) as dataset:
        values = dataset.read()  # masked, painted, error of nine bands each
        assert dataset.count == 27
        assert dataset.descriptions[0] == "B02 masked input"
        assert dataset.descriptions[26] == "B12 error"
        with rasterio.open(scene) as whole:
            window = whole.window(*dataset.bounds)
            true = whole.read(window=window) / 10000
    masked, painted, error = values[:9], values[9:18], values[18:]
    seen = np.isfinite(masked)
    assert 0.15 < seen.mean() < 0.35  # a quarter is visible
    shift = np.median((masked - true)[seen])  # what the raster's scaling took off
    assert np.allclose(masked[seen], true[seen] + shift, atol=1e-5)
    assert np.allclose(painted[seen], masked[seen])
    assert np.allclose(painted[~seen] - error[~seen], true[~seen] + shift, atol=1e-4)
    assert np.isnan(error[seen]).all()

    page = Path(asked.output_report).read_text(encoding="utf-8")
    assert "data:image/png;base64," in page
    assert "python -m engine pretrain" in page
    assert "rgb.tif" in page
    assert "INTERPOLATION" in page
    settings = dataclasses.asdict(asked)
    folder = str(tmp_path / "more")
    names = [folder, scene, "scene.tif", "l8.tif", "rgb.tif", "uint16", "px", "nir", "swir", "nm"]
    assert said_quietly(page, [*settings, *settings.values(), *names]) == []
    assert not list(tmp_path.glob(".spectralgpt-*"))


def test_it_learns_from_imagery_in_the_devices_memory(tmp_path, scene, base, monkeypatch):
    """As on a GPU: all else of the verb is the same."""
    monkeypatch.setattr(pretraining_patches.Patches, "_fits", lambda *_: True)
    told = Collect()
    result = pretrain_model(job(tmp_path, [scene], base, steps=8, seed=1), told)
    assert any("patches are cut there" in line for line in told.messages("log"))
    assert result["losses"][-1] < result["losses"][0]
    again = str(tmp_path / "again.safetensors")
    pretrain_model(job(tmp_path, [scene], base, steps=8, seed=1, output=again), Progress())
    assert same_weights(tmp_path / "mine.safetensors", again)


def test_a_seed_decides_the_weights(tmp_path, scene, base):
    names = [str(tmp_path / f"{n}.safetensors") for n in range(3)]
    for name, seed in zip(names, (5, 5, 6)):
        pretrain_model(job(tmp_path, [scene], base, output=name, seed=seed), Progress())
    assert same_weights(names[0], names[1])
    assert not same_weights(names[0], names[2])


def test_a_fresh_network_and_going_on_from_it(tmp_path, scene, monkeypatch):
    sizes = {"dim": 16, "depth": 1, "heads": 2, "decoder_dim": 16, "decoder_depth": 1}
    small = SpectralGPTConfig(decoder_heads=2, **sizes)
    monkeypatch.setitem(PRESETS, "tiny", small)
    first = job(tmp_path, [scene], "tiny")
    pretrain_model(first, Progress())
    network, card = load(first.output_model)
    assert network.config.image_size == 32
    assert card.normalisation.kind == "statistics"
    assert all(0.05 < value < 0.5 for value in card.normalisation.mean)
    assert card.optional_groups == (1,)
    assert card.gsd == pytest.approx(10, abs=0.1)
    second = job(tmp_path, [scene], first.output_model, output=str(tmp_path / "next.safetensors"))
    assert pretrain_model(second, Progress())["outputs"] == {"output_model": second.output_model}
    assert read_card(second.output_model).normalisation == card.normalisation


def test_dropped_positions_are_those_of_the_last_window(tmp_path, scene, base):
    stages = "16:1:1e-3:0.5;24:1:1e-3:0.5"
    pretrain_model(job(tmp_path, [scene], base, stages=stages, positions="drop"), Progress())
    network, card = load(tmp_path / "mine.safetensors")
    assert network.pos_embed_spatial.shape[1] == network.decoder_pos_embed_spatial.shape[1] == 9
    assert card.window == network.config.image_size == 24
    pretrain_model(job(tmp_path, [scene], base, stages=stages), Progress())
    assert load(tmp_path / "mine.safetensors")[0].pos_embed_spatial.shape[1] == 16


def test_stages_may_use_different_imagery(tmp_path, scene, base, monkeypatch):
    other = write(tmp_path / "summer.tif", smooth(9, 100, 100, 4))
    used = []
    run = masked_pretraining.run_stages

    def watch(network, kind, config, loader_of, **more):
        def watched(number, stage):
            loader = loader_of(number, stage)
            used.append([Path(raster.path).name for raster in loader._rasters])
            return loader

        return run(network, kind, config, watched, **more)

    monkeypatch.setattr("engine.train.pretraining.run_stages", watch)
    stages = "16:1:1e-3:0.5:scene*;16:1:1e-3:0.5:summer*"
    pretrain_model(job(tmp_path, [scene, other], base, stages=stages), Progress())
    assert used == [["scene.tif"], ["summer.tif"]]
    with pytest.raises(InvalidParameter, match="winter"):
        pretrain_model(job(tmp_path, [scene], base, stages="16:1:::winter*"), Progress())


_ENGINE = (
    "import sys, json; from engine.jobs import run_job; from engine.progress import Progress;"
    "import torch; torch.set_num_threads(1);"
    "print(json.dumps(run_job(json.load(open(sys.argv[1])), Progress())))"
)


def _describe(path, asked):
    path.write_text(json.dumps({"verb": "pretrain", "parameters": dataclasses.asdict(asked)}))
    return str(path)


def test_killed_and_started_again_it_gives_the_very_same(tmp_path, scene, base):
    folder = tmp_path / "run"
    stages = "16:3:3e-3:0.5;32:3:1e-3:0.75"
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        whole = job(tmp_path, [scene], base, stages=stages, steps=8)
        expected = pretrain_model(whole, Progress())
        asked = job(
            tmp_path, [scene], base, stages=stages, steps=8, checkpoint=str(folder),
            output=str(tmp_path / "again.safetensors"),
        )  # fmt: skip
        command = [sys.executable, "-c", _ENGINE, _describe(tmp_path / "job.json", asked)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        until = time.monotonic() + 60
        while not (folder / "stage1.pt").exists() and time.monotonic() < until:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert (folder / "run.json").exists()
        assert not Path(asked.output_model).exists()
        with pytest.raises(CheckpointMismatch, match=r"different settings.*seed"):
            pretrain_model(
                job(
                    tmp_path, [scene], base, stages=stages, steps=8, checkpoint=str(folder), seed=1
                ),
                Progress(),
            )
        os.utime(scene)
        told = Collect()
        result = pretrain_model(asked, told)
    finally:
        torch.set_num_threads(threads)
    assert f"1 of the rasters, such as {scene}, have changed" in told.messages("warning")[0]
    assert result["losses"] == expected["losses"]
    assert result["held_out"] == expected["held_out"]
    assert same_weights(asked.output_model, whole.output_model)
    assert not folder.exists()


def test_two_processes_learn_as_one_with_the_whole_batch(tmp_path, scene, base):
    options = {"stages": "16:2:3e-3:0.5", "steps": 3}
    expected = pretrain_model(job(tmp_path, [scene], base, batch=8, **options), Progress())
    asked = job(
        tmp_path, [scene], base, batch=4, output=str(tmp_path / "both.safetensors"), **options
    )
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2",
        "-m", "engine", "pretrain", "--inputs", scene, "--output-model", asked.output_model,
        "--base", base, "--stages", asked.stages, "--batch", "4", "--steps", "3",
        "--device", "cpu", "--threads", "1",
    ]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)  # one process alone has written
    assert result["processes"] == 2
    assert result["losses"] == pytest.approx(expected["losses"], rel=1e-4)
    mine, theirs = weights(asked.output_model), weights(tmp_path / "mine.safetensors")
    for name, value in theirs.items():
        # A softmax does not see what is added to all keys: the gradient of that bias is rounding alone.
        if not name.endswith("attn.k.bias"):
            assert torch.allclose(mine[name], value, atol=2e-3), name


def test_cancelled_with_a_checkpoint_it_can_go_on(tmp_path, scene, base):
    folder = tmp_path / "run"
    asked = job(tmp_path, [scene], base, checkpoint=str(folder))
    progress = Collect(cancel_after=1)
    with pytest.raises(Cancelled, match="Run the same command again"):
        pretrain_model(asked, progress)
    assert any(str(folder) in text for text in progress.messages("log"))
    assert not Path(asked.output_model).exists()
    result = pretrain_model(asked, Progress())
    expected = pretrain_model(job(tmp_path, [scene], base), Progress())
    assert result["losses"] == expected["losses"]


def test_too_little_memory_halves_the_batch_and_says_so(tmp_path, scene, base, monkeypatch):
    run_step = masked_pretraining.Trainer._run_step

    def limited(limit):
        def step(self, batch):
            if len(batch["image"]) > limit:
                raise torch.OutOfMemoryError("out of memory")
            return run_step(self, batch)

        return step

    monkeypatch.setattr(masked_pretraining.Trainer, "_run_step", limited(2))
    progress = Collect()
    result = pretrain_model(job(tmp_path, [scene], base, batch=8), progress)
    assert len(result["losses"]) == 3
    assert progress.messages("warning")[:2] == [
        "There is not enough memory for a batch of 8: trying 4.",
        "There is not enough memory for a batch of 4: trying 2.",
    ]
    monkeypatch.setattr(masked_pretraining.Trainer, "_run_step", limited(0))
    (tmp_path / "mine.safetensors").unlink()
    with pytest.raises(OutOfMemory):
        pretrain_model(job(tmp_path, [scene], base), Progress())
    assert not (tmp_path / "mine.safetensors").exists()


def test_a_loss_that_is_no_number_leaves_nothing(tmp_path, scene, base, monkeypatch):
    forward = masked_pretraining.MaskedReconstruction.__call__
    monkeypatch.setattr(
        masked_pretraining.MaskedReconstruction,
        "__call__",
        lambda *given: forward(*given) * float("nan"),
    )
    with pytest.raises(TrainingDiverged, match="learning rate"):
        pretrain_model(job(tmp_path, [scene], base), Progress())
    assert not list(tmp_path.glob("mine*"))
    assert not list(tmp_path.glob(".spectralgpt-*"))


def test_what_cannot_be_is_refused_before_any_work(tmp_path, scene, base):
    with pytest.raises(InvalidParameter, match=r"multiple.*8 px"):
        pretrain_model(job(tmp_path, [scene], base, stages="30:1"), Progress())
    with pytest.raises(InvalidParameter, match=r"\.safetensors"):
        pretrain_model(job(tmp_path, [scene], base, output=str(tmp_path / "x.onnx")), Progress())
    with pytest.raises(InvalidParameter, match="is also an input"):
        pretrain_model(job(tmp_path, [scene], base, output=base), Progress())
    with rasterio.open(scene) as dataset:
        rasterio.shutil.copy(dataset, tmp_path / "over.vrt", driver="VRT")
    with pytest.raises(InvalidParameter, match="is also an input"):
        over = [str(tmp_path / "over.vrt")]
        pretrain_model(job(tmp_path, over, base, output_reconstruction=scene), Progress())
    rgb = write(tmp_path / "rgb.tif", smooth(3, 40, 40, 2), names=NAMES[:3])
    with pytest.raises(BandMismatch):
        pretrain_model(job(tmp_path, [rgb], base), Progress())


def test_windows_that_no_raster_holds_are_told(tmp_path, scene, base):
    chip = write(tmp_path / "chip.tif", smooth(9, 20, 24, 0))
    progress = Collect()
    stages = "16:1:1e-3:0.5:chip*; 32:1:1e-3:0.5:chip*; 32:1:1e-3:0.5"
    pretrain_model(job(tmp_path, [chip, scene], base, stages=stages), progress)
    told = [text for text in progress.messages("warning") if "pixels" in text]
    assert [text[:32] for text in told] == ["Stage 2 has windows of 32 px, bu"]
    assert "only 20 x 24 px" in told[0]


def test_small_imagery_is_learned_from_with_a_warning(tmp_path, base):
    chip = write(tmp_path / "chip.tif", smooth(9, 20, 24, 0))
    progress = Collect()
    result = pretrain_model(job(tmp_path, [chip], base, stages="", epochs=1), progress)
    assert result["held_out"] is None
    assert any("too small to hold" in text for text in progress.messages("warning"))
