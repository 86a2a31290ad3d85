"""Masked pretraining of SpectralGPT, progressively over window sizes, on images without labels."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..cards import Normalisation
from ..data.patches import Patch, PatchLoader, Source
from ..model.masked_autoencoder import MASK_RATIO, MaskedAutoencoder
from ..model.normalise import normalisation
from ..model.position import token_grid
from ..progress import Progress
from .callbacks import Callback, Checkpoint, Report, Validate
from .trainer import Batch, Trainer, TrainerConfig, TrainingResult


@dataclass(frozen=True)
class Stage:
    """One step of progressive pretraining; the next takes up its weights.

    Attributes:
        window: Side of the patches, pixels.
        batch: Patches a batch.
        steps: Batches an epoch.
        epochs: Epochs; the learning rate rises and falls once over them.
        learning_rate: After the warm-up.
        mask_ratio: Share of tokens to hide.
    """

    window: int
    batch: int
    steps: int
    epochs: int
    learning_rate: float = 1e-3
    mask_ratio: float = MASK_RATIO


@dataclass(frozen=True)
class PretrainingConfig:
    """What the stages share.

    Attributes:
        stages: In order, windows usually growing.
        scale: Share of the window's area that a random crop covers before it is enlarged.
        fewer_groups: Share of batches that show only some of the spectral groups.
        trainer: Everything but epochs and learning rate, which the stages say.
    """

    stages: tuple[Stage, ...]
    scale: tuple[float, float] = (0.2, 1.0)
    fewer_groups: float = 0.2
    trainer: TrainerConfig = field(default_factory=lambda: TrainerConfig(clip=1.0))


class MaskedReconstruction:
    """The loss of masked pretraining, for the trainer: no-data is neither shown nor asked for."""

    def __init__(self, kind: Normalisation, bands: int, mask_ratio: float = MASK_RATIO) -> None:
        """Reconstructs normalised images."""
        self._normalise = normalisation(kind, bands)
        self._mask_ratio = mask_ratio

    def __call__(self, model: nn.Module, batch: Batch) -> Tensor:
        """Takes image [B, C, S, S], valid [B, 1, S, S] and, if given, groups [G']."""
        image, valid = batch["image"], batch["valid"]
        image = self._normalise.to(image.device)(image, valid)
        return model(image, batch.get("groups"), valid, mask_ratio=self._mask_ratio).loss


def pretrain(
    network: MaskedAutoencoder,
    kind: Normalisation,
    sources: Sequence[Source],
    config: PretrainingConfig,
    *,
    transform: Callable[[Patch, np.random.Generator], Patch] | None = None,
    evaluate: Callable[[nn.Module], Mapping[str, float]] | None = None,
    checkpoint: str | Path | None = None,
    progress: Progress | None = None,
) -> TrainingResult:
    """Pretrains a network in place.

    Args:
        network: Fresh, or pretrained before.
        kind: How images become network input.
        sources: Images in the unit that `kind` expects.
        config: Stages and what they share.
        transform: Further change of each patch, in the images' unit.
        evaluate: Judges the network after each epoch, on images kept back.
        checkpoint: Folder for the state after each epoch; a run found there is taken up.
        progress: Told about steps and losses.

    Returns:
        The metrics of every epoch of every stage.
    """
    progress = progress or Progress()
    choices = group_choices(network.config.groups, config.fewer_groups)
    work = [stage.epochs * stage.steps * stage.batch * stage.window**2 for stage in config.stages]
    history: list[dict[str, float]] = []
    for number, stage in enumerate(config.stages):
        loader = PatchLoader(
            sources,
            stage.window,
            stage.batch,
            stage.steps,
            scale=config.scale,
            transform=transform,
            group_choices=choices,
            seed=config.trainer.seed + number,
        )
        settings = dataclasses.replace(
            config.trainer,
            epochs=stage.epochs,
            learning_rate=stage.learning_rate,
            seed=config.trainer.seed + number,
        )
        done, after = sum(work[:number]) / sum(work), sum(work[: number + 1]) / sum(work)
        callbacks: list[Callback] = [Report(progress.part(done, after))]
        if evaluate is not None:
            callbacks.append(Validate(evaluate))
        if checkpoint is not None:
            callbacks.append(Checkpoint(Path(checkpoint) / f"stage{number + 1}.pt"))
        loss = MaskedReconstruction(kind, network.config.bands, stage.mask_ratio)
        result = Trainer(network, loss, loader, settings, callbacks).fit()
        history += result.history
        if result.cancelled:
            return TrainingResult(tuple(history), cancelled=True)
    return TrainingResult(tuple(history))


def group_choices(groups: int, fewer: float) -> list[tuple[int, ...]]:
    """Sets of spectral groups to draw from, so that a share `fewer` of the draws lacks some."""
    whole = tuple(range(groups))
    parts = [part for size in range(1, groups) for part in itertools.combinations(whole, size)]
    if not parts or fewer <= 0:
        return [whole]
    return [whole] * max(1, round(len(parts) * (1 - fewer) / fewer)) + parts


@dataclass(frozen=True)
class ReconstructionError:
    """Mean squared errors of hidden, valid values, in normalised units (1 is a band's variance).

    Attributes:
        model: Of the network.
        interpolation: Of interpolating each band between its visible tokens, by inverse squared
            distance.
        mean: Of the mean of each band's visible tokens.
    """

    model: float
    interpolation: float
    mean: float


@torch.no_grad()
def reconstruction_error(
    network: MaskedAutoencoder,
    image: Tensor,
    valid: Tensor,
    mask_ratio: float = MASK_RATIO,
    seed: int = 0,
    batch: int = 16,
) -> ReconstructionError:
    """Compares the network's guess of hidden tokens with guesses that need no network.

    Args:
        network: Is put into evaluation mode.
        image: Normalised images [N, C, S, S].
        valid: [N, 1, S, S], 1 where valid.
        mask_ratio: Share of tokens to hide.
        seed: Of the masking.
        batch: Images at a time.
    """
    network.eval()
    config = network.config
    grid = token_grid(image.shape[2], image.shape[3], config.patch)
    random = torch.Generator().manual_seed(seed)
    errors, count = torch.zeros(3, dtype=torch.float64), 0.0
    for start in range(0, image.shape[0], batch):
        part, seen = image[start : start + batch], valid[start : start + batch]
        noise = torch.rand(part.shape[0], config.groups * grid[0] * grid[1], generator=random)
        result = network(part, noise=noise, mask_ratio=mask_ratio)
        target = network.patchify(part)  # [B, G, L, V]
        weight = network.patchify(seen.expand_as(part)) * result.hidden.reshape(
            *target.shape[:3], 1
        )
        guesses = (
            result.prediction.reshape(target.shape),
            *_interpolate(target, 1 - result.hidden.reshape(target.shape[:3]), grid, config.patch),
        )
        for index, guess in enumerate(guesses):
            errors[index] += ((guess - target).square() * weight).sum().double()
        count += float(weight.sum())
    model, interpolation, mean = (errors / max(count, 1.0)).tolist()
    return ReconstructionError(model, interpolation, mean)


def _interpolate(
    target: Tensor, visible: Tensor, grid: tuple[int, int], patch: int
) -> tuple[Tensor, Tensor]:
    """Guesses from the visible tokens' band means: by distance, and their plain mean.

    Args:
        target: [B, G, L, V].
        visible: [B, G, L], 1 where a token is visible.
        grid: Rows and columns of tokens, L together.
        patch: Side of a token; V = bands * patch * patch.
    """
    means = target.unflatten(3, (-1, patch * patch)).mean(-1) * visible[..., None]  # [B, G, L, b]
    rows, columns = torch.meshgrid(*(torch.arange(n) for n in grid), indexing="ij")
    place = torch.stack([rows.flatten(), columns.flatten()], 1).float()
    weight = 1 / torch.cdist(place, place).square().clamp(min=1e-6)  # [L, L]
    near = torch.einsum("lm,bgmk->bglk", weight, means)
    near = near / torch.einsum("lm,bgm->bgl", weight, visible).clamp(min=1e-9)[..., None]
    plain = means.sum(2, keepdim=True) / visible.sum(2).clamp(min=1)[:, :, None, None]
    size = patch * patch
    return (
        near.repeat_interleave(size, dim=3),
        plain.expand_as(near).repeat_interleave(size, dim=3),
    )
