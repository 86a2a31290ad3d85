"""What a run tells: lines for the log while it works, and the fields of its result."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping
from typing import Any, TypeVar

from ..cards import ModelClass
from ..data.source import RasterSource
from ..language import marked
from ..progress import Progress
from .backend import Backend
from .installed import InstalledModel
from .tally import Tally

Item = TypeVar("Item")


def introduce(
    progress: Progress,
    model: InstalledModel,
    backend: Backend,
    sources: Mapping[str, RasterSource],
) -> None:
    """Tells model, device, bands and scaling before the work.

    Args:
        progress: Where it is told.
        model: The model.
        backend: Where it computes.
        sources: Rasters by what they are ("Raster", "First date").
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


class Stopwatch:
    """Measures a run and makes its result.

    Attributes:
        marks: Seconds of each part of the work that was marked.
        work: Processor seconds of each, of all threads together.
    """

    def __init__(self) -> None:
        """Starts."""
        self._started = self._marked = time.monotonic()
        self._worked = time.process_time()
        self.marks: dict[str, float] = {}
        self.work: dict[str, float] = {}

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self._started

    def mark(self, name: str) -> None:
        """Ends a part of the work: what went by since the last mark is its time."""
        now, worked = time.monotonic(), time.process_time()
        self.marks[name], self.work[name] = now - self._marked, worked - self._worked
        self._marked, self._worked = now, worked

    def during(self, name: str, items: Iterator[Item]) -> Generator[Item, None, None]:
        """Passes items on; the time from asking for the first one to the end of the last one's use is a part."""
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
        """The fields of the protocol's result; the last lines of the log are told on the way.

        Args:
            progress: Where it is told.
            outputs: Paths by parameter; empty ones are left out.
            tally: Windows and pixels.
            backend: Where it was computed.
            model: With what.
            source: From what.
            areas: Records of the classes.
            threshold: For change, the cut.
        """
        seconds = self.seconds
        speed = (tally.pixels - tally.earlier) / 1e6 / seconds if seconds > 0 else 0.0
        progress.log(
            f"Windows: {tally.run} run, {tally.skipped} skipped of {tally.total}; {seconds:.1f} s, {speed:.2f} Mpx/s "
            f"on {backend.device} ({backend.name})"
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
