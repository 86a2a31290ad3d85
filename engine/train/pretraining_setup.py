"""Prepares a pretraining: the network to start from, the stages, the windows to hold out."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..cards import Card
from ..checkpoint import load
from ..data.held_windows import HeldWindows, hold_windows
from ..data.imagery import Survey
from ..data.lazy_patches import LazyRaster
from ..errors import ModelTaskMismatch
from ..model.config import PRESETS
from ..model.losses import LOSSES, ReconstructionLoss
from ..model.masked_autoencoder import MaskedAutoencoder
from ..model_file import find_model, verify
from ..progress import Progress
from ..training_jobs import PretrainJob
from .fresh_network import CARD_BANDS, RED_EDGE, fresh_network
from .parallel import Alone
from .stages import (
    Stage,
    StageDefaults,
    default_outlines,
    device_memory,
    parse_stages,
    plan_stages,
    select,
)
from .unfinished_run import UnfinishedRun

TERMS = {
    "token": ReconstructionLoss(token=1.0, spectral=0.0),
    "spectral-sum": LOSSES["public"],
    "spectral-mean": LOSSES["experiment"],
}
# Parameters that may differ between a run and its resumption.
_INCIDENTAL = (
    "output_model",
    "output_report",
    "output_reconstruction",
    "language",
    "checkpoint",
    "name",
    "device",
    "threads",
)


class Start(NamedTuple):
    """What a pretraining starts from: a network, its card and its file's seal; None and "" for a preset."""

    network: MaskedAutoencoder | None
    card: Card
    seal: str


def start_network(job: PretrainJob) -> Start:
    """The network to continue from, or the card of a fresh one."""
    if job.base in PRESETS:
        card = Card(name=job.base, task="backbone", bands=CARD_BANDS, optional_groups=(RED_EDGE,))
        return Start(None, card, "")
    path = find_model(job.base, task="backbone")
    network, card = load(path)
    if not isinstance(network, MaskedAutoencoder):
        raise ModelTaskMismatch(
            f"The model '{card.title or card.name}' has no decoder for pretraining. Choose a backbone."
        )
    return Start(network, card, verify(path))


@dataclass(frozen=True)
class Plan:
    """What a pretraining is going to do, and with what.

    Attributes:
        job: The checked job.
        network: The network, fresh or the base's; trained in place.
        card: Its card, with the normalisation.
        base_seal: Seal of the base's file, "" for a fresh network.
        found: The imagery.
        drawn: Rasters to draw patches from.
        held: The held-out windows.
        stages: The stages.
        unfinished: The run in the checkpoint folder; None without such a folder.
        workers: This process, and those that share the training.
    """

    job: PretrainJob
    network: MaskedAutoencoder
    card: Card
    base_seal: str
    found: Survey
    drawn: Sequence[LazyRaster]
    held: HeldWindows
    stages: tuple[Stage, ...]
    unfinished: UnfinishedRun | None
    workers: Alone


def plan_run(
    job: PretrainJob,
    start: Start,
    found: Survey,
    workers: Alone,
    progress: Progress,
) -> Plan:
    """Decides the stages and the windows to hold out, and makes the network if it is a fresh one.

    Args:
        job: The checked job.
        start: From `start_network`.
        found: The imagery.
        workers: This process, and those that share the training.
        progress: Takes a warning if the imagery is too small.
    """
    network, card, seal = start
    unfinished, stages = _choose_stages(job, network, seal, found, workers)
    if network is None:
        network = _fresh(job, stages)
        card = dataclasses.replace(card, normalisation=found.normalisation())
    network.loss = TERMS[job.loss]
    drawn, held = _hold_back(job, found, stages, network.config.patch, progress)
    return Plan(job, network, card, seal, found, drawn, held, stages, unfinished, workers)


def _fresh(job: PretrainJob, stages: Sequence[Stage]) -> MaskedAutoencoder:
    """A network with random weights; its position embeddings fit the first stage, or the largest."""
    windows = [stage.window for stage in stages]
    return fresh_network(
        job.base, windows[0] if job.positions == "drop" else max(windows), job.seed
    )


def _choose_stages(
    job: PretrainJob,
    network: MaskedAutoencoder | None,
    seal: str,
    found: Survey,
    workers: Alone,
) -> tuple[UnfinishedRun | None, tuple[Stage, ...]]:
    """The run to resume, if any, and the stages: its own, or as requested, or by the imagery."""
    unfinished = None
    if job.checkpoint:
        settings = dataclasses.asdict(job)
        for name in _INCIDENTAL:
            settings.pop(name)
        rasters = _paths(found)
        settings.update(inputs=rasters, base_sha256=seal, processes=workers.count)
        unfinished = UnfinishedRun(job.checkpoint, settings, rasters)
        workers.wait()  # no process may write the folder before all have read it
        if unfinished.stages is not None:
            return unfinished, unfinished.stages
    fresh = network is None
    config = PRESETS[job.base] if network is None else network.config
    if fresh:
        config = dataclasses.replace(config, bands=len(CARD_BANDS))
    sides = [min(item.raster.shape) for item in found.serving]
    outlines = parse_stages(job.stages) or default_outlines(
        config, int(np.median(sides)), job.mask_ratio, fresh
    )
    pixels = [
        sum(
            int(np.prod(found.serving[i].raster.shape))
            for i in select(_paths(found), outline.imagery)
        )
        // workers.count
        for outline in outlines
    ]
    return unfinished, plan_stages(
        outlines,
        config,
        pixels,
        StageDefaults(
            job.mask_ratio,
            fresh,
            job.epochs,
            job.batch,
            job.steps,
            device_memory(workers.device(job.device)),
        ),
    )


def _paths(found: Survey) -> list[str]:
    return [item.raster.path for item in found.serving]


def _hold_back(
    job: PretrainJob, found: Survey, stages: tuple[Stage, ...], patch: int, progress: Progress
) -> tuple[list[LazyRaster], HeldWindows]:
    """Holds out windows, of the last stage's size if the imagery is large enough."""
    rasters = [item.raster for item in found.serving]
    short = int(np.median([min(raster.shape) for raster in rasters]))
    window = stages[-1].window
    if short < 3 * window and not (short >= window and len(rasters) >= 10):
        window = max(2 * patch, min(window, short // 3 // patch * patch))
    largest = max(stage.window for stage in stages)
    drawn, held = hold_windows(rasters, window, largest, seed=job.seed)
    if not len(held.image):
        progress.warning(
            "The imagery is too small to hold back any of it, so the network cannot be assessed on unseen areas. Use "
            "larger rasters, or at least ten."
        )
    return drawn, held


def introduce(plan: Plan, progress: Progress) -> None:
    """Logs the plan of the run, and warns of its limits."""
    found, unfinished = plan.found, plan.unfinished
    if unfinished is not None and unfinished.changed:
        progress.warning(
            f"{len(unfinished.changed)} of the rasters, such as {unfinished.changed[0]}, have changed since the run "
            f"in {unfinished.folder} began. The rest of the run uses them as they are now. Delete this folder to "
            "start from the beginning."
        )
    weights = sum(value.numel() for value in plan.network.parameters())
    progress.log(
        f"{len(found.serving)} rasters, {found.pixels / 1e6:.1f} megapixels; {len(plan.held.image)} windows held "
        f"back. Network with {weights / 1e6:.1f} million weights; {plan.workers.count} process(es)."
    )
    for number, stage in enumerate(plan.stages, 1):
        _tell_enlarged(number, stage, found, progress)
        progress.log(
            f"Stage {number}: {stage.window} px, {stage.epochs} epochs of {stage.steps} batches of "
            f"{stage.batch}, learning rate {stage.learning_rate:.2g}, {stage.mask_ratio:.0%} hidden"
            + (f", imagery {stage.imagery}" if stage.imagery else "")
        )


def _tell_enlarged(number: int, stage: Stage, found: Survey, progress: Progress) -> None:
    """Warns of windows that are larger than every raster of their stage."""
    own = [found.serving[place].raster.shape for place in select(_paths(found), stage.imagery)]
    rows, columns = max(own, key=min)
    if stage.window > min(rows, columns):
        progress.warning(
            f"Stage {number} has windows of {stage.window} px, but its largest raster has only {rows} x {columns} px. "
            "The windows are enlarged from fewer pixels, which takes time and teaches the model little. Use smaller "
            "windows, or larger rasters."
        )
