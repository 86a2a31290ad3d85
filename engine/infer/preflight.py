"""Estimates what a run will take before its first window, and compares the estimate with reality at the end.

The windows are counted. Their speed is that of earlier runs of the same model on this machine, or of a few windows
computed beforehand. What grows with the raster (closing files, polygons, sizes of outputs) also comes from earlier
runs, or from the constants here. Times are remembered as on an idle machine, and scaled by its present load.
`python -m engine benchmark speed --parts preflight` compares estimates with real runs.
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
from .model_inputs import Feeds
from .pace import Pace
from .run_report import Stopwatch
from .scored_windows import SceneWindows
from .staging import GEOTIFF
from .survey import ReadWindow, Survey, seconds_a_window, survey_windows
from .tally import Tally

# Defaults without an earlier run: seconds and bytes a megapixel, measured on the sample's land cover.
FINISH = 0.03
POLYGONS = 0.4
BYTES = {"class": 1e5, "confidence": 6e5, "probability": 2.5e6}
GEOPACKAGE_BYTES = 98_304.0  # an empty one
FEATURE_BYTES = 330.0  # of a labelled cell, ten classes
# Smaller runs measure little but their start, so nothing is learned from them.
LEAST_WINDOWS = 20
LEAST_BATCHES = 4  # of a GPU
LEAST_MEGAPIXELS = 1.0
FULL_READ = 6  # windows known to be full that are read: they only serve to measure time

Held = NDArray[np.int8]


class Preflight:
    """Estimates one run, and learns from it for the next."""

    def __init__(
        self, model: InstalledModel, backend: Backend, watch: Stopwatch, threads: int
    ) -> None:
        """Reads nothing yet.

        Args:
            model: The model.
            backend: Where it computes.
            watch: Stopwatch of the run.
            threads: Processor threads, 0 = all.
        """
        self._backend, self._watch = backend, watch
        self._candidates = 0  # windows that may hold data
        self._pace = Pace(f"{model.sha256} | {backend.name} | {backend.lanes} lanes")
        # A run that waits for the GPU is not slowed down by other programs on the processors.
        self._contention = Contention.now() if backend.device == "cpu" else Contention(processors())
        self._abreast = threads or processors()  # threads at work on windows

    def of_map(self, plan: MapPlan, folder: Path, progress: Progress) -> Estimate:
        """Estimates a map run, and reports it.

        Args:
            plan: What the run will do.
            folder: Where the main output is written.
            progress: Where the estimate is reported.

        Raises:
            DiskFull: The disk certainly has no room.
        """
        mosaic = plan.mosaic
        tops, lefts = mosaic.candidates()

        def at(place: int) -> Window:
            return Window(int(lefts[place]), int(tops[place]), mosaic.window, mosaic.window)

        def read(window: Window) -> Feeds | None:
            seen = mosaic.read(window)
            return None if seen is None else seen[0]

        held = _held(plan.sources, tops, lefts, mosaic.window)
        survey, windows = self._survey(held, at, read)
        pixels = windows / max(1, mosaic.tally.total) * mosaic.grid.width * mosaic.grid.height / 1e6
        ahead = windows * self._window_seconds(survey) + plan.written * self._slowed(
            "finish", FINISH
        )
        ahead += (self._candidates - windows) * survey.read_seconds
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
        """Learns from the finished run, and logs how good the estimate was."""
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
        self,
        scene: SceneWindows,
        source: RasterSource,
        remote: bool,
        folder: Path,
        progress: Progress,
    ) -> Estimate:
        """Estimates a run that labels scenes, and reports it.

        Args:
            scene: The windows of the scene.
            source: The raster.
            remote: Whether a cluster computes.
            folder: Where the main output is written.
            progress: Where the estimate is reported.
        """
        windows = list(scene.positions())
        tops = np.array([window.row_off for window in windows], np.int64)
        lefts = np.array([window.col_off for window in windows], np.int64)
        held = _held([source], tops, lefts, int(windows[0].width) if windows else 0)
        survey, count = self._survey(held, windows.__getitem__, scene.read)
        ahead = count * self._window_seconds(survey)
        ahead += (self._candidates - count) * survey.read_seconds
        estimate = Estimate(
            count,
            None if remote else self._watch.seconds + ahead,
            self._memory(0, 0),
            int(GEOPACKAGE_BYTES + count * FEATURE_BYTES),
        )
        tell(estimate, folder, progress)
        return estimate

    def after_scenes(self, estimate: Estimate, tally: Tally, progress: Progress) -> None:
        """Learns from the finished run, and logs how good the estimate was."""
        rates: dict[str, float] = {}
        if self._tells_of_windows(tally) and not tally.earlier and estimate.seconds is not None:
            rates["window"] = self._alone("windows", self._abreast) / tally.run
            rates["memory"] = peak_bytes()
        self._pace.learn(rates)
        self._compare(estimate, tally, progress)

    def _survey(
        self, held: Held, at: Callable[[int], Window], read: ReadWindow
    ) -> tuple[Survey, int]:
        """Reads some windows, and estimates how many of all have to be computed."""
        self._candidates = len(held)
        full, unknown = np.flatnonzero(held == FULL), np.flatnonzero(held == UNKNOWN)
        of_full = survey_windows(len(full), lambda place: at(int(full[place])), read, FULL_READ)
        of_unknown = survey_windows(len(unknown), lambda place: at(int(unknown[place])), read)
        survey = of_full if of_full.found else of_unknown
        return survey, round(len(full) * of_full.share + len(unknown) * of_unknown.share)

    def _tells_of_windows(self, tally: Tally) -> bool:
        """Whether the run was long enough to learn from, and not spent mostly on searching empty windows."""
        least = max(LEAST_WINDOWS, LEAST_BATCHES * self._backend.batch)
        return tally.run >= max(least, self._candidates / 2)

    def _window_seconds(self, survey: Survey) -> float:
        kept = self._pace.rate("window")
        if kept is None:
            return seconds_a_window(self._backend, survey)
        return kept / self._contention.share(self._abreast)

    def _slowed(self, name: str, without: float) -> float:
        """Seconds a unit of single-threaded work under the machine's present load."""
        return self._rate(name, without) / self._contention.share(1)

    def _alone(self, part: str, threads: int = 1) -> float:
        """Seconds that a part of the run would have taken on an idle machine."""
        watch = self._watch
        return self._contention.alone(watch.marks[part], watch.work[part], threads)

    def _rate(self, name: str, without: float) -> float:
        kept = self._pace.rate(name)
        return without if kept is None else kept

    def _memory(self, buffers: int, cached: int) -> int:
        """Peak memory of the process; without an earlier run, extrapolated from the present peak.

        Args:
            buffers: Bytes that come on top.
            cached: The part of it that the survey has filled already.
        """
        return int(self._rate("memory", peak_bytes() - cached)) + buffers

    def _compare(self, estimate: Estimate, tally: Tally, progress: Progress) -> None:
        before = "" if estimate.seconds is None else f"{in_minutes(estimate.seconds)}, "
        progress.log(
            f"Estimated: {estimate.windows} windows, {before}{in_bytes(estimate.memory)}; actual: {tally.run} "
            f"windows, {in_minutes(self._watch.seconds)}, {in_bytes(peak_bytes())}"
        )


def _held(
    sources: Sequence[RasterSource], tops: NDArray[np.int64], lefts: NDArray[np.int64], side: int
) -> Held:
    """What is known of windows before any is read, from the rasters' sparse blocks: all rasters must hold data."""
    held = [source.held(tops, lefts, side) for source in sources]
    return np.asarray(np.minimum.reduce(held))


def _folder(output: str, otherwise: Path) -> Path:
    """The folder of an output."""
    return Path(os.path.abspath(output)).parent if output else otherwise


def _rows_under(tops: NDArray[np.int64], side: int, height: int) -> int:
    """Pixel rows that windows cover; the journal stores the others without their values."""
    covered = np.zeros(height, bool)
    for top in np.unique(tops):
        covered[top : top + side] = True
    return int(covered.sum())
