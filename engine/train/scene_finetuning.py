"""Fine-tuning of scene classification for the verb `finetune`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np
import torch

from ..cards import Card
from ..data.grid import Grid
from ..data.label_layer import LabelLayer
from ..data.source import RasterSource
from ..errors import InvalidParameter
from ..infer.scaled_source import open_scaled
from ..language import tr
from ..logins import file_name
from ..progress import Progress
from ..report.numerals import figure
from ..training_jobs import FinetuneJob
from .base_model import Base
from .head_tuning import Tuned
from .live_figures import looks
from .made_model import Made
from .method import BATCH, Method, choose_method
from .rounds import plan_rounds
from .scene_chips import SceneChips, read_chips
from .scene_tuning import tune_scenes
from .smaller_batches import with_smaller_batches
from .tuned_card import Area, LearnedFrom, card_to_be, finished_card, joined_area, labelled_area


def finetune_scenes(
    job: FinetuneJob,
    base: Base,
    layer: LabelLayer,
    device: torch.device,
    stack: ExitStack,
    progress: Progress,
) -> Made:
    """Makes a scene model from labelled polygons or points; for the arguments see `finetune_map`."""
    if job.after:
        raise InvalidParameter(
            "Rasters of a second date were specified, but scenes have only one date. Leave them out, or choose "
            "change-detection."
        )
    card = card_to_be(base, job, layer.classes, ())
    sources = _open_rasters(job, card, stack, progress)
    chips = read_chips(sources, layer, card, progress.part(0.0, 0.2), patch=base.config.patch)
    for warning in layer.warnings:
        progress.warning(warning)
    method = _chosen(job, base, len(chips), device, progress)
    progress.state(classes=looks(card.classes), method=method.name)
    gpu = device.type == "cuda"
    rounds = None if method.name == "quick" else plan_rounds(job, method, gpu)

    def work(batch: int) -> Tuned:
        return tune_scenes(
            base,
            card,
            chips,
            rounds=rounds and dataclasses.replace(rounds, batch=batch),
            seed=job.seed,
            device=job.device,
            progress=progress.part(0.2, 0.93),
        )

    tuned = with_smaller_batches(work, BATCH * 2, progress)
    if tuned.judged.warning:
        progress.warning(tuned.judged.warning)
    finished = _finished(job, base, method, chips, tuned, sources, layer.fingerprints())
    return Made(tuned.predictor, finished, method, tuned, _facts(job, base, finished, len(chips)))


def _open_rasters(
    job: FinetuneJob, card: Card, stack: ExitStack, progress: Progress
) -> list[RasterSource]:
    """Opens the job's rasters at the card's pixel size, and logs scaling and warnings of each."""
    sources: list[RasterSource] = []
    for name in job.inputs:
        source, _ = open_scaled(
            name, card, 0.0, stack, progress, bands=job.bands, nodata=job.nodata, crs=job.crs
        )
        progress.log(f"{name}: {source.scaling.text}")
        for warning in source.warnings:
            progress.warning(f"{name}: {warning}")
        sources.append(source)
    return sources


def _chosen(
    job: FinetuneJob, base: Base, scenes: int, device: torch.device, progress: Progress
) -> Method:
    weights = sum(value.numel() for value in base.weights.values())
    method = choose_method(job.method, scenes, weights, device.type == "cuda", job.task)
    progress.log(method.text)
    return method


def _finished(
    job: FinetuneJob,
    base: Base,
    method: Method,
    chips: SceneChips,
    tuned: Tuned,
    sources: Sequence[RasterSource],
    fingerprints: Sequence[str],
) -> Card:
    """The finished card, with training data and accuracy."""
    card = tuned.predictor.card
    label = chips.label if chips.label.ndim == 2 else np.eye(len(card.classes))[chips.label]
    labels = LearnedFrom(
        {item.title: int(count) for item, count in zip(card.classes, label.sum(0))},
        "scenes",
        len(chips),
        _area(chips, [source.grid for source in sources]),
        fingerprints,
    )
    return finished_card(card, base, job, method.name, tuned, labels)


def _facts(job: FinetuneJob, base: Base, card: Card, scenes: int) -> list[tuple[str, str]]:
    """Data and settings for the report."""
    labels = file_name(job.labels)
    return [
        (tr("Rasters"), ", ".join(map(file_name, job.inputs))),
        (tr("Labels"), tr("{file}, field {field}").format(file=labels, field=job.field)),
        (tr("Scenes with labels"), str(scenes)),
        (tr("Backbone"), f"{base.card.title or base.card.name} ({base.sha256[:12]})"),
        (
            tr("Window"),
            tr("{pixels} px of {size} m").format(pixels=card.window, size=figure(card.gsd)),
        ),
        (tr("Seed"), str(job.seed)),
    ]


def _area(chips: SceneChips, grids: Sequence[Grid]) -> Area | None:
    """West, south, east and north of the scenes' centres, degrees."""
    distinct: list[Grid] = []
    for grid in grids:
        if grid not in distinct:
            distinct.append(grid)
    return joined_area(
        [
            labelled_area(grid, chips.row[chips.raster == n], chips.column[chips.raster == n])
            for n, grid in enumerate(distinct)
        ]
    )
