"""Fine-tuning of scene classification for the verb `finetune`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import torch

from ..data.grid import Grid
from ..data.label_layer import LabelLayer
from ..data.source import RasterSource
from ..errors import InvalidParameter
from ..infer.scaled_source import open_scaled
from ..language import tr
from ..progress import Progress
from ..report.numerals import figure
from ..training_jobs import FinetuneJob
from .base_model import Base
from .live_figures import looks
from .made import Made
from .memory import with_smaller_batches
from .method import BATCH, LENGTHS, LENGTHS_GPU, choose_method
from .scene_chips import SceneChips, read_chips
from .scene_tuning import tune_scenes
from .tuned_card import card_to_be, finished_card, joined_area, labelled_area
from .tuning import Tuned


def finetune_scenes(
    job: FinetuneJob,
    base: Base,
    layer: LabelLayer,
    device: torch.device,
    stack: ExitStack,
    progress: Progress,
) -> Made:
    """A scene model from a label for each polygon or point; arguments as of `finetune_map`."""
    if job.after:
        raise InvalidParameter(
            "Rasters of a second date were given, but scenes have one date. Leave them out, or "
            "choose change-detection."
        )
    card = card_to_be(base, job, layer.classes, ())
    sources: list[RasterSource] = []
    for name in job.inputs:
        source, _ = open_scaled(
            name, card, 0.0, stack, progress, bands=job.bands, nodata=job.nodata, crs=job.crs
        )
        progress.log(f"{name}: {source.scaling.text}")
        for warning in source.warnings:
            progress.warning(f"{name}: {warning}")
        sources.append(source)
    chips = read_chips(sources, layer, card, progress.part(0.0, 0.2), patch=base.config.patch)
    for warning in layer.warnings:
        progress.warning(warning)
    weights = sum(value.numel() for value in base.weights.values())
    method = choose_method(job.method, len(chips), weights, device.type == "cuda", job.task)
    progress.log(f"Method: {method.name}" + (f" ({method.reason})" if method.reason else ""))
    progress.state(classes=looks(card.classes), method=method.name)
    gpu = device.type == "cuda"
    epochs, steps = (LENGTHS_GPU if gpu else LENGTHS).get(method.name, (1, 1))

    def work(batch: int) -> Tuned:
        return tune_scenes(
            base,
            card,
            chips,
            method=method.name,
            epochs=job.epochs or epochs,
            steps=steps,
            batch=batch,
            share=job.validation / 100,
            seed=job.seed,
            device=job.device,
            progress=progress.part(0.2, 0.93),
        )

    tuned = with_smaller_batches(work, BATCH * 2, progress)
    if tuned.judged.warning:
        progress.warning(tuned.judged.warning)
    label = chips.label if chips.label.ndim == 2 else np.eye(len(card.classes))[chips.label]
    counts = {item.title: int(n) for item, n in zip(card.classes, label.sum(0))}
    figures = tuned.interval
    if job.multilabel and tuned.accuracy is not None:
        figures = {"map": round(tuned.accuracy.value, 4), "measure": tuned.measure}
    finished = finished_card(
        tuned.predictor.card,
        base,
        job,
        method=method.name,
        area=_area(chips, [source.grid for source in sources]),
        counts=counts,
        matrix=tuned.matrix,
        measure=tuned.measure,
        facts={"scenes": len(chips), "heads": tuned.judged.mean_iou, "epochs": len(tuned.history)},
        figures=figures,
    )
    facts = [
        (tr("Rasters"), ", ".join(Path(name).name for name in job.inputs)),
        (
            tr("Labels"),
            tr("{file}, field {field}").format(
                file=Path(job.labels.split("|")[0]).name, field=job.field
            ),
        ),
        (tr("Scenes with labels"), str(len(chips))),
        (tr("Backbone"), f"{base.card.title or base.card.name} ({base.sha256[:12]})"),
        (
            tr("Window"),
            tr("{pixels} px of {size} m").format(pixels=finished.window, size=figure(finished.gsd)),
        ),
        (tr("Seed"), str(job.seed)),
    ]
    return Made(tuned.predictor, finished, method, tuned, facts)


def _area(chips: SceneChips, grids: Sequence[Grid]) -> tuple[float, float, float, float] | None:
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
