"""The quick look: a coarse map of the view that the user has open, within seconds, before the full map.

The same model runs on a grid so coarse that a few windows cover the view; it then sees larger pixels than it was
trained on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.windows import Window

from ..cards import Card
from ..data.grid import Grid
from ..data.opening import parse_crs
from ..data.source import RasterSource
from ..errors import Cancelled, EmptyArea, EngineError
from ..jobs import SegmentJob
from ..progress import Progress
from .backend import Backend
from .cut import Cut
from .finished_rows import Layers
from .map_rows import MapJob, kept_layers, lay_mosaic
from .region import open_region
from .run_report import described_class
from .scores import UNKNOWN
from .staging import GEOTIFF, StagedOutputs
from .threshold import BINS
from .windows import overlap_pixels
from .writer import Layer, RasterWriter, class_dtype

WINDOWS = 4  # along each side of the view
OVERLAP = 10  # percent: enough to hide the seams
# Without overviews every block of the view has to be decoded: beyond this size that takes longer than the model.
MOST_READ = 1536  # px


def quick_look(
    job: MapJob,
    card: Card,
    sources: Sequence[RasterSource],
    backend: Backend,
    inputs: Sequence[str],
    progress: Progress,
) -> None:
    """Writes the coarse map to the job's `quick_look`, and announces path and classes as a `state` event.

    Failures are only logged, for instance a view beside the raster or a file that cannot be written: a quick look
    must never end the run.

    Args:
        job: The checked job.
        card: The model's card.
        sources: The job's rasters, open.
        backend: The model.
        inputs: Files that must not be overwritten.
        progress: A cancel takes effect at every window.
    """
    try:
        area = open_region(sources[0].grid, job.extent, job.extent_crs, job.mask).bounds
        grid = view_grid(sources[0], area, card.window, job.quick_look_extent, job.quick_look_crs)
        with StagedOutputs(inputs) as outputs:
            coarse = [source.on_grid(grid) for source in sources]
            values = _computed(job, card, coarse, backend, progress.part(0.0, 0.0))
            layer = Layer(
                "quick look", class_dtype(card.classes, card.nodata), card.nodata, card.classes
            )
            with RasterWriter(outputs.stage(job.quick_look, GEOTIFF), grid, layer) as writer:
                writer.write(values)
    except Cancelled:
        raise
    except Exception as error:
        reason = error.message if isinstance(error, EngineError) else repr(error)
        progress.log(f"No quick look: {reason}")
        return
    progress.log(f"Quick look: {grid.width} x {grid.height} pixels of {grid.resolution[0]:.3g}")
    classes = [described_class(item) for item in card.classes]
    progress.state(quick_look={"path": job.quick_look, "classes": classes})


def view_grid(
    source: RasterSource, area: Window, window: int, extent: tuple[float, ...] | None, crs: str
) -> Grid:
    """The grid of a view: with the raster's own pixels, or so much coarser that a few windows cover it.

    Args:
        source: The raster.
        area: The part of the raster that is to be computed.
        window: Side of the model's window, pixels.
        extent: (xmin, ymin, xmax, ymax) of the view; None for all of the raster.
        crs: CRS of the extent; empty is the raster's.

    Raises:
        EmptyArea: View and area do not overlap.
        InvalidParameter: The extent is no extent, or its CRS none.
    """
    own, view = source.grid, area
    if extent is not None:
        west, south, east, north = extent
        seen = own.window_of((west, south, east, north), parse_crs(crs) if crs else None)
        view = _common(seen, area)
    if not source.overviews:
        view = _middle(view, MOST_READ)
    most = WINDOWS * window - (WINDOWS - 1) * overlap_pixels(window, OVERLAP)  # px they cover
    factor = max(1.0, max(view.width, view.height) / most)
    left, top = own.xy(view.col_off, view.row_off)
    t = own.transform
    transform = Affine(t.a * factor, t.b * factor, left, t.d * factor, t.e * factor, top)
    width, height = (max(1, round(size / factor)) for size in (view.width, view.height))
    return Grid(own.crs, transform, width, height)


def _common(view: Window, area: Window) -> Window:
    """The part of a view that is to be computed."""
    left, top = max(view.col_off, area.col_off), max(view.row_off, area.row_off)
    right = min(view.col_off + view.width, area.col_off + area.width)
    bottom = min(view.row_off + view.height, area.row_off + area.height)
    if right <= left or bottom <= top:
        raise EmptyArea("The map view does not show any part of the area to process.")
    return Window(left, top, right - left, bottom - top)


def _middle(view: Window, most: int) -> Window:
    """The middle of a window, at most `most` pixels wide and high."""
    width, height = min(view.width, most), min(view.height, most)
    left = view.col_off + (view.width - width) // 2
    return Window(left, view.row_off + (view.height - height) // 2, width, height)


def _computed(
    job: MapJob,
    card: Card,
    sources: Sequence[RasterSource],
    backend: Backend,
    progress: Progress,
) -> NDArray[np.generic]:
    """Class values of the whole grid [rows, columns]."""
    job = dataclasses.replace(job, overlap=OVERLAP)
    region = open_region(sources[0].grid, job.extent, job.extent_crs, job.mask)
    mosaic = lay_mosaic(job, card, sources, region, backend)
    reduce, _ = kept_layers(job, card, False)
    strips: list[Layers] = [
        tuple(layer.copy() for layer in reduce(rows)) for rows in mosaic.rows(progress)
    ]
    values = np.concatenate([layers[0] for layers in strips])
    return values if isinstance(job, SegmentJob) else _changed(values, card, job.threshold)


def _changed(
    scores: NDArray[np.float32], card: Card, threshold: float | None
) -> NDArray[np.generic]:
    """Classes [rows, columns] by the given threshold, or by the one found in the view's scores."""
    known = scores != UNKNOWN
    histogram = np.histogram(scores[known], BINS, (0.0, 1.0))[0]
    cut = Cut.decide(histogram, card.threshold, threshold)
    scores = cut.adjust(scores)
    unchanged, changed = (item.value for item in card.classes)
    classes = np.where(scores >= cut.threshold, changed, unchanged)
    classes[~known] = card.nodata
    return classes.astype(class_dtype(card.classes, card.nodata))
