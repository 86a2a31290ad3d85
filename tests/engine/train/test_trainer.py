import math

import numpy as np
import pytest
import torch
from torch import nn

from engine.errors import Cancelled, CheckpointMismatch, OutputNotWritable, TrainingDiverged
from engine.progress import Progress
from engine.train.callbacks import Callback, Checkpoint, EarlyStop, KeepBest, Report, Validate
from engine.train.parallel import Alone
from engine.train.trainer import Trainer, TrainerConfig


class Batches:
    """Three batches an epoch of y = 2 x, drawn anew every epoch from its number."""

    def __init__(self):
        self.epoch = -1

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __len__(self):
        return 3

    def __iter__(self):
        random = np.random.default_rng(self.epoch)
        for _ in range(3):
            x = torch.from_numpy(random.normal(size=(8, 1)).astype(np.float32))
            yield {"x": x, "y": 2 * x}


def squared_error(model, batch):
    return ((model(batch["x"]) - batch["y"]) ** 2).mean()


def make(callbacks=(), **settings):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(1, 8), nn.Dropout(0.2), nn.Linear(8, 1))
    defaults = {"epochs": 6, "learning_rate": 0.02, "device": "cpu", "precision": "float32"}
    config = TrainerConfig(**{**defaults, **settings})
    return Trainer(model, squared_error, Batches(), config, callbacks)


class Record(Callback):
    def __init__(self):
        self.losses = []

    def on_step(self, trainer):
        self.losses.append(trainer.last_loss)


class FailAt(Callback):
    """As a kill would, in the middle of an epoch."""

    def __init__(self, step):
        self.step = step

    def on_step(self, trainer):
        if trainer.step == self.step:
            raise KeyboardInterrupt


class CancelAt(Callback):
    def __init__(self, step):
        self.step = step

    def on_step(self, trainer):
        if trainer.step == self.step:
            raise Cancelled()


def test_training_learns():
    result = make(epochs=40, learning_rate=0.05).fit()
    assert len(result.history) == 40
    assert result.history[-1]["loss"] < 0.3 * result.history[0]["loss"]
    assert not result.cancelled


def test_the_same_seed_gives_the_same_run_and_another_seed_another():
    first, second, third = (make(seed=seed).fit().history for seed in (1, 1, 2))
    assert first == second
    assert first != third


@pytest.mark.parametrize("average", [0.0, 0.9])
def test_resume_after_a_kill_gives_the_losses_of_an_uninterrupted_run(tmp_path, average):
    """Six epochs of three steps, killed at step 11: the resumed run repeats epoch 4 (steps 10-12)."""
    whole = Record()
    unbroken = make([whole, KeepBest()], average=average)
    unbroken.fit()

    path = tmp_path / "run" / "last.pt"
    before = Record()
    with pytest.raises(KeyboardInterrupt):
        make([before, KeepBest(), Checkpoint(path), FailAt(11)], average=average).fit()
    after = Record()
    resumed = make([after, KeepBest(), Checkpoint(path), FailAt(-1)], average=average)
    result = resumed.fit()

    assert before.losses == whole.losses[:11]
    assert after.losses == whole.losses[9:]
    assert len(result.history) == 6
    for one, other in zip(unbroken.model.parameters(), resumed.model.parameters()):
        assert torch.equal(one, other)
    assert [file.name for file in path.parent.iterdir()] == ["last.pt"]


@pytest.mark.parametrize("error", [OSError(28, "No space left"), RuntimeError("file write failed")])
def test_a_full_disk_is_told_and_the_last_checkpoint_stays(tmp_path, monkeypatch, error):
    """The second of six epochs finds no room; with room the run goes on from the first."""
    path, save = tmp_path / "last.pt", torch.save

    def save_once(state, file):
        if state["trainer"]["epoch"] > 1:
            file.write(b"half of it")
            raise error
        save(state, file)

    monkeypatch.setattr(torch, "save", save_once)
    with pytest.raises(
        OutputNotWritable, match=r"last\.pt could not be written.*run the same command again"
    ):
        make([Record(), Checkpoint(path)]).fit()
    assert [file.name for file in tmp_path.iterdir()] == ["last.pt"]
    monkeypatch.undo()
    steps = Record()
    assert len(make([steps, Checkpoint(path)]).fit().history) == 6
    assert len(steps.losses) == 5 * 3


def test_a_finished_run_is_not_repeated(tmp_path):
    path = tmp_path / "last.pt"
    make([Record(), Checkpoint(path)]).fit()
    steps = Record()
    assert len(make([steps, Checkpoint(path)]).fit().history) == 6
    assert steps.losses == []


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", None])
def test_a_checkpoint_that_cannot_serve_is_named(tmp_path, content):
    path = tmp_path / "last.pt"
    if content is None:
        make([Checkpoint(path)], learning_rate=0.5).fit()
    else:
        path.write_bytes(content)
    with pytest.raises(CheckpointMismatch, match=r"last\.pt.*Delete it"):
        make([Checkpoint(path)]).fit()


def test_cancel_keeps_the_best_weights():
    """Judged 3, 1, 2: cancelled in the fourth epoch, the second epoch's weights remain."""
    weights = []
    values = iter([3.0, 1.0, 2.0])

    def judge(model):
        weights.append([value.clone() for value in model.parameters()])
        return {"error": next(values)}

    best = KeepBest("val_error")
    trainer = make([Validate(judge), best, CancelAt(11)])
    result = trainer.fit()
    assert result.cancelled
    assert len(result.history) == 3
    assert (best.epoch, best.value) == (2, 1.0)
    assert all(torch.equal(a, b) for a, b in zip(weights[1], trainer.model.parameters()))
    assert not trainer.model.training


def test_early_stop_waits_for_its_patience():
    """Judged .5 .6 .6 .6 (larger is better): two judged epochs in vain end it after epoch 4."""
    values = iter([0.5, 0.6, 0.6, 0.6, 0.9])
    callbacks = [
        Validate(lambda model: {"f1": next(values)}),
        EarlyStop("val_f1", 2, largest=True),
    ]
    result = make(callbacks).fit()
    assert [epoch["val_f1"] for epoch in result.history] == [0.5, 0.6, 0.6, 0.6]


def test_validation_every_second_epoch_and_after_the_last():
    result = make([Validate(lambda model: {"x": 1.0}, every=2)], epochs=5).fit()
    assert [index + 1 for index, epoch in enumerate(result.history) if "val_x" in epoch] == [
        2,
        4,
        5,
    ]


def test_a_loss_that_is_not_finite_is_named_with_its_step():
    trainer = make()
    trainer.loss = lambda model, batch: (
        squared_error(model, batch) * (math.nan if trainer.step == 4 else 1.0)
    )
    with pytest.raises(
        TrainingDiverged, match=r"nan at step 5 \(epoch 2\).*Reduce the learning rate"
    ):
        trainer.fit()


def test_report_tells_every_epoch_and_stops_on_cancel():
    events = []

    class Collect(Progress):
        def emit(self, event):
            events.append(event)

    make([Report(Collect())], epochs=2).fit()
    metrics = [(e["name"], e["step"]) for e in events if e["event"] == "metric"]
    assert metrics == [("loss", 1), ("loss", 2)]
    assert any(e["event"] == "progress" and "Epoch 1 of 2" in e["message"] for e in events)
    assert make([Report(Progress(lambda: True))]).fit().cancelled


def test_of_several_processes_none_ends_alone():
    """The user cancels after the first step's check: that step is told, and the next one's check ends all."""
    asked = []

    class Others(Alone):
        def any(self, flag):
            told.append(flag)
            return flag

    told = []
    progress = Progress(lambda: asked.append(1) or len(asked) > 1)
    trainer = make([Report(progress)])
    trainer.workers = Others()
    assert trainer.fit().cancelled
    assert told == [False, True]


def test_the_running_mean_of_the_weights_is_evaluated_and_kept():
    seen = []
    trainer = make([Validate(lambda model: seen.append(model) or {})], average=0.5)
    trainer.fit()
    assert seen[0] is trainer.averaged
    for mean, value in zip(trainer.averaged.parameters(), trainer.model.parameters()):
        assert torch.equal(mean, value)


def test_the_gradient_is_limited():
    """One step of plain size: with the limit the first moment is that of a gradient of norm 1e-3."""
    trainer = make(clip=1e-3, epochs=1)
    norms = []

    class Look(Callback):
        def on_step(self, trainer):
            gradients = [value.grad for value in trainer.model.parameters()]
            norms.append(torch.cat([g.flatten() for g in gradients]).norm().item())

    trainer.callbacks = [Look()]
    trainer.fit()
    assert max(norms) <= 1e-3 * 1.01
