"""What `segment` and `detect-change` have in common: from the checked job to rows of the map, and to the result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from typing import Any

from ..jobs import ChangeJob, SegmentJob
from ..progress import Progress
from .backends import open_backend
from .cluster_rows import computed_rows
from .finished_rows import FinishedRows, Layers, resumed
from .installed import InstalledModel
from .job_key import job_key
from .journal import Journal
from .map_outputs import MapOutputs
from .map_plan import Raster, plan_map
from .map_rows import MapJob, kept_layers, lay_mosaic, open_sources
from .preflight import Preflight
from .provenance import provenance
from .quick_look import quick_look
from .region import open_region
from .run_report import Stopwatch, introduce
from .scores import score_bytes
from .staging import StagedOutputs
from .writer import class_dtype, raster_environment

_SOURCES = {SegmentJob.verb: ("Raster",), ChangeJob.verb: ("First date", "Second date")}
_OUTPUTS = {
    SegmentJob.verb: ("output", "confidence", "output_vector", "areas"),
    ChangeJob.verb: ("output", "probability", "output_vector", "areas"),
}


class MapRun:
    """Opens and checks all that a map is made with before the first window is computed.

    Attributes:
        sources: The rasters; the first one has the grid of the map.
        files: Where the outputs are written until all is complete.
        estimate: What the run will take.
    """

    def __init__(
        self,
        job: MapJob,
        model: InstalledModel,
        watch: Stopwatch,
        stack: ExitStack,
        progress: Progress,
    ) -> None:
        """Opens rasters, outputs and model.

        Args:
            job: The checked job.
            model: The model.
            watch: Stopwatch, started when the job began.
            stack: Closes what is opened here; left without an error, it moves the outputs to their places.
            progress: Updated with each step and at every window; a cancel takes effect there.

        Raises:
            EngineError: A subclass; its message says what was given, what was expected and what to do.
        """
        self._job, self._model, self._stack, self._progress = job, model, stack, progress
        self._watch, card = watch, model.card
        stack.enter_context(raster_environment(job.threads))
        self.sources = stack.enter_context(open_sources(job, card))
        grid = self.sources[0].grid
        self._region = open_region(grid, job.extent, job.extent_crs, job.mask)
        read = [path for source in self.sources for path in (source.path, *source.files)]
        self._inputs = (*read, job.mask, str(model.path))
        self._journal = stack.enter_context(Journal(job.output, job.resume))
        self._outputs = stack.enter_context(StagedOutputs(self._inputs))
        beside = job.confidence if isinstance(job, SegmentJob) else job.probability
        self.files = MapOutputs.stage(job, self._outputs, beside)
        self._backend = open_backend(model.path, card, job.device, job.threads, progress)
        introduce(progress, model, self._backend, dict(zip(_SOURCES[job.verb], self.sources)))
        self._mosaic = lay_mosaic(job, card, self.sources, self._region, self._backend)
        # Polygons have a column for the confidence, so they need it even where no confidence raster was asked for.
        self._sure = isinstance(job, SegmentJob) and bool(job.confidence or job.output_vector)
        self._layers = kept_layers(job, card, self._sure)[1]
        self._preflight = Preflight(model, self._backend, watch, job.threads)
        scratch = score_bytes(grid) if isinstance(job, ChangeJob) else 0
        self._plan = plan_map(
            job, self._mosaic, self.sources, self._rasters(), self._layers, scratch
        )
        self.estimate = self._preflight.of_map(self._plan, self.files.map.parent, progress)
        if job.dry_run:
            self._outputs.forget()

    def _rasters(self) -> list[Raster]:
        """The rasters that will be written."""
        job, card = self._job, self._model.card
        rasters = [Raster("class", job.output, class_dtype(card.classes, card.nodata))]
        if isinstance(job, ChangeJob) and job.probability:
            rasters.append(Raster("probability", job.probability, "float32"))
        if isinstance(job, SegmentJob) and self._sure:
            rasters.append(Raster("confidence", job.confidence, self._layers[-1]))
        return rasters

    def strips(self, progress: Progress) -> Iterator[Layers]:
        """The map's rows from the top: first those that a killed run had finished, then those computed now.

        Args:
            progress: Progress of this part of the run.

        Raises:
            EmptyArea: No pixel of the region is valid.
        """
        job, model, backend = self._job, self._model, self._backend
        height, width = self.sources[0].grid.shape
        if job.quick_look:
            quick_look(job, model.card, self.sources, backend, self._inputs, self._progress)
        key = job_key(job, model, backend, self.sources, self._region, self._layers)
        self._journal.take_up(key, self._outputs.folders)
        kept = FinishedRows(self._journal, width, self._layers)
        compute = self._stack.enter_context(
            computed_rows(job, model, backend, self._mosaic, self._sure)
        )
        strips = self._watch.during("windows", resumed(kept, compute, height, progress))
        # Closed before the rasters are, however the run ends: the reading thread must have stopped by then.
        return self._stack.enter_context(closing(strips))

    def tags(self, facts: Mapping[str, Any]) -> dict[str, str]:
        """Metadata that says how the map was made; see `provenance`."""
        return provenance(self._job, self._model, self._backend, facts)

    def result(self, areas: list[dict[str, Any]], threshold: float | None = None) -> dict[str, Any]:
        """The protocol's result, once the outputs are in place. The run's timing improves later estimates.

        Args:
            areas: Area records of the classes.
            threshold: The threshold that was used, for change.
        """
        self._preflight.after_map(self._plan, self.estimate, self._progress)
        return self._watch.result(
            self._progress,
            {name: getattr(self._job, name) for name in _OUTPUTS[self._job.verb]},
            self._mosaic.tally,
            self._backend,
            self._model,
            self.sources[0],
            areas,
            threshold,
        )
