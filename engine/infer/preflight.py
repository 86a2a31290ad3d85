"""What a run will take: told before the first window, and compared with what it took at the end.

The windows are counted. Their seconds are those of earlier runs of the same model on this machine, or of a few that
are computed before; what grows with the raster (closing files, polygons, sizes of outputs) is taken from earlier runs
too, and without any from the constants here. Seconds are kept as if the machine had done nothing else, and told by what
other programs leave now. `python -m engine benchmark speed --parts preflight` compares.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from ..data.filled_blocks import EMPTY, FULL, UNKNOWN
from ..data.source import RasterSource
from ..progress import Progress
from .backend import Backend, processors
from .contention import Contention
from .estimate import Estimate, in_bytes, in_minutes, tell
from .installed import InstalledModel
from .map_plan import MapPlan
from .memory_use import peak_bytes
from .pace import Pace
from .report import Stopwatch
from .scored_looks import Looks
from .staging import GEOTIFF
from .survey import Feeds, Look, Survey, look_around, seconds_a_window
from .tally import Tally

# Without an earlier run; seconds and bytes for each megapixel, measured on the land cover of the sample.
FINISH = 0.03
POLYGONS = 0.4
BYTES = {"class": 1e5, "confidence": 6e5, "probability": 2.5e6}
GEOPACKAGE_BYTES = 98_304.0  # an empty one
FEATURE_BYTES = 330.0  # of a labelled cell, ten classes
# Runs smaller than these tell of little but their start.
LEAST_WINDOWS = 20
LEAST_BATCHES = 4  # of a GPU
LEAST_MEGAPIXELS = 1.0
LOOKS_AT_FULL = 6  # they only tell the time

Held = NDArray[np.int8]


class Preflight:
    """Estimates one run, and learns from it."""

    def __init__(
        self, model: InstalledModel, backend: Backend, watch: Stopwatch, threads: int
    ) -> None:
        """Looks at nothing yet.

        Args:
            model: With what.
            backend: Where.
            watch: Stopwatch of the run.
            threads: As the job has them, 0 = all.
        """
        self._backend, self._watch = backend, watch
        self._looked = 0  # windows that are read
        self._pace = Pace(f"{model.sha256} | {backend.name} | {backend.lanes} lanes")
        # What waits for a GPU is not slowed by other programs on the processors.
        self._contention = Contention.now() if backend.device == "cpu" else Contention(processors())
        self._abreast = threads or processors()  # threads at work on windows

    def of_map(self, plan: MapPlan, folder: Path, progress: Progress) -> Estimate:
        """Tells what a map will take.

        Args:
            plan: What will be done.
            folder: Where it is written.
            progress: Where it is told.

        Raises:
            DiskFull: The disk surely has no room.
        """
        mosaic = plan.mosaic
        tops, lefts = mosaic.candidates()

        def at(place: int) -> Window:
            return Window(int(lefts[place]), int(tops[place]), mosaic.window, mosaic.window)

        def look(window: Window) -> Feeds | None:
            seen = mosaic.look(window)
            return None if seen is None else seen[0]

        held = _held(plan.sources, tops, lefts, mosaic.window)
        survey, windows = self._survey(held, at, look)
        pixels = windows / max(1, mosaic.tally.total) * mosaic.grid.width * mosaic.grid.height / 1e6
        ahead = windows * self._window_seconds(survey) + plan.written * self._slowed(
            "finish", FINISH
        )
        ahead += (self._looked - windows) * survey.read_seconds
        outputs = [
            (
                _folder(raster.path, folder),
                plan.again * pixels * self._rate(f"bytes of {raster.kind}", BYTES[raster.kind]),
            )
            for raster in plan.rasters
        ]
        if plan.vector:
            ahead += pixels * self._slowed("polygons", POLYGONS)
            rate = self._rate("bytes of polygons", plan.polygon_bytes)
            outputs.append((_folder(plan.vector, folder), GEOPACKAGE_BYTES + pixels * rate))
        kept = sum(np.dtype(name).itemsize for name in plan.kept)
        rows = (
            _rows_under(tops[held > EMPTY], mosaic.window, mosaic.grid.height) * mosaic.grid.width
        )
        estimate = Estimate(
            windows,
            None if plan.remote else self._watch.seconds + ahead,
            self._memory(plan.buffers, plan.read_cache),
            int(sum(count for _, count in outputs)) + rows * kept + plan.scratch,
            plan.scratch,
            tuple((place, int(count)) for place, count in outputs),
        )
        tell(estimate, folder, progress)
        return estimate

    def after_map(self, plan: MapPlan, estimate: Estimate, progress: Progress) -> None:
        """Learns from the finished run, and tells how good the estimate was."""
        tally = plan.mosaic.tally
        pixels, computed = tally.pixels / 1e6, tally.pixels > tally.earlier
        rates: dict[str, float] = {}
        if self._tells_of_windows(tally) and not tally.earlier and not plan.remote:
            rates["window"] = self._alone("windows", self._abreast) / tally.run
        if pixels >= LEAST_MEGAPIXELS and computed:
            rates["finish"] = self._alone("finish") / plan.written
            rates["memory"] = peak_bytes() - plan.buffers
            if plan.vector:
                rates["polygons"] = self._alone("polygons") / pixels
                own = Path(plan.vector).stat().st_size - GEOPACKAGE_BYTES
                rates["bytes of polygons"] = max(0.0, own) / pixels
            for raster in plan.rasters:
                if raster.path.lower().endswith(GEOTIFF):
                    size = Path(raster.path).stat().st_size
                    rates[f"bytes of {raster.kind}"] = size / pixels
        self._pace.learn(rates)
        self._compare(estimate, tally, progress)

    def of_scenes(
        self, looks: Looks, source: RasterSource, remote: bool, folder: Path, progress: Progress
    ) -> Estimate:
        """Tells what labels of scenes will take.

        Args:
            looks: Where the model will look.
            source: What it will look at.
            remote: Whether other processes compute.
            folder: Where the labels are written.
            progress: Where it is told.
        """
        windows = list(looks.windows())
        tops = np.array([window.row_off for window in windows], np.int64)
        lefts = np.array([window.col_off for window in windows], np.int64)
        held = _held([source], tops, lefts, int(windows[0].width) if windows else 0)
        survey, count = self._survey(held, windows.__getitem__, looks.look)
        ahead = count * self._window_seconds(survey)
        ahead += (self._looked - count) * survey.read_seconds
        estimate = Estimate(
            count,
            None if remote else self._watch.seconds + ahead,
            self._memory(0, 0),
            int(GEOPACKAGE_BYTES + count * FEATURE_BYTES),
        )
        tell(estimate, folder, progress)
        return estimate

    def after_scenes(self, estimate: Estimate, tally: Tally, progress: Progress) -> None:
        """Learns from the finished run, and tells how good the estimate was."""
        rates: dict[str, float] = {}
        if self._tells_of_windows(tally) and not tally.earlier and estimate.seconds is not None:
            rates["window"] = self._alone("windows", self._abreast) / tally.run
            rates["memory"] = peak_bytes()
        self._pace.learn(rates)
        self._compare(estimate, tally, progress)

    def _survey(self, held: Held, at: Callable[[int], Window], look: Look) -> tuple[Survey, int]:
        """A look at some windows, and how many of all hold something to compute."""
        self._looked = len(held)
        full, unknown = np.flatnonzero(held == FULL), np.flatnonzero(held == UNKNOWN)
        of_full = look_around(len(full), lambda place: at(int(full[place])), look, LOOKS_AT_FULL)
        of_unknown = look_around(len(unknown), lambda place: at(int(unknown[place])), look)
        survey = of_full if of_full.found else of_unknown
        return survey, round(len(full) * of_full.share + len(unknown) * of_unknown.share)

    def _tells_of_windows(self, tally: Tally) -> bool:
        """Where few of the windows hold data, looking for them takes longer than computing."""
        least = max(LEAST_WINDOWS, LEAST_BATCHES * self._backend.batch)
        return tally.run >= max(least, self._looked / 2)

    def _window_seconds(self, survey: Survey) -> float:
        kept = self._pace.rate("window")
        if kept is None:
            return seconds_a_window(self._backend, survey)
        return kept / self._contention.share(self._abreast)

    def _slowed(self, name: str, without: float) -> float:
        """Seconds for each unit of what one thread does, beside the other programs."""
        return self._rate(name, without) / self._contention.share(1)

    def _alone(self, part: str, threads: int = 1) -> float:
        """Seconds of a part of the run without the other programs."""
        watch = self._watch
        return self._contention.alone(watch.marks[part], watch.work[part], threads)

    def _rate(self, name: str, without: float) -> float:
        kept = self._pace.rate(name)
        return without if kept is None else kept

    def _memory(self, buffers: int, cached: int) -> int:
        """Peak of the process; without an earlier run, from what it takes after its first windows.

        Args:
            buffers: What comes on top, bytes.
            cached: The part of it that looking at the rasters has filled already.
        """
        return int(self._rate("memory", peak_bytes() - cached)) + buffers

    def _compare(self, estimate: Estimate, tally: Tally, progress: Progress) -> None:
        before = "" if estimate.seconds is None else f"{in_minutes(estimate.seconds)}, "
        progress.log(
            f"Estimated before: {estimate.windows} windows, {before}{in_bytes(estimate.memory)}; it took {tally.run} "
            f"windows, {in_minutes(self._watch.seconds)}, {in_bytes(peak_bytes())}"
        )


def _held(
    sources: Sequence[RasterSource], tops: NDArray[np.int64], lefts: NDArray[np.int64], side: int
) -> Held:
    """What is known of windows before any is read; each raster must be valid."""
    held = [source.held(tops, lefts, side) for source in sources]
    return np.asarray(np.minimum.reduce(held))


def _folder(output: str, otherwise: Path) -> Path:
    """Where an output will be."""
    return Path(os.path.abspath(output)).parent if output else otherwise


def _rows_under(tops: NDArray[np.int64], side: int, height: int) -> int:
    """Rows of pixels that windows cover: above, between and below them nothing is kept but that it is empty."""
    covered = np.zeros(height, bool)
    for top in np.unique(tops):
        covered[top : top + side] = True
    return int(covered.sum())
