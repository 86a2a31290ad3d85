"""The verb `uncertain-places`: active learning, the places where a label would teach a model most."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from ..cards import Card, ModelClass
from ..data.grid import Grid
from ..data.source import RasterSource
from ..errors import EmptyArea, ModelTaskMismatch
from ..jobs import UncertainPlacesJob
from ..progress import Progress
from .backends import open_backend
from .installed import open_model
from .labelled_places import LabelledGround
from .model_inputs import SingleDate
from .mosaic import Mosaic
from .places import PlaceGrid, PlaceSums, lay_places
from .polygons import write_layer
from .provenance import described, provenance
from .region import open_region
from .run_report import Stopwatch, introduce
from .shortlist import Place, Shortlist
from .staging import GEOPACKAGE, StagedOutputs
from .writer import raster_environment


def find_uncertain_places(job: UncertainPlacesJob, progress: Progress) -> dict[str, Any]:
    """Finds the places whose labels would teach a model most.

    The model runs over the region. Each place gets the mean uncertainty of its valid pixels (margin sampling, see
    `places.uncertainty`), and `shortlist` chooses among the places. A place with less than half of its pixels valid
    is left out.

    Args:
        job: The checked job.
        progress: Updated at every window; a cancel takes effect there.

    Returns:
        The protocol's result: outputs, windows, device and more; "places" lists rank, uncertainty and the two classes.

    Raises:
        EngineError: A subclass; its message says what was given, what was expected and what to do.
    """
    watch = Stopwatch()
    model = open_model(job.model, job.model_task)
    card = model.card
    _check_classes(card)
    with ExitStack() as stack:
        stack.enter_context(raster_environment(job.threads))
        source = stack.enter_context(
            RasterSource.open(job.input, card, bands=job.bands, nodata=job.nodata, crs=job.crs)
        )
        grid = source.grid
        region = open_region(grid, job.extent, job.extent_crs, job.mask)
        places = lay_places(grid, region.bounds, job.size)
        labelled = LabelledGround(job.labels, grid, places, stack)
        inputs = (job.input, *source.files, job.mask, job.labels, str(model.path))
        outputs = stack.enter_context(StagedOutputs(inputs))
        output = outputs.stage(job.output, GEOPACKAGE)
        backend = open_backend(model.path, card, job.device, job.threads, progress)
        introduce(progress, model, backend, {"Raster": source})
        read = SingleDate(source, card)
        mosaic = Mosaic(grid, region, backend, read, card.window, len(card.classes), job.overlap)
        found = _search(
            mosaic, places, labelled, job.count, len(card.classes), progress.part(0.0, 0.97)
        )
        _tell(progress, found, job, places)
        tags = provenance(job, model, backend, {"scaling": source.scaling.text})
        _write(output, found, places, grid, card.classes, described(tags))
        progress.update(1.0, "Done")  # the last place for a cancel: then the output appears
    result = watch.result(
        progress, {"output": job.output}, mosaic.tally, backend, model, source, areas=[]
    )
    result["places"] = [
        {
            "rank": rank,
            "uncertainty": round(place.uncertainty, 4),
            "first_class": card.classes[place.first].word,
            "second_class": card.classes[place.second].word,
        }
        for rank, place in enumerate(found, 1)
    ]
    return result


def _check_classes(card: Card) -> None:
    if len(card.classes) < 2:
        raise ModelTaskMismatch(
            f"The model '{card.name}' has {len(card.classes)} class, but uncertainty needs two or more. Choose a "
            "model with more classes."
        )


def _search(
    mosaic: Mosaic,
    places: PlaceGrid,
    labelled: LabelledGround,
    count: int,
    classes: int,
    progress: Progress,
) -> list[Place]:
    """Runs the model over the region, and chooses the places."""
    sums, shortlist = PlaceSums(places, classes), Shortlist(places, count)
    with closing(
        mosaic.rows(progress)
    ) as strips:  # nobody reads the raster any more when labels cannot be read
        for rows in strips:
            for done in sums.add(rows):
                shortlist.add(done, labelled.row(done.row))
    return shortlist.chosen()


def _tell(
    progress: Progress, found: Sequence[Place], job: UncertainPlacesJob, places: PlaceGrid
) -> None:
    """Logs the size of places, and warns when there are fewer than wanted.

    Raises:
        EmptyArea: There is no place at all.
    """
    side = f"{places.across} x {places.down} pixels"
    if not found:
        unlabelled = " and no labels yet" if job.labels else ""
        raise EmptyArea(
            f"No place of {side} has at least half of its pixels valid{unlabelled}. Choose a smaller size or a larger "
            "area, or check the no-data values."
        )
    progress.log(f"Places of {side}: {len(found)} found.")
    if len(found) < job.count:
        progress.warning(
            f"{len(found)} places were found instead of {job.count}: there is not enough space for more places of "
            f"{side} with the required distance between them. Choose a smaller size, or a larger area."
        )


def _write(
    path: Path,
    found: Sequence[Place],
    places: PlaceGrid,
    grid: Grid,
    classes: Sequence[ModelClass],
    description: str,
) -> None:
    names = [item.word for item in classes]
    fields: dict[str, NDArray[Any]] = {
        "rank": np.arange(1, len(found) + 1, dtype=np.int32),
        "uncertainty": np.array([round(place.uncertainty, 4) for place in found]),
        "first_class": np.array([names[place.first] for place in found], object),
        "first_probability": np.array([round(place.first_probability, 4) for place in found]),
        "second_class": np.array([names[place.second] for place in found], object),
        "second_probability": np.array([round(place.second_probability, 4) for place in found]),
    }
    rows = np.array([place.row for place in found])
    columns = np.array([place.column for place in found])
    write_layer(
        path,
        shapely.to_wkb(places.polygons(grid, rows, columns)),
        fields,
        grid.crs.to_wkt(),
        path.stem,
        description,
    )
