"""What a run reports: lines of the log, timings, and the fields of its result."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator, Mapping
from typing import Any, TypeVar

from ..cards import Card, ModelClass
from ..data.grid import Grid
from ..data.source import RasterSource
from ..language import marked
from ..progress import Progress
from ..suitability import SCALE_TOLERANCE
from .backend import Backend
from .cells import ground_pixel
from .installed import InstalledModel
from .tally import Tally

Item = TypeVar("Item")


def introduce(
    progress: Progress,
    model: InstalledModel,
    backend: Backend,
    sources: Mapping[str, RasterSource],
) -> None:
    """Logs model, device, bands and scaling before the work begins.

    Args:
        progress: Takes the lines of the log.
        model: The model.
        backend: Where it computes.
        sources: Rasters by their role ("Raster", "First date").
    """
    card = model.card
    used, licence = f"{card.title or card.name} {card.version}", card.licence or "not stated"
    if card.attribution:
        progress.log(f"Model: {used}, licence {licence} ({card.attribution})")
    else:
        progress.log(f"Model: {used}, licence {licence}")
    progress.log(f"Device: {backend.device} ({backend.name})")
    for name, source in sources.items():
        pairs = [
            marked(f"{entry.model} = band {entry.raster}, {entry.by}")
            if entry.raster is not None
            else marked(f"{entry.model} = left out")
            for entry in source.match.entries
        ]
        progress.log(f"{name}, bands: {'; '.join(pairs)}")
        progress.log(f"{name}, values: {source.scaling.text}")
        if source.nodata:
            progress.log(f"{name}, no-data: {source.nodata}")
        for warning in source.warnings:
            progress.warning(f"{name}: {warning}")
    _warn_of_scale(progress, card, next(iter(sources.values())).grid)


def _warn_of_scale(progress: Progress, card: Card, grid: Grid) -> None:
    """Warns of pixels of another size than the model learned from; scenes are brought to its own."""
    pixel = math.sqrt(math.prod(ground_pixel(grid)))
    if not 1 / SCALE_TOLERANCE <= pixel / card.gsd <= SCALE_TOLERANCE:
        progress.warning(
            f"The raster's pixels are {pixel:.3g} m wide on the ground, but the model was trained on pixels of "
            f"{card.gsd:g} m, so results may be poor. Resample the raster (Raster > Projections > Warp), choose "
            "another model, or train one on this raster."
        )


class Stopwatch:
    """Measures the parts of a run, and assembles its result.

    Attributes:
        marks: Wall seconds of each part of the work.
        work: CPU seconds of each part, of all threads together.
    """

    def __init__(self) -> None:
        """Starts the clock."""
        self._started = self._marked = time.monotonic()
        self._worked = time.process_time()
        self.marks: dict[str, float] = {}
        self.work: dict[str, float] = {}

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    def mark(self, name: str) -> None:
        """Ends a part of the work, which began at the previous mark."""
        now, worked = time.monotonic(), time.process_time()
        self.marks[name], self.work[name] = now - self._marked, worked - self._worked
        self._marked, self._worked = now, worked

    def during(self, name: str, items: Iterator[Item]) -> Generator[Item, None, None]:
        """Passes items on, and measures the time until the consumer has finished with the last one."""
        self._marked, self._worked = time.monotonic(), time.process_time()
        yield from items
        self.mark(name)

    def result(
        self,
        progress: Progress,
        outputs: Mapping[str, str],
        tally: Tally,
        backend: Backend,
        model: InstalledModel,
        source: RasterSource,
        areas: list[dict[str, Any]],
        threshold: float | None = None,
    ) -> dict[str, Any]:
        """The fields of the protocol's result; also logs the counts and the speed.

        Args:
            progress: Takes the lines of the log.
            outputs: Paths by parameter; empty ones are left out.
            tally: Windows and pixels.
            backend: Where it was computed.
            model: The model.
            source: The raster, for bands and scaling.
            areas: Area records of the classes.
            threshold: The threshold that was used, for change.
        """
        seconds = self.seconds
        speed = (tally.pixels - tally.earlier) / 1e6 / seconds if seconds > 0 else 0.0
        progress.log(
            f"Windows: {tally.run} processed, {tally.skipped} skipped of {tally.total}; {seconds:.1f} s, {speed:.2f} "
            f"Mpx/s on {backend.device} ({backend.name})"
        )
        return {
            "outputs": {name: path for name, path in outputs.items() if path},
            "windows": tally.to_dict(),
            "device": backend.device,
            "backend": backend.name,
            "seconds": round(seconds, 3),
            "model_seconds": round(tally.model_seconds / backend.lanes, 3),
            "megapixels_per_second": round(speed, 4),
            "bands": source.match.to_list(),
            "scaling": source.scaling.text,
            "classes": [described_class(item) for item in model.card.classes],
            "areas": areas,
            "nodata": model.card.nodata,
            "model": {"name": model.card.name, "sha256": model.sha256},
            "threshold": threshold,
        }


def described_class(item: ModelClass) -> dict[str, Any]:
    """A class as the protocol reports it."""
    return {
        "value": item.value,
        "name": item.name,
        "title": item.title or item.name,
        "color": item.color,
    }
