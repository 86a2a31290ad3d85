"""Compares references with a map: true and mapped class of each sample, as indices of common classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..cards import ModelClass
from ..data.label_fields import told_names
from ..errors import EmptyArea, LabelsInvalid
from ..progress import Progress
from .class_raster import ClassRaster, MapClass
from .matching import NONE, Matching, match_classes
from .references import References

_BARE = ("Class 0", "Class 255")  # automatic titles of 0 and 255 without a name


@dataclass(frozen=True)
class Comparison:
    """Samples whose class is known in both references and map.

    Attributes:
        classes: Classes that occur in the samples, and those in the map if it was counted [K]; classes that the map
            lacks come last.
        truth: True class index of each sample [N].
        mapped: Class index of each sample in the map [N].
        kept: Which of the references became samples [M].
        matching: How the classes were matched.
        warnings: What was left out.
    """

    classes: tuple[MapClass, ...]
    truth: NDArray[np.int64]
    mapped: NDArray[np.int64]
    kept: NDArray[np.bool_]
    matching: Matching
    warnings: tuple[str, ...]


def compare(
    raster: ClassRaster,
    references: References,
    path: str,
    names: Mapping[int, str],
    counted: bool,
    progress: Progress,
) -> Comparison:
    """Reads the map at the references and matches the classes of both.

    Args:
        raster: The map.
        references: The references on the map's grid.
        path: Path of the references, for messages.
        names: Other names of the map's classes, by value.
        counted: Whether to count the areas of the map's classes, for which the whole map is read.
        progress: Takes the progress.

    Raises:
        LabelsInvalid: No class of the references is one of the map.
        EmptyArea: The map has no class under the references.
    """
    values, valid = raster.at(references.row, references.column, progress.part(0.0, 0.4))
    classes, matching = _matched(
        raster, references, path, names, values[valid], counted, progress.part(0.4, 1.0)
    )
    numbers = np.array([item.value for item in classes])
    mapped = np.searchsorted(numbers, np.where(valid, values, numbers[0]))
    lacking, unlabelled = _strange(references, matching)
    places = np.array(matching.places)
    places[lacking] = len(classes) + np.arange(len(lacking))
    classes += tuple(_of_references(references.classes[place]) for place in lacking)
    truth = places[references.label]
    kept = valid & (truth != NONE)
    warnings = _told(references, matching, valid, lacking, unlabelled)
    if raster.many_bands:
        warnings += (
            f"{raster.path} has several bands, as an image does. Its first band was evaluated as a class map. If it "
            "is an image, choose the map made from it, or also choose a model.",
        )
    if not kept.any():
        raise EmptyArea(
            f"The map has no class at any of the {len(values)} references {path}: it has no data there. Choose "
            "references within the mapped area, or another map."
        )
    used = np.zeros(len(classes), bool)
    used[truth[kept]] = used[mapped[kept]] = True
    if counted:
        used |= np.array([item.pixels > 0 for item in classes])
    new = np.cumsum(used) - 1
    return Comparison(
        tuple(item for item, wanted in zip(classes, used) if wanted),
        new[truth[kept]],
        new[mapped[kept]],
        kept,
        matching,
        warnings,
    )


def _matched(
    raster: ClassRaster,
    references: References,
    path: str,
    names: Mapping[int, str],
    under: NDArray[Any],
    counted: bool,
    progress: Progress,
) -> tuple[tuple[MapClass, ...], Matching]:
    """The map's classes and their matching with the references'; reads the whole map only if necessary."""
    if not counted:
        classes = raster.named(np.unique(under).tolist(), names)
        try:
            matching = match_classes(references.labels, references.classes, classes, path)
        except LabelsInvalid:
            counted = True  # the class may occur elsewhere in the map
        else:
            counted = NONE in matching.places
    if counted:
        classes = raster.classes(progress, names)
        try:
            matching = match_classes(references.labels, references.classes, classes, path)
        except LabelsInvalid as error:
            if raster.is_image(classes):
                raise raster.image_given() from error
            raise
    return classes, matching


def _strange(references: References, matching: Matching) -> tuple[list[int], list[int]]:
    """Classes of the references that the map lacks, and values that are probably no classes but unlabelled pixels.

    The map is wrong where such a class is, so leaving it out would make the accuracy too high. But the values 0 and 255
    without a name in a reference raster usually mean "unlabelled".
    """
    strange = [place for place, own in enumerate(matching.places) if own == NONE]
    raster = references.kind == "raster"
    unlabelled = [p for p in strange if raster and references.classes[p].title in _BARE]
    return [place for place in strange if place not in unlabelled], unlabelled


def _of_references(item: ModelClass) -> MapClass:
    return MapClass(None, item.title or item.name, color=item.color)


def _told(
    references: References,
    matching: Matching,
    valid: NDArray[np.bool_],
    lacking: Sequence[int],
    unlabelled: Sequence[int],
) -> tuple[str, ...]:
    """Warnings about the classes, and about samples that are left out."""
    warnings = [matching.warning] if matching.warning else []

    def named(places: Sequence[int]) -> str:
        return told_names([references.labels[place] for place in places])

    def samples(places: Sequence[int]) -> int:
        return int(np.isin(references.label, places).sum())

    if lacking:
        warnings.append(
            f"These classes of the references are not in the map: {named(lacking)}. Their {samples(lacking)} "
            "reference samples count as errors. If the map has such a class under a different name, use the same "
            "name in both. If the true class is not known, leave the field empty."
        )
    if unlabelled:
        warnings.append(
            "These values of the references are not classes of the map and were treated as not labelled: "
            f"{named(unlabelled)}. Their {samples(unlabelled)} reference samples are left out."
        )
    if not valid.all():
        warnings.append(
            f"{int((~valid).sum())} of {len(valid)} reference samples lie where the map has no data. They are left "
            "out."
        )
    return tuple(warnings)
