"""Callbacks of the trainer: progress, validation, best weights, early stopping, checkpoints.

Their order matters: `Validate`, then `KeepBest` and `EarlyStop`, which read its figures, and
`Checkpoint` last, as it saves the state of the others too.
"""

from __future__ import annotations

import dataclasses
import math
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..errors import Cancelled, CheckpointMismatch, OutputNotWritable
from ..progress import Progress
from .trainer import Trainer

_SECONDS_BETWEEN_UPDATES = 0.5


class Callback:
    """Base class whose methods do nothing; subclasses override those that they need."""

    def on_start(self, trainer: Trainer) -> None:
        """Before the first step."""

    def on_step(self, trainer: Trainer) -> None:
        """After each optimiser step."""

    def on_epoch(self, trainer: Trainer) -> None:
        """After the last step of an epoch; may add to `trainer.metrics`."""

    def on_epoch_end(self, trainer: Trainer) -> None:
        """After the epoch's metrics were appended to `trainer.history`."""

    def on_end(self, trainer: Trainer) -> None:
        """After the run, cancelled or not."""

    def state_dict(self) -> dict[str, Any]:
        """The state that a resumed run needs."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restores what `state_dict` returned."""


class Report(Callback):
    """Reports progress and metrics; also where a cancel takes effect, at every step."""

    def __init__(self, progress: Progress, stage: str = "", before: int = 0) -> None:
        """Reports to `progress`.

        Args:
            progress: Takes the reports.
            stage: Text before the epoch's number, if there are several stages.
            before: Epochs of earlier stages, after which the curves continue.
        """
        self._progress = progress
        self._stage, self._before = stage, before
        self._told = -math.inf

    def on_step(self, trainer: Trainer) -> None:
        """Reports the share of steps done, at most twice a second."""
        cancelled = False
        try:
            self._progress.check()
        except Cancelled:
            cancelled = True
        # All processes must stop together, or the others wait for ever.
        if trainer.workers.any(cancelled):
            raise Cancelled()
        if time.monotonic() - self._told < _SECONDS_BETWEEN_UPDATES:
            return
        self._told = time.monotonic()
        epoch = min(trainer.epoch + 1, trainer.config.epochs)
        # A cancel since the check above takes effect at the next step, in all processes.
        with suppress(Cancelled):
            self._progress.update(
                trainer.step / max(1, trainer.total_steps),
                f"{self._stage}Epoch {epoch} of {trainer.config.epochs}, loss {trainer.last_loss:.4f}",
            )

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Reports every metric of the epoch."""
        for name, value in trainer.metrics.items():
            if math.isfinite(value):  # a class that occurs nowhere has no figure
                self._progress.metric(name, self._before + trainer.epoch, value)


class Validate(Callback):
    """Evaluates the model every few epochs and after the last."""

    def __init__(
        self, evaluate: Callable[[nn.Module], Mapping[str, float]], every: int = 1
    ) -> None:
        """Calls `evaluate(model)`, in evaluation mode and without gradients.

        Args:
            evaluate: Returns named figures; they join the metrics with the prefix "val_".
            every: Number of epochs between validations.
        """
        self._evaluate = evaluate
        self._every = every

    def on_epoch(self, trainer: Trainer) -> None:
        """Adds the figures to the epoch's metrics."""
        if trainer.epoch % self._every and trainer.epoch < trainer.config.epochs:
            return
        trainer.evaluated.eval()
        with torch.no_grad():
            for name, value in self._evaluate(trainer.evaluated).items():
                trainer.metrics[f"val_{name}"] = float(value)


class KeepBest(Callback):
    """Remembers the weights of the best epoch, and restores them at the end, also after a cancel."""

    def __init__(self, metric: str = "loss", largest: bool = False) -> None:
        """Compares epochs by one metric.

        Args:
            metric: Name among the epoch's metrics; epochs without it are skipped.
            largest: Whether larger is better.
        """
        self._metric = metric
        self._sign = -1.0 if largest else 1.0
        self.epoch = 0
        self.value = math.nan
        self._weights: dict[str, torch.Tensor] = {}

    def on_epoch(self, trainer: Trainer) -> None:
        """Copies the weights if the metric is the best so far."""
        value = trainer.metrics.get(self._metric, math.nan)
        if not math.isfinite(value):
            return
        if not self._weights or self._sign * value < self._sign * self.value:
            self.epoch, self.value = trainer.epoch, value
            self._weights = {
                name: tensor.detach().to("cpu", copy=True)
                for name, tensor in trainer.evaluated.state_dict().items()
            }

    def on_end(self, trainer: Trainer) -> None:
        """Restores the best weights."""
        if self._weights:
            trainer.model.load_state_dict(self._weights)

    def state_dict(self) -> dict[str, Any]:
        """The best so far."""
        return {"epoch": self.epoch, "value": self.value, "weights": self._weights}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restores the best so far."""
        self.epoch, self.value = state["epoch"], state["value"]
        self._weights = dict(state["weights"])


class EarlyStop(Callback):
    """Ends the run when a metric has not improved for some epochs."""

    def __init__(self, metric: str, patience: int, largest: bool = False) -> None:
        """Watches one metric.

        Args:
            metric: Name among the epoch's metrics; epochs without it do not count.
            patience: Evaluated epochs without improvement after which the run ends.
            largest: Whether larger is better.
        """
        self._metric = metric
        self._patience = patience
        self._sign = -1.0 if largest else 1.0
        self._best = math.inf
        self._waited = 0

    def on_epoch(self, trainer: Trainer) -> None:
        """Counts the epochs without improvement."""
        if self._metric not in trainer.metrics:
            return
        value = self._sign * trainer.metrics[self._metric]
        if value < self._best:
            self._best, self._waited = value, 0
        else:
            self._waited += 1
        trainer.stop = trainer.stop or self._waited >= self._patience

    def state_dict(self) -> dict[str, Any]:
        """The best value, and the epochs since."""
        return {"best": self._best, "waited": self._waited}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restores the count."""
        self._best, self._waited = state["best"], state["waited"]


class Checkpoint(Callback):
    """Saves the whole run at the end of epochs, so that a killed run can be resumed.

    A resumed run gives the same weights as an uninterrupted one, on the same processor with the same
    number of threads.
    """

    def __init__(self, path: str | Path, every: int = 1) -> None:
        """Keeps one file.

        Args:
            path: The checkpoint; resumed from if it exists, replaced atomically.
            every: Number of epochs between saves.
        """
        self._path = Path(path)
        self._every = every

    def on_start(self, trainer: Trainer) -> None:
        """Resumes an interrupted run.

        Raises:
            CheckpointMismatch: The file is of a run with other settings, or damaged.
        """
        if not self._path.is_file():
            return
        try:
            state = torch.load(self._path, map_location="cpu", weights_only=True)
            others = state["callbacks"]
            settings = state["settings"]
        except Exception as error:
            raise CheckpointMismatch(
                f"{self._path} is not a checkpoint of a training run, or it is damaged. Delete it to start from the "
                "beginning.",
                details=repr(error),
            ) from error
        if settings != _settings(trainer) or len(others) != len(trainer.callbacks):
            raise CheckpointMismatch(
                f"{self._path} belongs to a run with different settings. Delete it to start from the beginning, or "
                "continue with the settings it was made with.",
                details=f"there: {settings}\nhere: {_settings(trainer)}",
            )
        trainer.load_state_dict(state["trainer"])
        for callback, other in zip(trainer.callbacks, others):
            callback.load_state_dict(other)

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Saves the run.

        Raises:
            OutputNotWritable: The file cannot be written; the one before it stays.
        """
        last = trainer.epoch == trainer.config.epochs or trainer.stop
        if (trainer.epoch % self._every and not last) or not trainer.workers.main:
            return
        state = {
            "settings": _settings(trainer),
            "trainer": trainer.state_dict(),
            "callbacks": [callback.state_dict() for callback in trainer.callbacks],
        }
        temporary = self._path.with_name(self._path.name + ".part")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as file:
                torch.save(state, file)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._path)
        except (OSError, RuntimeError) as error:  # torch raises RuntimeError for a failed write
            raise OutputNotWritable(
                f"The checkpoint {self._path} could not be written: the disk is full, or the folder is read-only. "
                "Free some space, or fix the folder, and run the same command again. It continues from the last "
                "checkpoint.",
                details=repr(error),
            ) from error
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def _settings(trainer: Trainer) -> dict[str, Any]:
    """The settings that a run and the checkpoint it resumes from must have in common."""
    settings = dataclasses.asdict(trainer.config)
    settings.pop("device")
    settings["steps"] = len(trainer.loader)
    return settings
