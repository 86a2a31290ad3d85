"""What a pretraining leaves: the backbone's card, a look at what it paints, and the report."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rasterio.windows import Window

from ..cards import Card
from ..data.grid import Grid
from ..data.held_windows import HeldWindows
from ..data.imagery import Survey
from ..data.raster_pool import RasterPool
from ..model.config import PRESETS
from ..model.masked_autoencoder import MaskedAutoencoder
from ..report.command import command_line
from ..report.document import Code, Curves, Facts, Picture, Section, Table, Text, render
from ..training_jobs import PretrainJob
from .reconstruction import View, picture, view
from .reconstruction_error import ReconstructionError
from .stages import Stage

_NAMED = 50  # rasters that card and report name
_LOOKS = 5  # windows along each side of a raster among which the one to show is chosen
MEASURE = (
    "mean squared error of hidden values in normalised units, on windows that were held back; "
    "'interpolation' fills each band from its visible tokens by distance, 'mean' by their mean"
)


@dataclass(frozen=True)
class Outcome:
    """A finished run.

    Attributes:
        job: What was asked.
        network: With its new weights.
        card: Of the base, or of a fresh network; with the normalisation.
        base_seal: Of the base's file, "" for a fresh network.
        found: The imagery.
        held: What was held back.
        stages: As they were run.
        history: Metrics of every epoch.
        error: On what was held back; None without any.
        processes: That trained.
        seconds: That it took.
    """

    job: PretrainJob
    network: MaskedAutoencoder
    card: Card
    base_seal: str
    found: Survey
    held: HeldWindows
    stages: tuple[Stage, ...]
    history: tuple[dict[str, float], ...]
    error: ReconstructionError | None
    processes: int
    seconds: float


def finished_card(outcome: Outcome) -> Card:
    """The backbone's card: what it learned from, how, and how well."""
    job, card, found = outcome.job, outcome.card, outcome.found
    fresh = job.base in PRESETS
    name = job.name or Path(job.output_model).stem
    gsd = round(float(np.median([item.gsd for item in found.serving])), 3)
    accuracy: dict[str, Any] = {}
    if outcome.error is not None:
        figures = {key: round(value, 4) for key, value in dataclasses.asdict(outcome.error).items()}
        windows = {"windows": len(outcome.held.image), "window": outcome.held.image.shape[-1]}
        accuracy = {"reconstruction": {"held out": {**figures, **windows}}, "measure": MEASURE}
    return dataclasses.replace(
        card,
        name=name,
        title=name,
        description=(
            "SpectralGPT pretrained without labels on own imagery"
            + (f", from random weights ({job.base})." if fresh else f", going on from {card.name}.")
        ),
        window=outcome.stages[-1].window,
        gsd=gsd,
        training={
            "method": "masked pretraining, progressively over windows and mask ratios",
            "base": {"name": job.base if fresh else card.name, "sha256": outcome.base_seal},
            "stages": [dataclasses.asdict(stage) for stage in outcome.stages],
            "loss": dataclasses.asdict(outcome.network.loss),
            "positions": job.positions,
            "seed": job.seed,
            "processes": outcome.processes,
            "epochs": len(outcome.history),
            "final_loss": round(outcome.history[-1]["loss"], 4),
            "images": len(found.serving),
            "megapixels": round(found.pixels / 1e6, 2),
            "data": [Path(item.raster.path).name for item in found.serving[:_NAMED]],
            "seconds": round(outcome.seconds),
        },
        accuracy=accuracy,
    )


@dataclass(frozen=True)
class Look:
    """A window of the first raster as the network paints it, and where it lies."""

    view: View
    grid: Grid
    window: Window
    mask_ratio: float


def look(outcome: Outcome, pool: RasterPool) -> Look:
    """Paints one window of the first raster: one held back if it has any, else the most valid."""
    first = outcome.found.serving[0].raster
    source = pool.get(first.path)
    side, patch = outcome.stages[-1].window, outcome.network.config.patch
    side = max(patch * 2, min(side, min(first.shape) // patch * patch))
    windows = [window for path, window in outcome.held.places if path == first.path]
    if not windows:
        tops = np.linspace(0, max(0, first.shape[0] - side), _LOOKS).astype(int)
        lefts = np.linspace(0, max(0, first.shape[1] - side), _LOOKS).astype(int)
        windows = [Window(int(left), int(top), side, side) for top in tops for left in lefts]
    # The middle comes first among equals: its surroundings are the most telling.
    windows = windows[len(windows) // 2 :] + windows[: len(windows) // 2]
    window = max(windows, key=lambda each: source.read(each)[1].mean())
    image, valid = source.read(window)
    tokens = len(first.groups) * (image.shape[-1] // patch) ** 2
    ratio = min(outcome.stages[-1].mask_ratio, 1 - 1.5 / tokens)
    seen = view(outcome.network, outcome.card, image, valid, first.groups, ratio, outcome.job.seed)
    return Look(seen, source.grid, window, ratio)


def write_report(path: Path, outcome: Outcome, seen: Look) -> None:
    """Writes the report, one HTML file.

    Args:
        path: A staged .html.
        outcome: The finished run.
        seen: A window for the picture.
    """
    card = finished_card(outcome)
    sections = [
        Section("Result", [Facts(_facts(outcome, card))]),
        Section("Loss", _curves(outcome)),
        Section("Ground it has not seen", _held(outcome)),
        Section(
            "What it paints",
            [
                Picture(
                    picture(seen.view, card),
                    f"Masked input ({seen.mask_ratio:.0%} hidden), reconstruction, error (black is "
                    f"none) at {outcome.found.serving[0].raster.path}.",
                )
            ],
        ),
        Section("Stages", [_stages(outcome)]),
        Section("Imagery", _imagery(outcome)),
        Section(
            "Settings",
            [
                Facts(
                    [(key, str(value)) for key, value in dataclasses.asdict(outcome.job).items()]
                ),
                Text(["To do the same again:"]),
                Code(command_line(outcome.job)),
            ],
        ),
    ]
    subtitle = f"Backbone pretrained on {len(outcome.found.serving)} rasters without labels"
    path.write_text(render(card.title, subtitle, sections), encoding="utf-8")


def _facts(outcome: Outcome, card: Card) -> list[tuple[str, str]]:
    weights = sum(value.numel() for value in outcome.network.parameters())
    return [
        (
            "Base",
            f"{outcome.job.base} ({'random weights' if not outcome.base_seal else 'learned'})",
        ),
        ("Weights", f"{weights:,}"),
        ("Bands", " ".join(band.name for band in card.bands)),
        ("Epochs", str(len(outcome.history))),
        ("Last loss", f"{outcome.history[-1]['loss']:.4f}"),
        ("Time", f"{outcome.seconds:.0f} s, {outcome.processes} process(es)"),
    ]


def _curves(outcome: Outcome) -> list[Curves]:
    epochs = [(float(number), metrics) for number, metrics in enumerate(outcome.history, 1)]
    series = {"training": [(number, metrics["loss"]) for number, metrics in epochs]}
    held = [(number, m["val_error"]) for number, m in epochs if "val_error" in m]
    charts = [Curves("Training loss", series, "epoch", "loss")]
    if held and outcome.error is not None:
        ends = (held[0][0], held[-1][0])
        flat = {
            name: [(x, getattr(outcome.error, name)) for x in ends]
            for name in ("interpolation", "mean")
        }
        lines = {"network": held, **flat}
        charts.append(Curves("Error where held back", lines, "epoch", "mean squared error"))
    return charts


def _held(outcome: Outcome) -> list[Text | Table]:
    if outcome.error is None:
        return [Text(["The imagery was too small to hold any of it back."])]
    names = {"model": "this network", "interpolation": "interpolation", "mean": "mean of the band"}
    rows = [(names[k], f"{v:.4f}") for k, v in dataclasses.asdict(outcome.error).items()]
    caption = f"{MEASURE}. {len(outcome.held.image)} windows of {outcome.held.image.shape[-1]} px."
    return [Table(("Guess", "Error"), rows, caption[0].upper() + caption[1:])]


def _stages(outcome: Outcome) -> Table:
    header = ("Stage", "Window", "Epochs", "Batches", "Batch", "Learning rate", "Hidden", "Imagery")
    rows = [
        (
            str(number),
            f"{stage.window} px",
            str(stage.epochs),
            str(stage.steps),
            str(stage.batch),
            f"{stage.learning_rate:.2g}",
            f"{stage.mask_ratio:.0%}",
            stage.imagery or "all",
        )
        for number, stage in enumerate(outcome.stages, 1)
    ]
    return Table(header, rows)


def _imagery(outcome: Outcome) -> list[Text | Table]:
    serving, refused = outcome.found.serving, outcome.found.refused
    rows = [
        (
            Path(item.raster.path).name,
            f"{item.raster.shape[1]} x {item.raster.shape[0]}",
            f"{item.gsd:.2f} m",
            item.crs,
            item.scaling,
        )
        for item in serving[:_NAMED]
    ]
    caption = f"The first {_NAMED} of {len(serving)}." if len(serving) > _NAMED else ""
    blocks: list[Text | Table] = [
        Table(("Raster", "Pixels", "Pixel size", "CRS", "Values"), rows, caption)
    ]
    if refused:
        blocks.append(Table(("Left out", "Why"), refused[:_NAMED]))
    return blocks
