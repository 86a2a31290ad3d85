"""Finds out which of two labels means change; a change model has the classes 0 unchanged and 1 changed."""

from __future__ import annotations

import dataclasses

import numpy as np

from ..cards import ModelClass
from ..data.label_layer import LabelledPixels
from ..errors import LabelsInvalid

_STAYED = (
    "unchanged",
    "no change",
    "no-change",
    "nochange",
    "no",
    "none",
    "stable",
    "same",
    "false",
)
_MOVED = ("changed", "change", "yes", "true", "new", "gain", "loss")
_COLOURS = ("#d9d9d9", "#e0473c")


def change_classes(
    classes: tuple[ModelClass, ...], labels: tuple[str, ...]
) -> tuple[tuple[ModelClass, ModelClass], bool]:
    """The two classes of a change model, and whether the label layer has them in reverse order.

    Args:
        classes: Classes of the label layer, in its order.
        labels: Their labels in the layer.

    Raises:
        LabelsInvalid: There are not two classes, or it is unclear which one means change.
    """
    if len(classes) != 2:
        raise LabelsInvalid(
            f"Change detection needs two classes, unchanged and changed, but the labels have {len(classes)} "
            f"({', '.join(labels[:5])}). Merge them into two."
        )
    swapped = _is_changed(labels)
    ordered = classes[::-1] if swapped else classes
    return (
        dataclasses.replace(ordered[0], value=0, name="unchanged"),
        dataclasses.replace(ordered[1], value=1, name="changed"),
    ), swapped


def swap(pixels: LabelledPixels) -> LabelledPixels:
    """Swaps the two labels of pixels."""
    return dataclasses.replace(pixels, label=(1 - pixels.label).astype(np.uint8))


def _is_changed(labels: tuple[str, ...]) -> bool:
    """Whether the first of two labels is the one that means change."""
    first, second = (label.strip().lower() for label in labels)
    if _number(first) and _number(second):
        return float(first) > float(second)
    if second in _STAYED or first in _MOVED:
        return True
    if first in _STAYED or second in _MOVED:
        return False
    raise LabelsInvalid(
        f"It is not clear which of the labels '{labels[0]}' and '{labels[1]}' means change. Name them 'unchanged' and "
        "'changed', or 0 and 1."
    )


def _number(text: str) -> bool:
    return text.lstrip("-").replace(".", "", 1).isdigit()


__all__ = ["change_classes", "swap"]
