"""Masked pretraining of SpectralGPT on unlabelled images, in stages of growing windows."""

from __future__ import annotations

import copy
import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from ..cards import Normalisation
from ..data.atlas import Atlas, AtlasLoader
from ..data.patches import PatchLoader, PatchPlan, Source
from ..model.masked_autoencoder import MASK_RATIO, MaskedAutoencoder
from ..model.normalise import normalisation
from ..progress import Progress
from .callbacks import Callback, Checkpoint, Report, Validate
from .device import choose_device
from .parallel import Alone
from .reconstruction_error import ReconstructionError, reconstruction_error
from .smaller_batches import with_smaller_batches
from .stages import Stage
from .trainer import Batch, Loader, Trainer, TrainerConfig, TrainingResult

__all__ = [
    "MaskedReconstruction",
    "PretrainingConfig",
    "ReconstructionError",
    "Stage",
    "StageHooks",
    "group_choices",
    "pretrain",
    "reconstruction_error",
    "run_stages",
]


@dataclass(frozen=True)
class PretrainingConfig:
    """Settings shared by all stages.

    Attributes:
        stages: The stages in order, usually with growing windows.
        scale: Share of the window's area that a random crop covers before it is enlarged.
        fewer_groups: Share of batches with only some of the spectral groups.
        trainer: Settings of the trainer; epochs and learning rate come from the stages.
    """

    stages: tuple[Stage, ...]
    scale: tuple[float, float] = (0.2, 1.0)
    fewer_groups: float = 0.2
    trainer: TrainerConfig = field(default_factory=lambda: TrainerConfig(clip=1.0))

    def settings(self, number: int) -> TrainerConfig:
        """The trainer's settings in a stage, numbered from 0."""
        stage = self.stages[number]
        return dataclasses.replace(
            self.trainer,
            epochs=stage.epochs,
            learning_rate=stage.learning_rate,
            seed=self.trainer.seed + number,
        )


class MaskedReconstruction:
    """The loss of masked pretraining, for the trainer; no-data is neither shown nor reconstructed."""

    def __init__(self, kind: Normalisation, bands: int, mask_ratio: float = MASK_RATIO) -> None:
        """Normalises images by `kind` before hiding a share of their tokens."""
        self._normalise = normalisation(kind, bands)
        self._mask_ratio = mask_ratio

    def __call__(self, model: nn.Module, batch: Batch) -> Tensor:
        """The loss of a batch: image [B, C, S, S], valid [B, 1, S, S], optionally groups [G'] and noise [B, N]."""
        image, valid = batch["image"], batch["valid"]
        image = self._normalise.to(image.device)(image, valid)
        groups, noise = batch.get("groups"), batch.get("noise")
        return model(image, groups, valid, noise, self._mask_ratio).loss


def pretrain(
    network: MaskedAutoencoder,
    kind: Normalisation,
    sources: Sequence[Source],
    config: PretrainingConfig,
    *,
    offset: float | None = None,
    hooks: StageHooks | None = None,
    progress: Progress | None = None,
) -> TrainingResult:
    """Pretrains a network in place, on images that fit into memory (on a GPU, into the GPU's).

    Args:
        network: The network, fresh or pretrained.
        kind: Normalisation of the images.
        sources: Images, in the unit that `kind` expects.
        config: Stages and shared settings.
        offset: Shift of the light in augmentation, see `patches.change_light`; None = no such augmentation.
        hooks: Optional hooks around the stages.
        progress: Takes steps and losses.

    Returns:
        The metrics of every epoch of every stage.
    """
    loader_of = _loaders(sources, config, network.config.groups, offset)
    return run_stages(network, kind, config, loader_of, hooks, progress=progress)


def _loaders(
    sources: Sequence[Source], config: PretrainingConfig, groups: int, offset: float | None
) -> Callable[[int, Stage], Loader]:
    """A function that makes the loader of a stage, for a network with `groups` spectral groups."""
    device = choose_device(config.trainer.device)
    atlas = lay_out(sources, device) if device.type == "cuda" else None
    whole = tuple(range(groups))
    choices = group_choices(groups, config.fewer_groups)

    def loader_of(number: int, stage: Stage) -> Loader:
        plan = PatchPlan(
            stage.window,
            stage.batch,
            stage.steps,
            config.scale,
            fewer_groups=config.fewer_groups,
            light=offset,
            seed=config.trainer.seed + number,
        )
        if atlas is not None:
            return AtlasLoader(atlas, [whole] * len(sources), plan)
        return PatchLoader(sources, plan, group_choices=choices)

    return loader_of


def lay_out(sources: Sequence[Source], device: torch.device) -> Atlas:
    """Joins images into one atlas on a device."""
    shapes, bands = [source.shape for source in sources], sources[0].image.shape[0]
    return Atlas(shapes, bands, ((source.image, source.valid) for source in sources), device)


@dataclass(frozen=True)
class StageHooks:
    """Optional hooks around the stages.

    Attributes:
        prepare: Called before each stage, with its number from 0; may change the network.
        smaller: Called with a stage's number and its reduced batch if memory did not suffice.
        evaluate: Evaluates the network after each epoch, on held-out images.
        checkpoint: Folder for the state after each epoch; a run found there is resumed.
    """

    prepare: Callable[[int, Stage], None] | None = None
    smaller: Callable[[int, int], None] | None = None
    evaluate: Callable[[nn.Module], Mapping[str, float]] | None = None
    checkpoint: str | Path | None = None

    def callbacks(self, number: int) -> list[Callback]:
        """The trainer's callbacks in a stage."""
        found: list[Callback] = []
        if self.evaluate is not None:
            found.append(Validate(self.evaluate))
        if self.checkpoint is not None:
            found.append(Checkpoint(Path(self.checkpoint) / f"stage{number + 1}.pt"))
        return found


def run_stages(
    network: MaskedAutoencoder,
    kind: Normalisation,
    config: PretrainingConfig,
    loader_of: Callable[[int, Stage], Loader],
    hooks: StageHooks | None = None,
    workers: Alone | None = None,
    progress: Progress | None = None,
) -> TrainingResult:
    """Pretrains a network in place, on batches from any loader.

    Args:
        network: The network, fresh or pretrained.
        kind: Normalisation of the images.
        config: Stages and shared settings.
        loader_of: Makes the loader of a stage, numbered from 0.
        hooks: Optional hooks around the stages.
        workers: This process, and those that share the training.
        progress: Takes steps and losses.

    Returns:
        The metrics of every epoch of every stage.

    Raises:
        OutOfMemory: Not even a batch of one fits; with several processes, the requested batch does not.
        TrainingDiverged: The loss became NaN or infinite.
    """
    run = _Run(network, kind, config, loader_of, hooks or StageHooks(), workers or Alone())
    progress = progress or Progress()
    work = [stage.epochs * stage.steps * stage.batch * stage.window**2 for stage in config.stages]
    history: list[dict[str, float]] = []
    for number in range(len(work)):
        part = progress.part(sum(work[:number]) / sum(work), sum(work[: number + 1]) / sum(work))
        result = run.stage(number, part, len(history))
        history += result.history
        if result.cancelled:
            return TrainingResult(tuple(history), cancelled=True)
    return TrainingResult(tuple(history))


@dataclass(frozen=True)
class _Run:
    """The state of `run_stages`; the fields are its arguments."""

    network: MaskedAutoencoder
    kind: Normalisation
    config: PretrainingConfig
    loader_of: Callable[[int, Stage], Loader]
    hooks: StageHooks
    workers: Alone

    def stage(self, number: int, progress: Progress, before: int) -> TrainingResult:
        """Trains one stage, with smaller batches if memory does not suffice.

        Args:
            number: Number of the stage, from 0.
            progress: Takes its steps and losses.
            before: Epochs of earlier stages.
        """
        planned = self.config.stages[number]
        if self.hooks.prepare is not None:
            self.hooks.prepare(number, planned)
        start = copy.deepcopy(self.network.state_dict())
        count = len(self.config.stages)
        label = f"Stage {number + 1} of {count}. " if count > 1 else ""

        def attempt(batch: int) -> TrainingResult:
            if batch < planned.batch and self.hooks.smaller is not None:
                self.hooks.smaller(number, batch)
            self.network.load_state_dict(start)
            report = Report(progress, label, before)
            return self._train(number, dataclasses.replace(planned, batch=batch), report)

        # Processes that wait for each other cannot reduce their batches independently.
        least = planned.batch if self.workers.count > 1 else 1
        return with_smaller_batches(attempt, planned.batch, progress, least)

    def _train(self, number: int, stage: Stage, report: Report) -> TrainingResult:
        return Trainer(
            self.network,
            MaskedReconstruction(self.kind, self.network.config.bands, stage.mask_ratio),
            self.loader_of(number, stage),
            self.config.settings(number),
            [report, *self.hooks.callbacks(number)],
            workers=self.workers,
        ).fit()


def group_choices(groups: int, fewer: float) -> list[tuple[int, ...]]:
    """Sets of spectral groups to draw from, so that a share `fewer` of the draws lacks some."""
    whole = tuple(range(groups))
    parts = [part for size in range(1, groups) for part in itertools.combinations(whole, size)]
    if not parts or fewer <= 0:
        return [whole]
    return [whole] * max(1, round(len(parts) * (1 - fewer) / fewer)) + parts
