"""Fine-tuning for class maps and change maps from labelled pixels, for the verb `finetune`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np
import torch

from ..cards import Card
from ..data.blocks import hold_out
from ..data.label_layer import LabelLayer
from ..errors import Cancelled
from ..language import marked, tr
from ..logins import file_name
from ..model.predictor import Predictor
from ..progress import Progress, Quiet
from ..report.numerals import figure
from ..training_jobs import FinetuneJob
from .base_model import Base
from .change_classes import change_classes, swap
from .encoder_tuning import tune_weights
from .examples import draw_examples
from .head_tuning import JOINT_PLACES, HeadTuner, Tuned
from .judging import DISTANCE
from .kept_maps import KeptMaps
from .kept_tokens import open_kept
from .labelled_ground import LabelledGround, only, positions_of
from .labelled_rasters import LabelledRaster, label_rasters, open_sources
from .live_figures import looks
from .made_model import Made
from .method import BATCH, TAUGHT_BATCH, choose_method
from .quick_head import HERE, USES
from .rounds import Rounds, plan_rounds
from .smaller_batches import with_smaller_batches
from .surroundings_tuning import with_surroundings
from .tuned_card import (
    Area,
    LearnedFrom,
    card_to_be,
    change_threshold,
    finished_card,
    joined_area,
    labelled_area,
)


def finetune_map(
    job: FinetuneJob,
    base: Base,
    layer: LabelLayer,
    device: torch.device,
    stack: ExitStack,
    progress: Progress,
) -> Made:
    """Makes a segmentation or change model from labelled pixels.

    Args:
        job: The checked job.
        base: The base model.
        layer: The labels.
        device: Device to compute on.
        stack: Closes the rasters.
        progress: Takes progress, metrics, log and warnings.
    """
    classes, swapped = layer.classes, False
    if job.task == "change-detection":
        classes, swapped = change_classes(layer.classes, layer.labels)
    opening = card_to_be(base, job, classes, ())
    sources = open_sources(job, opening, stack, progress)
    card = card_to_be(base, job, classes, [first.grid for first, _ in sources])
    rasters = label_rasters(sources, layer, card, job.seed, progress)
    if swapped:
        rasters = [_swapped(item) for item in rasters]
    grounds = [item.ground for item in rasters]
    units = _units(grounds)
    if job.task == "change-detection":
        card = dataclasses.replace(card, threshold=change_threshold(units))
    weights = sum(value.numel() for value in base.weights.values())
    gpu = device.type == "cuda"
    method = choose_method(job.method, units, weights, gpu, job.task)
    progress.log(method.text)
    progress.state(classes=looks(card.classes), method=method.name)
    part = progress.part(0.02, 0.93)
    kept = open_kept()
    tuner = HeadTuner(base, card, USES[job.use], job.seed, device, kept=kept)
    if method.name == "quick":
        tuned = _tune_quickly(job, tuner, grounds, units, part)
    else:
        tuned = _tune_weights(job, tuner, grounds, plan_rounds(job, method, gpu), part)
    if kept and kept.found:
        total = kept.found + kept.made
        progress.log(
            f"The backbone already processed {kept.found} of {total} views of the windows in an earlier run."
        )
    if tuned.judged.warning and tuned.matrix is None:
        progress.warning(tuned.judged.warning)
    labels = LearnedFrom(
        _counts(grounds, card), "places", units, _area(rasters), layer.fingerprints()
    )
    finished = finished_card(card, base, job, method.name, tuned, labels)
    examples = [] if not job.output_report else draw_examples(tuned.predictor, rasters, finished)
    return Made(
        tuned.predictor, finished, method, tuned, _facts(job, base, units, finished), examples
    )


def _tune_quickly(
    job: FinetuneJob,
    tuner: HeadTuner,
    grounds: Sequence[LabelledGround],
    units: int,
    progress: Progress,
) -> Tuned:
    """Fits a head on frozen features; for change from many places, also tries one with surroundings."""

    def work(_: int) -> Tuned:
        if tuner.card.task == "change-detection" and units >= JOINT_PLACES:
            return _tune_surroundings(job, tuner, grounds, progress)
        return tuner.tune(grounds, progress)

    # It works window by window anyway, so there is no smaller batch to try.
    return with_smaller_batches(work, 1, progress)


def _tune_weights(
    job: FinetuneJob,
    tuner: HeadTuner,
    grounds: Sequence[LabelledGround],
    rounds: Rounds,
    progress: Progress,
) -> Tuned:
    """Trains adapters or all weights, and evaluates them on held-out places."""
    card = tuner.card
    learn, held, warning = split_grounds(grounds, rounds.share, job.seed, card)
    if warning:
        progress.warning(warning)
    judging = _on_data(held, card.window, progress)

    again = card.task == "segmentation" and bool(judging)
    middle = 0.5 if again else 0.9

    def work(batch: int) -> Tuned:
        tried = dataclasses.replace(rounds, batch=batch)
        tuned = _trained(tuner, learn, judging, tried, progress.part(0.0, middle))
        if tuned.cancelled or (tuned.improved and not again):
            return tuned
        # Train the better kind of model again on all labels, including the held-out ones.
        part = Quiet(progress.part(middle, 1.0))
        try:
            if not tuned.improved:
                whole = tuner.tune(grounds, part)
                return dataclasses.replace(whole, history=tuned.history, improved=False)
            whole = _trained(tuner, grounds, [], tried, part)
        except Cancelled:
            return dataclasses.replace(tuned, cancelled=True)
        if whole.cancelled:
            return dataclasses.replace(tuned, cancelled=True)
        measure = marked(
            "labels held back in whole places, at the best epoch according to the same labels; the model was then "
            "trained on all of them"
        )
        return dataclasses.replace(tuned, predictor=whole.predictor, measure=measure)

    gpu = tuner.device is not None and tuner.device.type == "cuda"
    batch = TAUGHT_BATCH if card.task == "segmentation" else BATCH
    return with_smaller_batches(work, batch * 4 if gpu else batch, progress)


def _trained(
    tuner: HeadTuner,
    learn: Sequence[LabelledGround],
    judging: Sequence[LabelledGround],
    rounds: Rounds,
    progress: Progress,
) -> Tuned:
    """Fits a head on frozen features, then trains the encoder as well; evaluates on the held-out labels, if any."""
    first = tuner.tune(learn, progress.part(0.0, 0.2))
    teacher = _teacher(tuner, first, learn, Quiet(progress.part(0.2, 0.28)))
    part = progress.part(0.28, 1.0)
    return tune_weights(
        tuner.base, first, learn, judging, rounds, teacher=teacher, seed=tuner.seed, progress=part
    )


def _teacher(
    tuner: HeadTuner, first: Tuned, learn: Sequence[LabelledGround], progress: Progress
) -> Predictor | None:
    """The teacher for all pixels of a class map: a head fitted to these rasters alone; None for change."""
    if tuner.card.task != "segmentation":
        return None
    if tuner.use is HERE:
        return first.predictor
    return dataclasses.replace(tuner, use=HERE).tune(learn, progress).predictor


def _tune_surroundings(
    job: FinetuneJob, tuner: HeadTuner, grounds: Sequence[LabelledGround], progress: Progress
) -> Tuned:
    """Change from many places: adds convolutions if they rank pixels of held-out places better than the head."""
    learn, held, warning = split_grounds(grounds, job.validation / 100, job.seed, tuner.card)
    if _units(learn) < JOINT_PLACES:
        return tuner.tune(grounds, progress)
    if warning:
        progress.warning(warning)
    judging = _on_data(held, tuner.card.window, progress)
    maps = KeptMaps()
    first = tuner.tune(learn, progress.part(0.0, 0.45), maps)
    tuned = with_surroundings(
        first, learn, maps, judging, tuner.seed, tuner.device, progress.part(0.45, 0.8)
    )
    if tuned.improved:
        return tuned
    # That head was fitted without the held-out labels, so fit one to all labels.
    return tuner.tune(grounds, Quiet(progress.part(0.8, 1.0)))


def _on_data(
    held: Sequence[LabelledGround], window: int, progress: Progress
) -> list[LabelledGround]:
    """The held-out labels on valid pixels; warns if there are none."""
    judging = [seen for ground in held if len((seen := ground.on_data(window)).pixels)]
    if held and not judging:
        progress.warning(
            "All held-back labels lie on no-data pixels of the rasters, so the accuracy of the model cannot be "
            "assessed. Draw more labels where the raster has valid pixels."
        )
    return judging


def split_grounds(
    grounds: Sequence[LabelledGround], share: float, seed: int, card: Card
) -> tuple[list[LabelledGround], list[LabelledGround], str]:
    """Splits grounds by whole places into those for training and those for validation; also returns a warning."""
    sizes = [len(ground.pixels) for ground in grounds]
    split = hold_out(
        positions_of(grounds),
        np.concatenate([ground.pixels.label for ground in grounds]),
        share=share,
        distance=DISTANCE,
        seed=seed,
        names=[item.title for item in card.classes],
        cut=True,
    )
    learn: list[LabelledGround] = []
    held: list[LabelledGround] = []
    unused = np.zeros_like(split.validation) if split.unused is None else split.unused
    ends = np.cumsum(sizes)
    for ground, end, size in zip(grounds, ends, sizes):
        part = slice(end - size, end)
        back = split.validation[part]
        for keep, where in ((~back & ~unused[part], learn), (back, held)):
            if keep.any():
                where.append(dataclasses.replace(ground, pixels=only(ground.pixels, keep)))
    return learn, held, split.warning


def _units(grounds: Sequence[LabelledGround]) -> int:
    """Number of labelled polygons, points or regions."""
    return len(np.unique(np.concatenate([ground.pixels.unit for ground in grounds])))


def _swapped(item: LabelledRaster) -> LabelledRaster:
    ground = dataclasses.replace(item.ground, pixels=swap(item.ground.pixels))
    return dataclasses.replace(item, ground=ground)


def _counts(grounds: Sequence[LabelledGround], card: Card) -> dict[str, int]:
    total = np.zeros(len(card.classes), np.int64)
    for ground in grounds:
        total += np.bincount(ground.pixels.label, minlength=len(card.classes))
    return {item.title: int(count) for item, count in zip(card.classes, total)}


def _area(rasters: Sequence[LabelledRaster]) -> Area | None:
    """West, south, east and north of the labelled pixels, degrees."""
    pixels = [(item.source.grid, item.ground.pixels) for item in rasters]
    return joined_area([labelled_area(grid, found.row, found.column) for grid, found in pixels])


def _facts(job: FinetuneJob, base: Base, places: int, card: Card) -> list[tuple[str, str]]:
    return [
        (tr("Rasters"), ", ".join(map(file_name, job.inputs))),
        *([(tr("Second date"), ", ".join(map(file_name, job.after)))] if job.after else []),
        (tr("Labels"), _labels(job)),
        (tr("Labelled places"), str(places)),
        (tr("Backbone"), f"{base.card.title or base.card.name} ({base.sha256[:12]})"),
        (tr("Bands"), ", ".join(band.name for band in card.bands)),
        (
            tr("Window"),
            tr("{pixels} px of {size} m").format(pixels=card.window, size=figure(card.gsd)),
        ),
        (tr("Seed"), str(job.seed)),
    ]


def _labels(job: FinetuneJob) -> str:
    file = file_name(job.labels)
    return tr("{file}, field {field}").format(file=file, field=job.field) if job.field else file
