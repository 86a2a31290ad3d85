"""The verb `pretrain`: trains a backbone on the user's imagery, without labels."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..cards import Card
from ..checkpoint import save
from ..data.held_windows import HeldWindows
from ..data.imagery import list_rasters, survey
from ..data.opening import with_sources
from ..data.raster_pool import RasterPool
from ..endings import SAFETENSORS
from ..errors import Cancelled
from ..infer.backend import usable_threads
from ..infer.staging import GEOTIFF, StagedOutputs
from ..language import speaking
from ..model.config import PRESETS
from ..model.losses import LOSSES, ReconstructionLoss
from ..model.masked_autoencoder import MaskedAutoencoder
from ..model.normalise import normalisation
from ..model_file import find_model
from ..progress import Progress
from ..training_jobs import PretrainJob
from .fresh_network import drop_positions, fresh_network
from .masked_pretraining import PretrainingConfig, StageHooks, run_stages
from .parallel import Quiet, join_workers
from .pretraining_patches import Patches
from .pretraining_results import Outcome, finished_card, reconstruct_sample, write_report
from .pretraining_setup import hold_back, introduce, plan_run, start_network
from .reconstruction import write_view
from .reconstruction_error import ReconstructionError, reconstruction_error
from .stages import Stage
from .trainer import TrainerConfig
from .unfinished_run import UnfinishedRun

TERMS = {
    "token": ReconstructionLoss(token=1.0, spectral=0.0),
    "spectral-sum": LOSSES["public"],
    "spectral-mean": LOSSES["experiment"],
}


def pretrain_model(job: PretrainJob, progress: Progress) -> dict[str, Any]:
    """Pretrains a backbone and writes it, optionally with a report and a reconstructed sample.

    Under `torchrun` several processes share the work; the first one writes and reports.

    Args:
        job: The checked job.
        progress: Takes steps, losses, and warnings about assumptions.

    Returns:
        The result of the protocol.

    Raises:
        EngineError: The imagery is unusable, the settings do not fit it, the loss diverges, memory does
            not suffice, or an output cannot be written.
        Cancelled: The user has cancelled; finished epochs stay in the checkpoint folder.
    """
    started = time.monotonic()
    if job.threads:
        torch.set_num_threads(usable_threads(job.threads))
    workers = join_workers(job.device)
    whole = progress if workers.main else Quiet(progress)
    names = list_rasters(job.inputs)
    network, card, seal = start_network(job)
    with ExitStack() as stack:
        stack.enter_context(speaking(job.language))
        base = "" if job.base in PRESETS else str(find_model(job.base, task="backbone"))
        outputs = stack.enter_context(StagedOutputs((*with_sources(names), base)))
        staged = _stage(outputs, job) if workers.main else {}
        pool = stack.enter_context(
            RasterPool(card, bands=job.bands, nodata=job.nodata, crs=job.crs)
        )
        found = survey(names, pool, whole.part(0.0, 0.1))
        unfinished, stages = plan_run(job, network, seal, found, workers)
        if network is None:
            network = _fresh(job, stages)
            card = dataclasses.replace(card, normalisation=found.normalisation())
        network.loss = TERMS[job.loss]
        drawn, held = hold_back(job, found, stages, network.config.patch, whole)
        if workers.main and unfinished is not None:
            unfinished.write(stages)
        introduce(found, stages, held, network, workers, unfinished, whole)
        part = whole.part(0.1, 0.95)
        patches = Patches(drawn, card, network.config.patch, job.seed, workers, job.device, part)
        judge = functools.partial(_judge, network, card, held, stages[-1].mask_ratio)
        trainer = TrainerConfig(seed=job.seed, device=job.device, clip=1.0)
        result = run_stages(
            network,
            card.normalisation,
            PretrainingConfig(stages, trainer=trainer),
            patches.of_stage,
            hooks=_hooks(job, network, judge, unfinished),
            workers=workers,
            progress=part,
        )
        if result.cancelled:
            raise _cancelled(job, len(result.history), whole)
        outcome = Outcome(
            job, network, card, seal, found, held, stages, result.history, judge(), workers.count,
            time.monotonic() - started,
        )  # fmt: skip
        sealed = _write(outcome, staged, pool) if workers.main else ""
    workers.wait()
    if workers.main and unfinished is not None:
        unfinished.remove()
    whole.update(1.0, "Done")
    return {
        "outputs": {name: getattr(job, name) for name in staged},
        "seconds": round(time.monotonic() - started, 2),
        "model": {"name": finished_card(outcome).name, "sha256": sealed},
        **_told(outcome),
    }


def _fresh(job: PretrainJob, stages: Sequence[Stage]) -> MaskedAutoencoder:
    """A network with random weights; its position embeddings fit the first stage, or the largest."""
    windows = [stage.window for stage in stages]
    return fresh_network(
        job.base, windows[0] if job.positions == "drop" else max(windows), job.seed
    )


def _told(outcome: Outcome) -> dict[str, Any]:
    """The fields of the protocol's result that describe the training."""
    return {
        "stages": [dataclasses.asdict(stage) for stage in outcome.stages],
        "final_loss": outcome.history[-1]["loss"],
        "losses": [epoch["loss"] for epoch in outcome.history],
        "held_out": None if outcome.error is None else dataclasses.asdict(outcome.error),
        "rasters": len(outcome.found.serving),
        "refused": [{"raster": name, "why": why} for name, why in outcome.found.refused],
        "processes": outcome.processes,
    }


def _stage(outputs: StagedOutputs, job: PretrainJob) -> dict[str, Path]:
    """Temporary paths of the requested outputs, by the job's field."""
    suffixes = {
        "output_model": (SAFETENSORS,),
        "output_report": (".html",),
        "output_reconstruction": GEOTIFF,
    }
    return {
        name: outputs.stage(getattr(job, name), suffix)
        for name, suffix in suffixes.items()
        if getattr(job, name) or name == "output_model"
    }


def _hooks(
    job: PretrainJob,
    network: MaskedAutoencoder,
    judge: Callable[[], ReconstructionError | None],
    unfinished: UnfinishedRun | None,
) -> StageHooks:
    """Hooks that reset position embeddings if requested, evaluate on held-out windows, and make the run resumable."""

    def prepare(_: int, stage: Stage) -> None:
        if job.positions == "drop" and network.config.image_size != stage.window:
            drop_positions(network, stage.window)

    def evaluate(_: nn.Module) -> Mapping[str, float]:
        error = judge()
        return {} if error is None else {"error": error.model}

    if unfinished is None:
        return StageHooks(prepare, evaluate=evaluate)
    return StageHooks(prepare, unfinished.shrink, evaluate, unfinished.folder)


def _judge(
    network: MaskedAutoencoder, card: Card, held: HeldWindows, mask_ratio: float
) -> ReconstructionError | None:
    """The reconstruction error on held-out windows, with baselines without a network."""
    if not len(held.image):
        return None
    valid = torch.from_numpy(held.valid)[:, None].float()  # [N, 1, S, S]
    image = normalisation(card.normalisation, held.image.shape[1])(
        torch.from_numpy(held.image), valid
    )
    tokens = len(held.groups) * (image.shape[-1] // network.config.patch) ** 2
    ratio = min(mask_ratio, 1 - 1.5 / tokens)  # at least one token of a small window stays visible
    return reconstruction_error(network, image, valid, ratio, groups=torch.tensor(held.groups))


def _write(outcome: Outcome, staged: Mapping[str, Path], pool: RasterPool) -> str:
    """Writes the outputs to their temporary places; returns the model's seal."""
    card = finished_card(outcome)
    if "output_reconstruction" in staged or "output_report" in staged:
        seen = reconstruct_sample(outcome, pool)
        if "output_reconstruction" in staged:
            path = staged["output_reconstruction"]
            write_view(path, seen.view, card, seen.grid, seen.window)
        if "output_report" in staged:
            write_report(staged["output_report"], outcome, seen)
    return save(staged["output_model"], outcome.network, card)


def _cancelled(job: PretrainJob, epochs: int, progress: Progress) -> Cancelled:
    kept = (
        f"{epochs} completed epochs are saved in {job.checkpoint}. Run the same command again to continue."
        if job.checkpoint
        else "Nothing was saved, because no checkpoint folder was specified."
    )
    progress.log(f"Cancelled. {kept}")
    return Cancelled(f"Cancelled. {kept}")
