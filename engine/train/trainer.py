"""A generic training loop.

Only the loss knows what a batch contains and what a good prediction is; everything optional (progress,
validation, checkpoints, early stopping) is a callback.
"""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from torch import nn

from ..errors import Cancelled, TrainingDiverged
from .device import choose_precision
from .optimiser import build_optimiser, set_learning_rate
from .parallel import Alone
from .schedule import warmup_cosine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .callbacks import Callback

Batch = Mapping[str, Any]
Loss = Callable[[nn.Module, Batch], torch.Tensor]


class Loader(Protocol):
    """Iterates over the batches of an epoch; if it has `set_epoch(epoch)`, that is called before each."""

    def __len__(self) -> int:
        """Number of batches per epoch."""

    def __iter__(self) -> Iterator[Batch]:
        """Yields batches: dictionaries, whose tensors the trainer moves to the device."""


@dataclass(frozen=True)
class TrainerConfig:
    """Settings of a training.

    Attributes:
        epochs: Passes over the loader.
        learning_rate: Peak learning rate of the topmost layer, after the warm-up.
        weight_decay: Weight decay of matrices and kernels.
        layer_decay: Factor on the learning rate from a layer to the one below.
        below: Additional factor on that of all layers below the topmost.
        betas: Betas of AdamW.
        warmup: Share of the run with a rising learning rate.
        floor: Final learning rate, as a share of `learning_rate`.
        clip: Largest gradient norm; 0 = no clipping.
        average: Decay of the exponential moving average of the weights, which is then evaluated and kept; 0 = none.
        seed: Seed of every random number.
        device: "auto", "cpu" or "gpu".
        precision: "auto" (bfloat16 where the hardware is fast at it), "float32" or "bfloat16".
    """

    epochs: int = 10
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    layer_decay: float = 1.0
    below: float = 1.0
    betas: tuple[float, float] = (0.9, 0.95)
    warmup: float = 0.1
    floor: float = 0.0
    clip: float = 0.0
    average: float = 0.0
    seed: int = 0
    device: str = "auto"
    precision: str = "auto"


@dataclass(frozen=True)
class TrainingResult:
    """The metrics of every epoch, and whether the user cancelled the run."""

    history: tuple[dict[str, float], ...] = ()
    cancelled: bool = False


@dataclass
class Trainer:
    """Trains `model` in place.

    Attributes:
        model: The model; at the end it holds the last weights, their average, or what a callback restored.
        loss: Computes a scalar from the model and a batch.
        loader: The batches of an epoch.
        config: Settings of the training.
        callbacks: Called in order.
        workers: This process, and those that share the training.
        epoch: Number of completed epochs.
        step: Number of optimiser steps done.
        metrics: Metrics of the epoch that just ended; callbacks add to them.
        history: Metrics of the completed epochs.
        stop: Set by a callback to end the training after this epoch.
    """

    model: nn.Module
    loss: Loss
    loader: Loader
    config: TrainerConfig = field(default_factory=TrainerConfig)
    callbacks: Sequence[Callback] = ()
    workers: Alone = field(default_factory=Alone)
    epoch: int = 0
    step: int = 0
    last_loss: float = math.nan
    metrics: dict[str, float] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    stop: bool = False

    def __post_init__(self) -> None:
        """Puts the model on the device and makes the optimiser."""
        self.device = self.workers.device(self.config.device)
        self.precision = choose_precision(self.config.precision, self.device)
        self.model.to(self.device)
        self.averaged = copy.deepcopy(self.model) if self.config.average else None
        self.optimiser = build_optimiser(
            self.model,
            self.config.learning_rate,
            weight_decay=self.config.weight_decay,
            layer_decay=self.config.layer_decay,
            below=self.config.below,
            betas=self.config.betas,
        )
        self._called = self.workers.wrap(self.model)

    @property
    def total_steps(self) -> int:
        """Optimiser steps of the whole run."""
        return self.config.epochs * len(self.loader)

    @property
    def evaluated(self) -> nn.Module:
        """The model to evaluate and to keep: the averaged one if weights are averaged."""
        return self.averaged if self.averaged is not None else self.model

    def fit(self) -> TrainingResult:
        """Trains to the end, until a callback stops it, or until the user cancels.

        Returns:
            The history; after a cancel the model still holds the best weights so far.

        Raises:
            TrainingDiverged: The loss became NaN or infinite.
        """
        seed_everything(self.config.seed)
        cancelled = False
        try:
            self._call("on_start")
            while self.epoch < self.config.epochs and not self.stop:
                self._run_epoch()
        except Cancelled:
            cancelled = True
        if self.averaged is not None:
            self.model.load_state_dict(self.averaged.state_dict())
        self._call("on_end")
        self.model.eval()
        return TrainingResult(tuple(self.history), cancelled)

    def state_dict(self) -> dict[str, Any]:
        """Everything that the rest of the run depends on, as tensors and plain values."""
        return {
            "model": self.model.state_dict(),
            "averaged": self.averaged.state_dict() if self.averaged is not None else None,
            "optimiser": self.optimiser.state_dict(),
            "epoch": self.epoch,
            "step": self.step,
            "history": self.history,
            "stop": self.stop,
            "random": random_state(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restores the state that `state_dict` returned."""
        self.model.load_state_dict(state["model"])
        if self.averaged is not None:
            self.averaged.load_state_dict(state["averaged"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.epoch, self.step, self.stop = state["epoch"], state["step"], state["stop"]
        self.history = list(state["history"])
        restore_random_state(state["random"])

    def _run_epoch(self) -> None:
        set_epoch = getattr(self.loader, "set_epoch", None)
        if set_epoch is not None:
            set_epoch(self.epoch)
        self.model.train()
        losses = []
        for batch in self.loader:
            self.last_loss = self._run_step(batch)
            losses.append(self.last_loss)
            self._call("on_step")
        self.epoch += 1
        self.metrics = {"loss": float(np.mean(losses))}
        self._call("on_epoch")
        self.history.append(dict(self.metrics))
        self._call("on_epoch_end")

    def _run_step(self, batch: Batch) -> float:
        config = self.config
        warmup = round(config.warmup * self.total_steps)
        factor = warmup_cosine(self.step, self.total_steps, warmup, config.floor)
        set_learning_rate(self.optimiser, config.learning_rate * factor)
        batch = {
            name: value.to(self.device, non_blocking=True) if torch.is_tensor(value) else value
            for name, value in batch.items()
        }
        with torch.autocast(
            self.device.type, torch.bfloat16, enabled=self.precision == torch.bfloat16
        ):
            loss = self.loss(self._called, batch)
        value = self.workers.mean(loss.detach())
        if not math.isfinite(value):
            raise TrainingDiverged(
                f"The loss became {value} at step {self.step + 1} (epoch {self.epoch + 1}), with a learning rate of "
                f"{config.learning_rate * factor:.2g}. Reduce the learning rate or limit the gradient, and check the "
                "data for values that are not finite."
            )
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        if config.clip:
            nn.utils.clip_grad_norm_(self.model.parameters(), config.clip)
        self.optimiser.step()
        self.step += 1
        self._average()
        return value

    @torch.no_grad()
    def _average(self) -> None:
        """Updates the moving average; it follows quickly at first, so that it forgets the initial weights."""
        if self.averaged is None:
            return
        decay = min(self.config.average, (1 + self.step) / (10 + self.step))
        for mean, value in zip(
            self.averaged.state_dict().values(), self.model.state_dict().values()
        ):
            if mean.is_floating_point():
                mean.lerp_(value, 1 - decay)
            else:
                mean.copy_(value)

    def _call(self, event: str) -> None:
        for callback in self.callbacks:
            getattr(callback, event)(self)


def seed_everything(seed: int) -> None:
    """Seeds Python, numpy and torch on every device."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def random_state() -> dict[str, Any]:
    """The state of every random number generator, as tensors and plain values."""
    state: Any = np.random.get_state(legacy=True)  # its type depends on the value of `legacy`
    kind, keys, position, has_gauss, gauss = state
    return {
        "python": random.getstate(),
        "numpy": (kind, torch.from_numpy(keys.astype(np.int64)), position, has_gauss, gauss),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def restore_random_state(state: Mapping[str, Any]) -> None:
    """Restores what `random_state` returned."""
    version, internal, gauss = state["python"]
    random.setstate((version, tuple(internal), gauss))
    kind, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state((kind, keys.numpy().astype(np.uint32), position, has_gauss, cached))
    torch.set_rng_state(state["torch"].cpu())
    if torch.cuda.is_available() and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all([item.cpu() for item in state["cuda"]])
