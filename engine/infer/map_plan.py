"""What a map run is going to do: the rasters it reads and writes, and the memory it needs for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..data.source import RasterSource
from ..jobs import ChangeJob, SegmentJob
from .map_rows import MapJob, cache_for
from .mosaic import Mosaic
from .writer import BLOCK

# Bytes of the polygons of a megapixel; of change, only changed ground becomes polygons.
POLYGON_BYTES = {SegmentJob.verb: 2e6, ChangeJob.verb: 3.5e5}
# Bytes a pixel for rows released at once: the best class as int64, and float32 on the way to percent.
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
    """What a map run is going to do.

    Attributes:
        mosaic: Computes it.
        sources: The rasters that are read.
        rasters: What it writes.
        kept: numpy types of the layers in the journal, from which a later run can resume.
        scratch: Bytes of other temporary files beside the outputs.
        vector: Path of the polygons; empty for none.
        polygon_bytes: Bytes of polygons a megapixel.
        again: How often each raster is written: twice for a Cloud Optimized GeoTIFF.
        remote: Whether a cluster computes.
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
        """Megapixels to write, valid or not."""
        height, width = self.mosaic.grid.shape
        return self.again * len(self.rasters) * height * width / 1e6

    @property
    def buffers(self) -> int:
        """Bytes of buffers: they grow with the raster's width, and GDAL's cache up to its limit."""
        width, side = self.mosaic.grid.width, self.mosaic.window
        pixel = sum(np.dtype(raster.dtype).itemsize for raster in self.rasters)
        rows = self.mosaic.buffer_bytes + _ROW_BYTES * side * width + 2 * BLOCK * width * pixel
        written = self.mosaic.grid.height * width * pixel
        return rows + min(cache_for(self.sources), self.read_cache + written)

    @property
    def read_cache(self) -> int:
        """Bytes of GDAL's cache that reading fills."""
        share = self.mosaic.bounds.height / self.mosaic.grid.height
        return min(
            cache_for(self.sources), int(share * sum(source.nbytes for source in self.sources))
        )


def plan_map(
    job: MapJob,
    mosaic: Mosaic,
    sources: Sequence[RasterSource],
    rasters: Sequence[Raster],
    kept: Sequence[str],
    scratch: int = 0,
) -> MapPlan:
    """The plan of a job; see `MapPlan` for the arguments."""
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
