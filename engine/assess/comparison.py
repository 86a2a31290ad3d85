"""References laid on a map: what is true and what is mapped, as indices of common classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data.label_fields import told_names
from ..errors import EmptyArea, LabelsInvalid
from ..progress import Progress
from .class_raster import ClassRaster, MapClass
from .matching import NONE, Matching, match_classes
from .references import References


@dataclass(frozen=True)
class Comparison:
    """Samples whose class is known in both.

    Attributes:
        classes: Those that occur [K]; with all of the map when it was counted.
        truth: Class index of each sample [N].
        mapped: Class index in the map [N].
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
    """Reads the map under the references.

    Args:
        raster: The map.
        references: On its grid.
        path: Path of the references, for messages.
        names: Other names of the map's classes, by value.
        counted: Whether the areas of the map's classes are wanted, for which it is read whole.
        progress: Told of the reading.

    Raises:
        LabelsInvalid: No class of the references is one of the map.
        EmptyArea: The map has no class under the references.
    """
    values, valid = raster.at(references.row, references.column, progress.part(0.0, 0.4))
    classes, matching = _matched(
        raster, references, path, names, values[valid], counted, progress.part(0.4, 1.0)
    )
    truth = np.array(matching.places)[references.label]
    numbers = np.array([item.value for item in classes])
    mapped = np.searchsorted(numbers, np.where(valid, values, numbers[0]))
    kept = valid & (truth != NONE)
    warnings = _left_out(references, matching, valid)
    if raster.many_bands:
        warnings += (
            f"{raster.path} has several bands, as an image has; the first of them was judged as a class "
            "map. If it is an image, choose the map that was made of it, or a model as well.",
        )
    if not kept.any():
        raise EmptyArea(
            f"The map has no class under any of the {len(values)} references {path}: it has no "
            "data there. Choose references on the mapped part, or another map."
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
    """The map's classes and how the references' match; the whole map is read only if need be."""
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


def _left_out(
    references: References, matching: Matching, valid: NDArray[np.bool_]
) -> tuple[str, ...]:
    warnings = [matching.warning] if matching.warning else []
    strange = np.array([place == NONE for place in matching.places])
    if strange.any():
        labels = [label for label, gone in zip(references.labels, strange) if gone]
        warnings.append(
            f"The map has no class for {told_names(labels)}: {int(strange[references.label].sum())} "
            "reference samples are left out, although the map cannot be right there. Rename the "
            "class, in the references or the map's categories, if it is one of the map's."
        )
    if not valid.all():
        warnings.append(
            f"{int((~valid).sum())} of {len(valid)} reference samples lie where the map has no "
            "data; they are left out."
        )
    return tuple(warnings)
