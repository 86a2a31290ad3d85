"""The verb `finetune`: a model of one's own from labels."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..cards import Card
from ..checkpoint import save
from ..data.blocks import hold_out
from ..data.label_layer import LabelLayer
from ..data.labels import read_labels
from ..export.onnx import TOLERANCE, export_onnx
from ..infer.staging import StagedOutputs
from ..infer.writer import raster_environment
from ..model.network import Network
from ..model.predictor import Predictor
from ..progress import Progress
from ..training_jobs import FinetuneJob
from .base_model import Base, open_base
from .change_classes import change_classes, swap
from .device import choose_device
from .examples import draw_examples
from .labelled_ground import LabelledGround, only
from .labelled_rasters import LabelledRaster, label_rasters, open_sources
from .memory import with_smaller_batches
from .method import LARGE, Method, choose_method
from .quick_head import DISTANCE, USES
from .scene_tuning import EXPORT_TOLERANCE
from .tuned_card import card_to_be, finished_card, joined_area, labelled_area
from .tuned_report import Run, write_report
from .tuning import Tuned, tune_head, tune_weights

HALF_FROM = LARGE  # weights from which a model is stored in half precision
BATCH = 8
# (epochs, batches an epoch) where the user leaves it open.
LENGTHS = {"adapters": (12, 20), "full": (12, 20)}
LENGTHS_GPU = {"adapters": (30, 60), "full": (30, 60)}


def finetune_model(job: FinetuneJob, progress: Progress) -> dict[str, Any]:
    """Makes a model from labels: NAME.onnx to predict with, NAME.safetensors to train on from.

    Args:
        job: What to do.
        progress: Told about steps and figures; a cancel while weights learn keeps the best so far.

    Returns:
        The protocol's result: outputs, model, method, classes, accuracy, warnings, seconds.

    Raises:
        EngineError: One of its subclasses, each with what was given, expected and to do.
    """
    started = time.monotonic()
    told = Listener(progress)
    if job.threads:
        torch.set_num_threads(job.threads)
    device = choose_device(job.device)
    base = open_base(job.base)
    layer = read_labels(job.labels, job.field, classes=job.classes, multilabel=job.multilabel)
    with ExitStack() as stack:
        stack.enter_context(raster_environment())
        outputs = stack.enter_context(
            StagedOutputs((*job.inputs, *job.after, job.labels, str(base.path)))
        )
        staged = outputs.stage(job.output_model, (".onnx",))
        trainable = str(Path(job.output_model).with_suffix(".safetensors"))
        weights = outputs.stage(trainable, (".safetensors",))
        report = outputs.stage(job.output_report, (".html",)) if job.output_report else None
        if job.task == "scene-classification":
            from .scene_finetuning import finetune_scenes as work
        else:
            work = finetune_map
        made = work(job, base, layer, device, stack, told)
        # After a cancel that keeps the best, nothing may ask again whether to stop.
        last = Progress() if made.cancelled else told
        last.update(0.95, "Writing the model")
        sealed = write_model(made, staged, weights)
        if report is not None:
            write_report(report, made.run(job, told.warnings))
        last.update(1.0, "Done")
    return {
        "outputs": {
            "output_model": job.output_model,
            "trainable_model": trainable,
            **({"output_report": job.output_report} if job.output_report else {}),
        },
        "seconds": round(time.monotonic() - started, 2),
        "model": {"name": made.card.name, "sha256": sealed},
        "method": made.method.name,
        "reason": made.method.reason,
        "cancelled": made.cancelled,
        "classes": [dataclasses.asdict(item) for item in made.card.classes],
        "accuracy": made.card.accuracy,
        "warnings": told.warnings,
    }


class Listener(Progress):
    """Passes everything on and remembers the warnings, for the report."""

    def __init__(self, progress: Progress) -> None:
        """Listens on the way to `progress`."""
        super().__init__()
        self.warnings: list[str] = []
        self._progress = progress

    def check(self) -> None:
        """Raises when the user has cancelled."""
        self._progress.check()

    def update(self, fraction: float, message: str = "") -> None:
        """Passes on."""
        self._progress.update(fraction, message)

    def emit(self, event: dict[str, Any]) -> None:
        """Passes on."""
        if event["event"] == "warning" and event["message"] not in self.warnings:
            self.warnings.append(event["message"])
        self._progress.emit(event)


@dataclasses.dataclass(frozen=True)
class Made:
    """A finished model, before it is written.

    Attributes:
        predictor: Network and what stands before it.
        card: Finished.
        method: That was used, and why.
        tuned: How it did.
        facts: For the report.
        examples: Pictures for the report.
    """

    predictor: Predictor
    card: Card
    method: Method
    tuned: Tuned
    facts: Sequence[tuple[str, str]]
    examples: Sequence[Any] = ()

    @property
    def cancelled(self) -> bool:
        """Whether the user ended the training early."""
        return self.tuned.cancelled

    def run(self, job: FinetuneJob, warnings: Sequence[str]) -> Run:
        """What the report tells."""
        return Run(
            job,
            self.card,
            self.method.name,
            self.method.reason,
            self.tuned.matrix,
            self.tuned.history,
            warnings,
            self.facts,
            self.examples,
        )


def write_model(made: Made, onnx: Path, safetensors: Path) -> str:
    """Writes both files; gives the seal of the one that predicts."""
    network = made.predictor.network
    if not isinstance(network, Network):
        raise TypeError(f"{type(network).__name__} cannot be stored.")
    made.predictor.card = made.card
    weights = sum(value.numel() for value in network.parameters())
    scenes = made.card.task == "scene-classification"
    exported = export_onnx(
        made.predictor,
        made.card,
        onnx,
        half=weights > HALF_FROM,
        tolerance=EXPORT_TOLERANCE if scenes else TOLERANCE,
        quick=True,
    )
    save(safetensors, network, made.card)
    return exported.sha256


def finetune_map(
    job: FinetuneJob,
    base: Base,
    layer: LabelLayer,
    device: torch.device,
    stack: ExitStack,
    progress: Progress,
) -> Made:
    """Segmentation and change: labelled pixels."""
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
    units = len(np.unique(np.concatenate([ground.pixels.unit for ground in grounds])))
    weights = sum(value.numel() for value in base.weights.values())
    method = choose_method(job.method, units, weights, device.type == "cuda")
    progress.log(f"Method: {method.name}" + (f" ({method.reason})" if method.reason else ""))
    part = progress.part(0.02, 0.93)
    if method.name == "quick":

        def fit(_: int) -> Tuned:
            use = USES[job.use]
            return tune_head(
                base, card, grounds, seed=job.seed, device=device, use=use, progress=part
            )

        # Window by window as it is: a smaller batch there is not.
        tuned = with_smaller_batches(fit, 1, progress)
    else:
        tuned = _tune_weights(job, base, card, grounds, method, device, part)
    if tuned.judged.warning and tuned.matrix is None:
        progress.warning(tuned.judged.warning)
    counts = _counts(grounds, card)
    finished = finished_card(
        card,
        base,
        job,
        method=method.name,
        area=joined_area(
            [
                labelled_area(item.source.grid, item.ground.pixels.row, item.ground.pixels.column)
                for item in rasters
            ]
        ),
        counts=counts,
        matrix=tuned.matrix,
        measure=tuned.measure,
        facts={"places": units, "heads": tuned.judged.mean_iou, "epochs": len(tuned.history)},
    )
    examples = [] if not job.output_report else draw_examples(tuned.predictor, rasters, finished)
    return Made(
        tuned.predictor, finished, method, tuned, _facts(job, base, units, finished), examples
    )


def _tune_weights(
    job: FinetuneJob,
    base: Base,
    card: Card,
    grounds: Sequence[LabelledGround],
    method: Method,
    device: torch.device,
    progress: Progress,
) -> Tuned:
    """Adapters or all weights, judged on whole places that are held back."""
    learn, held, warning = split_grounds(grounds, job.validation / 100, job.seed, card)
    if warning:
        progress.warning(warning)
    judging = [seen for ground in held if len((seen := ground.on_data(card.window)).pixels)]
    if held and not judging:
        progress.warning(
            "All labels that were held back are no-data in the rasters, so the model cannot be "
            "judged. Draw more labels where the raster has values."
        )
    gpu = device.type == "cuda"
    epochs, steps = (LENGTHS_GPU if gpu else LENGTHS)[method.name]

    def work(batch: int) -> Tuned:
        return tune_weights(
            base,
            card,
            learn,
            judging,
            adapters=method.name == "adapters",
            epochs=job.epochs or epochs,
            steps=steps,
            batch=batch,
            seed=job.seed,
            device=job.device,
            use=USES[job.use],
            progress=progress,
        )

    return with_smaller_batches(work, BATCH * 4 if gpu else BATCH, progress)


def split_grounds(
    grounds: Sequence[LabelledGround], share: float, seed: int, card: Card
) -> tuple[list[LabelledGround], list[LabelledGround], str]:
    """Grounds to learn from and grounds to judge on, apart by whole places; and a warning."""
    sizes = [len(ground.pixels) for ground in grounds]
    columns = [
        np.concatenate([getattr(ground.pixels, name) for ground in grounds])
        for name in ("row", "column", "label", "unit")
    ]
    split = hold_out(
        *columns,
        share=share,
        distance=DISTANCE,
        seed=seed,
        raster=np.repeat([ground.place for ground in grounds], sizes),
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


def _swapped(item: LabelledRaster) -> LabelledRaster:
    ground = dataclasses.replace(item.ground, pixels=swap(item.ground.pixels))
    return dataclasses.replace(item, ground=ground)


def _counts(grounds: Sequence[LabelledGround], card: Card) -> dict[str, int]:
    total = np.zeros(len(card.classes), np.int64)
    for ground in grounds:
        total += np.bincount(ground.pixels.label, minlength=len(card.classes))
    return {item.title: int(count) for item, count in zip(card.classes, total)}


def _facts(job: FinetuneJob, base: Base, places: int, card: Card) -> list[tuple[str, str]]:
    return [
        ("Rasters", ", ".join(Path(name).name for name in job.inputs)),
        *([("Second date", ", ".join(Path(name).name for name in job.after))] if job.after else []),
        ("Labels", f"{Path(job.labels.split('|')[0]).name}, field {job.field or '(raster)'}"),
        ("Labelled places", str(places)),
        ("Backbone", f"{base.card.title or base.card.name} ({base.sha256[:12]})"),
        ("Bands", ", ".join(band.name for band in card.bands)),
        ("Window", f"{card.window} px of {card.gsd:g} m"),
        ("Seed", str(job.seed)),
    ]
