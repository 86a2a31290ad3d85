"""The output files of a map run: staged before the work, completed after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from rasterio.windows import Window

from ..cards import Card
from ..progress import Progress
from .areas import write_areas
from .map_rows import MapJob
from .polygons import write_polygons
from .provenance import described
from .run_report import Stopwatch
from .staging import CSV, GEOPACKAGE, GEOTIFF, VIRTUAL, StagedOutputs


@dataclass(frozen=True)
class MapOutputs:
    """The hidden places where a run writes until all is complete; None for outputs that are not requested.

    Attributes:
        map: The class raster.
        table: Areas of the classes.
        vector: Polygons.
        beside: The raster beside the map: confidence, or probability of change.
    """

    map: Path
    table: Path | None
    vector: Path | None
    beside: Path | None

    @classmethod
    def stage(cls, job: MapJob, outputs: StagedOutputs, beside: str) -> MapOutputs:
        """Checks that all can be written.

        Args:
            job: The checked job.
            outputs: The run's staged outputs.
            beside: Path of the raster beside the map; empty for none.

        Raises:
            InvalidParameter: What `StagedOutputs.stage` raises.
            OutputNotWritable: What `StagedOutputs.stage` raises.
            DiskFull: What `StagedOutputs.stage` raises.
        """
        raster = VIRTUAL if job.tiles else GEOTIFF
        return cls(
            outputs.stage(job.output, raster),
            outputs.stage(job.areas, CSV) if job.areas else None,
            outputs.stage(job.output_vector, GEOPACKAGE) if job.output_vector else None,
            outputs.stage(beside, raster) if beside else None,
        )

    def finish(
        self,
        records: list[dict[str, Any]],
        card: Card,
        tags: Mapping[str, str],
        percents: Callable[[Window], NDArray[Any]],
        watch: Stopwatch,
        progress: Progress,
        only: Sequence[int] = (),
    ) -> None:
        """Writes the table and the polygons of the finished map if they are requested.

        Args:
            records: Areas of the classes.
            card: The model's card.
            tags: How the map was made.
            percents: Returns the confidence of a window's pixels in percent [rows, columns].
            watch: Measures the run.
            progress: Progress of the whole run.
            only: Class values that become polygons; empty = all.

        Raises:
            OutputNotWritable: One of them cannot be written.
            DiskFull: The disk has no room.
        """
        if self.table is not None:
            write_areas(self.table, records)
        watch.mark("finish")
        if self.vector is not None:
            write_polygons(
                self.vector,
                self.map,
                percents,
                card.classes,
                description=described(tags),
                progress=progress.part(0.9, 0.99),
                only=only,
            )
            watch.mark("polygons")
        progress.update(1.0, "Done")  # the last place for a cancel: then the outputs appear
