"""What a run that makes a map will do: which rasters it reads and writes, and what it holds in memory for that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..data.source import RasterSource
from ..jobs import ChangeJob, SegmentJob
from ..memory_limit import raster_cache
from .map_rows import MapJob
from .mosaic import Mosaic
from .writer import BLOCK

# Of a megapixel's polygons; of change, only what changed.
POLYGON_BYTES = {SegmentJob.verb: 2e6, ChangeJob.verb: 3.5e5}
# Of each pixel in the rows that come out at once: the best class as int64, and float32 on the way to percents.
_ROW_BYTES = 32


@dataclass(frozen=True)
class Raster:
    """A raster that a run writes.

    Attributes:
        kind: One of `preflight.BYTES`.
        path: Where it will be; empty for one that does not stay.
        dtype: numpy name of its type.
    """

    kind: str
    path: str
    dtype: str


@dataclass(frozen=True)
class MapPlan:
    """What a run that makes a map will do.

    Attributes:
        mosaic: Computes it.
        sources: The rasters that are read.
        rasters: What it writes.
        kept: Types of the layers that are kept beside the outputs until the end, for a run to go on with.
        scratch: Bytes of other files beside the outputs while it runs.
        vector: Polygons to write; empty for none.
        polygon_bytes: Bytes of polygons a megapixel.
        again: How often each raster is written, 2 for a Cloud Optimized GeoTIFF.
        remote: Whether other processes compute.
    """

    mosaic: Mosaic
    sources: Sequence[RasterSource]
    rasters: Sequence[Raster]
    kept: Sequence[str] = ()
    scratch: int = 0
    vector: str = ""
    polygon_bytes: float = 0.0
    again: int = 1
    remote: bool = False

    @property
    def written(self) -> float:
        """Megapixels that are written, whether they hold data or not."""
        height, width = self.mosaic.grid.shape
        return self.again * len(self.rasters) * height * width / 1e6

    @property
    def buffers(self) -> int:
        """Bytes that grow with the raster's width, and with the raster up to GDAL's cache."""
        width, side = self.mosaic.grid.width, self.mosaic.window
        pixel = sum(np.dtype(raster.dtype).itemsize for raster in self.rasters)
        rows = self.mosaic.buffer_bytes + _ROW_BYTES * side * width + 2 * BLOCK * width * pixel
        return rows + min(raster_cache(), self.read_cache + self.mosaic.grid.height * width * pixel)

    @property
    def read_cache(self) -> int:
        """Bytes of GDAL's cache that the rasters fill."""
        share = self.mosaic.bounds.height / self.mosaic.grid.height
        return min(raster_cache(), int(share * sum(source.nbytes for source in self.sources)))


def plan_map(
    job: MapJob,
    mosaic: Mosaic,
    sources: Sequence[RasterSource],
    rasters: Sequence[Raster],
    kept: Sequence[str],
    scratch: int = 0,
) -> MapPlan:
    """What a job will do; the arguments are those of `MapPlan`."""
    return MapPlan(
        mosaic,
        sources,
        rasters,
        kept if job.resume else (),
        scratch,
        job.output_vector,
        POLYGON_BYTES[job.verb],
        2 if job.cog else 1,
        bool(job.scheduler),
    )
