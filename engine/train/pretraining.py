"""The verb `pretrain`: trains a backbone on the user's imagery, without labels."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..checkpoint import save
from ..data.imagery import list_rasters, survey
from ..data.opening import with_sources
from ..data.raster_pool import RasterPool
from ..endings import SAFETENSORS
from ..errors import Cancelled
from ..infer.backend import usable_threads
from ..infer.staging import GEOTIFF, StagedOutputs
from ..language import speaking
from ..model.config import PRESETS
from ..model.normalise import normalisation
from ..model_file import find_model
from ..progress import Progress
from ..training_jobs import PretrainJob
from .fresh_network import drop_positions
from .masked_pretraining import PretrainingConfig, StageHooks, run_stages
from .parallel import Quiet, join_workers
from .pretraining_patches import Patches
from .pretraining_results import Outcome, finished_card, reconstruct_sample, write_report
from .pretraining_setup import Plan, introduce, plan_run, start_network
from .reconstruction import write_view
from .reconstruction_error import ReconstructionError, reconstruction_error
from .stages import Stage
from .trainer import TrainerConfig, TrainingResult


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
    start = start_network(job)
    with ExitStack() as stack:
        stack.enter_context(speaking(job.language))
        base = "" if job.base in PRESETS else str(find_model(job.base, task="backbone"))
        outputs = stack.enter_context(StagedOutputs((*with_sources(names), base)))
        staged = _stage(outputs, job) if workers.main else {}
        pool = stack.enter_context(
            RasterPool(start.card, bands=job.bands, nodata=job.nodata, crs=job.crs)
        )
        found = survey(names, pool, whole.part(0.0, 0.1))
        plan = plan_run(job, start, found, workers, whole)
        if workers.main and plan.unfinished is not None:
            plan.unfinished.write(plan.stages)
        introduce(plan, whole)
        result = _train(plan, whole.part(0.1, 0.95))
        if result.cancelled:
            raise _cancelled(job, len(result.history), whole)
        error = _judge(plan)
        outcome = Outcome(plan, result.history, error, time.monotonic() - started)
        sealed = _write(outcome, staged, pool) if workers.main else ""
    workers.wait()
    if workers.main and plan.unfinished is not None:
        plan.unfinished.remove()
    whole.update(1.0, "Done")
    return {
        "outputs": {name: getattr(job, name) for name in staged},
        "seconds": round(time.monotonic() - started, 2),
        "model": {"name": finished_card(outcome).name, "sha256": sealed},
        **_told(outcome),
    }


def _train(plan: Plan, progress: Progress) -> TrainingResult:
    """Runs the stages."""
    job, card = plan.job, plan.card
    patch = plan.network.config.patch
    patches = Patches(plan.drawn, card, patch, job.seed, plan.workers, job.device, progress)
    trainer = TrainerConfig(seed=job.seed, device=job.device, clip=1.0)
    return run_stages(
        plan.network,
        card.normalisation,
        PretrainingConfig(plan.stages, trainer=trainer),
        patches.of_stage,
        hooks=_hooks(plan),
        workers=plan.workers,
        progress=progress,
    )


def _told(outcome: Outcome) -> dict[str, Any]:
    """The fields of the protocol's result that describe the training."""
    plan = outcome.plan
    return {
        "stages": [dataclasses.asdict(stage) for stage in plan.stages],
        "final_loss": outcome.history[-1]["loss"],
        "losses": [epoch["loss"] for epoch in outcome.history],
        "held_out": None if outcome.error is None else dataclasses.asdict(outcome.error),
        "rasters": len(plan.found.serving),
        "refused": [{"raster": name, "why": why} for name, why in plan.found.refused],
        "processes": plan.workers.count,
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


def _hooks(plan: Plan) -> StageHooks:
    """Hooks that reset position embeddings if requested, evaluate on held-out windows, and make the run resumable."""

    def prepare(_: int, stage: Stage) -> None:
        if plan.job.positions == "drop" and plan.network.config.image_size != stage.window:
            drop_positions(plan.network, stage.window)

    def evaluate(_: nn.Module) -> Mapping[str, float]:
        error = _judge(plan)
        return {} if error is None else {"error": error.model}

    if plan.unfinished is None:
        return StageHooks(prepare, evaluate=evaluate)
    return StageHooks(prepare, plan.unfinished.shrink, evaluate, plan.unfinished.folder)


def _judge(plan: Plan) -> ReconstructionError | None:
    """The reconstruction error on held-out windows, with baselines without a network."""
    network, held = plan.network, plan.held
    if not len(held.image):
        return None
    valid = torch.from_numpy(held.valid)[:, None].float()  # [N, 1, S, S]
    image = normalisation(plan.card.normalisation, held.image.shape[1])(
        torch.from_numpy(held.image), valid
    )
    tokens = len(held.groups) * (image.shape[-1] // network.config.patch) ** 2
    # At least one token of a small window stays visible.
    ratio = min(plan.stages[-1].mask_ratio, 1 - 1.5 / tokens)
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
    return save(staged["output_model"], outcome.plan.network, card)


def _cancelled(job: PretrainJob, epochs: int, progress: Progress) -> Cancelled:
    kept = (
        f"{epochs} completed epochs are saved in {job.checkpoint}. Run the same command again to continue."
        if job.checkpoint
        else "Nothing was saved, because no checkpoint folder was specified."
    )
    progress.log(f"Cancelled. {kept}")
    return Cancelled(f"Cancelled. {kept}")
