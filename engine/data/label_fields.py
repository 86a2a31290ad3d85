"""Reads the class field of features: none, one or several labels each, as text."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import LabelsInvalid
from .vectors import Features

_SEPARATORS = re.compile("[;,]")
_WHOLE = re.compile(r"-?(0|[1-9][0-9]*)")
_MANY = 8  # names listed in a message; further ones are only counted


@dataclass(frozen=True)
class FieldLabels:
    """The labels of n features.

    Attributes:
        labels: The distinct labels of each feature; empty where the field is empty.
        whole: Whether all are integers, which are sorted by value and need a title.
        warnings: Assumptions that were made.
    """

    labels: list[tuple[str, ...]]
    whole: bool
    warnings: tuple[str, ...]


def field_labels(features: Features, field: str, multilabel: bool) -> FieldLabels:
    """Reads the class field of labels.

    Args:
        features: The label layer.
        field: Name of the field; case-insensitive if the name is unique then.
        multilabel: Whether a feature may have several labels, separated by ; or , or in a list.

    Raises:
        LabelsInvalid: There is no such field, or it holds no classes.
    """
    name = _find(features, field)
    column, kind = features.fields[name], features.dtypes[name]
    where = f"The field '{name}' of the {features.purpose} {features.source}"
    warnings: tuple[str, ...] = ()
    if kind.startswith("list"):
        if not multilabel:
            raise LabelsInvalid(
                f"{where} contains lists, but one class is expected for each feature. Choose a field with text or "
                "whole numbers, or allow several labels per scene."
            )
        cells = [_unique(map(_plain, cell)) if cell is not None else () for cell in column]
    elif kind == "bool":
        cells = [() if value is None else (_truth(value),) for value in column.tolist()]
    elif np.issubdtype(_dtype(kind), np.floating):
        cells = _whole_floats(column, where)
        warnings = (
            f"{where} contains decimal numbers. As all of them are whole, they are used as classes.",
        )
    elif np.issubdtype(_dtype(kind), np.integer):
        cells = [() if value is None else (str(value),) for value in column.tolist()]
    elif kind == "object" or kind.startswith(("str", "<U")):
        cells = [_of_text(value, multilabel) for value in column]
    else:
        what = "dates" if kind.startswith("datetime") else f"values of the type {kind}"
        raise LabelsInvalid(
            f"{where} contains {what}, but classes must be text or whole numbers. Choose another field: "
            f"{told_names(list(features.fields))}."
        )
    if not any(cells):
        raise LabelsInvalid(
            f"{where} is empty in all {len(cells)} features, but it must contain the class of each feature. Fill it "
            "in, or choose another field."
        )
    whole = kind != "bool" and all(_WHOLE.fullmatch(label) for cell in cells for label in cell)
    return FieldLabels(cells, whole, warnings)


def told_names(names: Sequence[str]) -> str:
    """Joins names for a message; beyond `_MANY` they are only counted."""
    rest = len(names) - _MANY
    return ", ".join(names[:_MANY]) + (f" and {rest} more" if rest > 0 else "")


def tidy(text: str) -> str:
    """Normalises a label: composed accents (macOS decomposes them: NFC), single spaces."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def _find(features: Features, field: str) -> str:
    names = list(features.fields)
    if field in names:
        return field
    alike = [name for name in names if field and name.lower() == field.lower()]
    if len(alike) == 1:
        return alike[0]
    given = f"has no field '{field}'" if field else "needs the field that holds the class"
    has = f"its fields are {told_names(names)}" if names else "it has no field at all"
    raise LabelsInvalid(
        f"The {features.purpose} {features.source} {given}: {has}. "
        + (
            "Choose one of them."
            if names
            else "Add a field of text or whole numbers, and fill it in."
        )
    )


def _whole_floats(column: Any, where: str) -> list[tuple[str, ...]]:
    values = np.asarray(column, np.float64)
    known = np.isfinite(values)
    broken = known & (values != np.round(values))
    if broken.any():
        example = values[np.flatnonzero(broken)[0]]
        raise LabelsInvalid(
            f"{where} contains decimal numbers such as {example:g}, but classes must be text or whole numbers. Choose "
            "another field, or convert the numbers to classes with the field calculator."
        )
    return [(str(int(value)),) if fine else () for value, fine in zip(values, known)]


def _of_text(value: Any, multilabel: bool) -> tuple[str, ...]:
    text = "" if value is None else tidy(str(value))
    if not multilabel:
        return (text,) if text else ()
    if text.startswith("["):
        try:
            items = json.loads(text)
        except ValueError:
            items = None  # a label that begins with a bracket, not JSON
        if isinstance(items, list):
            return _unique(_plain(item) for item in items if item is not None)
    return _unique(_SEPARATORS.split(text))


def _plain(item: Any) -> str:
    """An item of a list as text; integers without decimals."""
    if isinstance(item, (float, np.floating)) and float(item).is_integer():
        return str(int(item))
    return str(item)


def _unique(labels: Any) -> tuple[str, ...]:
    texts = (tidy(str(label)) for label in labels)
    return tuple(dict.fromkeys(text for text in texts if text))


def _truth(value: Any) -> str:
    return "true" if value else "false"


def _dtype(kind: str) -> np.dtype[Any]:
    try:
        return np.dtype(kind)
    except TypeError:
        return np.dtype(object)
