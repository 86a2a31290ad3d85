"""The results of a pretraining: the backbone's card, a reconstructed sample, and the report."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rasterio.windows import Window

from ..cards import Card
from ..data.grid import Grid
from ..data.raster_pool import RasterPool
from ..language import marked, told, tr
from ..logins import file_name
from ..model.config import PRESETS
from ..report.command import command_line
from ..report.document import Code, Curves, Facts, Picture, Section, Table, Text, write
from ..report.numerals import count, decimal, figure, percent
from .pretraining_setup import Plan
from .reconstruction import View, picture, view
from .reconstruction_error import ReconstructionError

_NAMED = 50  # rasters that card and report list
_CANDIDATES = 5  # windows along each side of a raster from which the sample is chosen
MEASURE = marked(
    "mean squared error of hidden values in normalised units, on windows that were held back; "
    "'interpolation' fills each band from its visible tokens by distance, 'mean' by their mean"
)


@dataclass(frozen=True)
class Outcome:
    """A finished run.

    Attributes:
        plan: What was done, with the trained network.
        history: Metrics of every epoch.
        error: Reconstruction error on the held-out windows; None without any.
        seconds: Duration of the run.
    """

    plan: Plan
    history: tuple[dict[str, float], ...]
    error: ReconstructionError | None
    seconds: float


def finished_card(outcome: Outcome) -> Card:
    """The backbone's card: training data, method, and accuracy."""
    plan = outcome.plan
    job, card, found = plan.job, plan.card, plan.found
    fresh = job.base in PRESETS
    name = job.name or Path(job.output_model).stem
    gsd = round(float(np.median([item.gsd for item in found.serving])), 3)
    accuracy: dict[str, Any] = {}
    if outcome.error is not None:
        figures = {key: round(value, 4) for key, value in dataclasses.asdict(outcome.error).items()}
        windows = {"windows": len(plan.held.image), "window": plan.held.image.shape[-1]}
        accuracy = {"reconstruction": {"held out": {**figures, **windows}}, "measure": MEASURE}
    return dataclasses.replace(
        card,
        name=name,
        title=name,
        description=(
            f"SpectralGPT pretrained without labels on the user's own imagery, from random weights ({job.base})."
            if fresh
            else f"SpectralGPT pretrained without labels on the user's own imagery, continuing from {card.name}."
        ),
        window=plan.stages[-1].window,
        gsd=gsd,
        training={
            "method": marked("masked pretraining, progressively over windows and mask ratios"),
            "base": {"name": job.base if fresh else card.name, "sha256": plan.base_seal},
            "stages": [dataclasses.asdict(stage) for stage in plan.stages],
            "loss": dataclasses.asdict(plan.network.loss),
            "positions": job.positions,
            "seed": job.seed,
            "processes": plan.workers.count,
            "epochs": len(outcome.history),
            "final_loss": round(outcome.history[-1]["loss"], 4),
            "images": len(found.serving),
            "megapixels": round(found.pixels / 1e6, 2),
            "data": [file_name(item.raster.path) for item in found.serving[:_NAMED]],
            "seconds": round(outcome.seconds),
        },
        accuracy=accuracy,
    )


@dataclass(frozen=True)
class Sample:
    """A window of the first raster as the network reconstructs it, and where it lies."""

    view: View
    grid: Grid
    window: Window
    mask_ratio: float


def reconstruct_sample(outcome: Outcome, pool: RasterPool) -> Sample:
    """Reconstructs a window of the first raster: a held-out one if there is any, else the most valid."""
    plan = outcome.plan
    first = plan.found.serving[0].raster
    source = pool.get(first.path)
    side, patch = plan.stages[-1].window, plan.network.config.patch
    side = max(patch * 2, min(side, min(first.shape) // patch * patch))
    windows = [window for path, window in plan.held.places if path == first.path]
    if not windows:
        tops = np.linspace(0, max(0, first.shape[0] - side), _CANDIDATES).astype(int)
        lefts = np.linspace(0, max(0, first.shape[1] - side), _CANDIDATES).astype(int)
        windows = [Window(int(left), int(top), side, side) for top in tops for left in lefts]
    # Among equally valid windows the middle one is preferred: start there.
    windows = windows[len(windows) // 2 :] + windows[: len(windows) // 2]
    window = max(windows, key=lambda each: source.read(each)[1].mean())
    image, valid = source.read(window)
    tokens = len(first.groups) * (image.shape[-1] // patch) ** 2
    ratio = min(plan.stages[-1].mask_ratio, 1 - 1.5 / tokens)
    seen = view(plan.network, plan.card, image, valid, first.groups, ratio, plan.job.seed)
    return Sample(seen, source.grid, window, ratio)


def write_report(path: Path, outcome: Outcome, seen: Sample) -> None:
    """Writes the report, one HTML file.

    Args:
        path: A staged .html file.
        outcome: The finished run.
        seen: The reconstructed sample.

    Raises:
        OutputNotWritable: The file cannot be written.
        DiskFull: The disk is full.
    """
    plan = outcome.plan
    card = finished_card(outcome)
    sections = [
        Section(tr("Result"), [Facts(_facts(outcome, card))]),
        Section(tr("Loss"), _curves(outcome)),
        Section(tr("Accuracy on unseen areas"), _held(outcome)),
        Section(
            tr("Reconstructed imagery"),
            [
                Picture(
                    picture(seen.view, card),
                    tr(
                        "Masked input ({share} hidden), reconstruction and error (black = no error) at {raster}."
                    ).format(
                        share=percent(seen.mask_ratio, 0),
                        raster=plan.found.serving[0].raster.path,
                    ),
                )
            ],
        ),
        Section(tr("Stages"), [_stages(outcome)]),
        Section(tr("Imagery"), _imagery(outcome)),
        Section(
            tr("Settings"),
            [
                Facts([(key, str(value)) for key, value in dataclasses.asdict(plan.job).items()]),
                Text([tr("To repeat this run:")]),
                Code(command_line(plan.job)),
            ],
        ),
    ]
    subtitle = tr("Backbone pretrained on {rasters} rasters without labels").format(
        rasters=len(plan.found.serving)
    )
    write(path, card.title, subtitle, sections)


def _facts(outcome: Outcome, card: Card) -> list[tuple[str, str]]:
    plan = outcome.plan
    weights = sum(value.numel() for value in plan.network.parameters())
    return [
        (
            tr("Base"),
            f"{plan.job.base} ({tr('learned') if plan.base_seal else tr('random weights')})",
        ),
        (tr("Weights"), count(weights)),
        (tr("Bands"), " ".join(band.name for band in card.bands)),
        (tr("Epochs"), count(len(outcome.history))),
        (tr("Last loss"), decimal(outcome.history[-1]["loss"], 4)),
        (
            tr("Duration"),
            tr("{seconds} s, processes: {processes}").format(
                seconds=count(outcome.seconds), processes=plan.workers.count
            ),
        ),
    ]


def _curves(outcome: Outcome) -> list[Curves]:
    epochs = [(float(number), metrics) for number, metrics in enumerate(outcome.history, 1)]
    series = {tr("training"): [(number, metrics["loss"]) for number, metrics in epochs]}
    held = [(number, m["val_error"]) for number, m in epochs if "val_error" in m]
    charts = [Curves(tr("Training loss"), series, tr("epoch"), tr("loss"))]
    if held and outcome.error is not None:
        ends = (held[0][0], held[-1][0])
        lines = {
            tr("this network"): held,
            tr("interpolation"): [(x, outcome.error.interpolation) for x in ends],
            tr("band mean"): [(x, outcome.error.mean) for x in ends],
        }
        charts.append(
            Curves(tr("Error on held-back areas"), lines, tr("epoch"), tr("mean squared error"))
        )
    return charts


def _held(outcome: Outcome) -> list[Text | Table]:
    plan = outcome.plan
    if outcome.error is None:
        return [Text([tr("The imagery was too small to hold back any of it.")])]
    names = {
        "model": tr("this network"),
        "interpolation": tr("interpolation"),
        "mean": tr("band mean"),
    }
    rows = [(names[k], decimal(v, 4)) for k, v in dataclasses.asdict(outcome.error).items()]
    caption = tr("{measure}. {windows} windows of {pixels} px.").format(
        measure=told(MEASURE),
        windows=len(plan.held.image),
        pixels=plan.held.image.shape[-1],
    )
    return [Table((tr("Method"), tr("Error")), rows, caption[0].upper() + caption[1:])]


def _stages(outcome: Outcome) -> Table:
    header = (
        tr("Stage"),
        tr("Window"),
        tr("Epochs"),
        tr("Batches"),
        tr("Batch"),
        tr("Learning rate"),
        tr("Hidden"),
        tr("Imagery"),
    )
    rows = [
        (
            str(number),
            f"{stage.window} px",
            str(stage.epochs),
            str(stage.steps),
            str(stage.batch),
            figure(stage.learning_rate, 2),
            percent(stage.mask_ratio, 0),
            stage.imagery or tr("all"),
        )
        for number, stage in enumerate(outcome.plan.stages, 1)
    ]
    return Table(header, rows)


def _imagery(outcome: Outcome) -> list[Text | Table]:
    plan = outcome.plan
    serving, refused = plan.found.serving, plan.found.refused
    rows = [
        (
            file_name(item.raster.path),
            f"{item.raster.shape[1]} × {item.raster.shape[0]}",
            f"{decimal(item.gsd, 2)} m",
            item.crs,
            told(item.scaling),
        )
        for item in serving[:_NAMED]
    ]
    caption = ""
    if len(serving) > _NAMED:
        caption = tr("The first {shown} of {all}.").format(shown=_NAMED, all=len(serving))
    blocks: list[Text | Table] = [
        Table(
            (tr("Raster"), tr("Pixels"), tr("Pixel size"), tr("CRS"), tr("Values")), rows, caption
        )
    ]
    if refused:
        why = [(name, told(reason)) for name, reason in refused[:_NAMED]]
        blocks.append(Table((tr("Left out"), tr("Reason")), why))
    return blocks
