"""Matches the classes of a reference with those of a map."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..cards import ModelClass
from ..data.label_fields import tidy, told_names
from ..errors import LabelsInvalid
from .class_raster import MapClass

NONE = -1


@dataclass(frozen=True)
class Matching:
    """The result of a matching.

    Attributes:
        places: Index of the map's class for each class of the reference, or `NONE`.
        how: "name", "value", or "name and value".
        pairs: The matched classes, as text for people.
        warning: Warning about doubtful matches, may be empty.
    """

    places: tuple[int, ...]
    how: str
    pairs: tuple[str, ...]
    warning: str = ""


def match_classes(
    labels: Sequence[str], classes: Sequence[ModelClass], mapped: Sequence[MapClass], path: str
) -> Matching:
    """Matches classes by name, ignoring case and punctuation, else by value.

    A class with a name of its own is matched by value only if no class is matched by name.

    Args:
        labels: The reference's labels of its classes [K].
        classes: The same classes with their titles [K].
        mapped: The map's classes.
        path: Path of the reference, for the message.

    Raises:
        LabelsInvalid: No class matches.
    """
    own = [  # titles other than the automatic "Class N"
        item.title if _plain(item.title) != _plain(f"Class {label}") else ""
        for label, item in zip(labels, classes)
    ]
    named = _by_name(labels, own, mapped)
    valued = _by_value(labels, own, named, mapped)
    places = tuple(max(pair) for pair in zip(named, valued))  # one of the two is `NONE`
    ways = (("name", named), ("value", valued))
    how = [way for way, found in ways if any(place != NONE for place in found)]
    if not how:
        reference = [title or label for label, title in zip(labels, own)]
        raise LabelsInvalid(
            f"None of the classes of the references {path} is a class of the map. The references have "
            f"{told_names(reference)}; the map has {told_names([_told(item) for item in mapped])}. Choose the field "
            "whose values are the map's classes, by name or by value, or rename the classes."
        )
    doubtful = [
        f"{label} ({title}) with {_told(mapped[place])}"
        for label, title, place in zip(labels, own, valued)
        if place != NONE and _renamed(label, title) and mapped[place].title
    ]
    warning = (
        f"Classes were matched by value, although their names differ: {told_names(doubtful)}. If this is wrong, use "
        "the same names in both."
        if doubtful
        else ""
    )
    pairs = tuple(
        f"{label} = {_told(mapped[place])}" for label, place in zip(labels, places) if place != NONE
    )
    return Matching(places, " and ".join(how), pairs, warning)


def _by_name(labels: Sequence[str], titles: Sequence[str], mapped: Sequence[MapClass]) -> list[int]:
    """Index of the map's class with each label or its title as name, else `NONE` [K]."""
    known: dict[str, int] = {}
    for place, item in enumerate(mapped):
        for name in (item.title, item.alias):
            if name:
                known.setdefault(_plain(name), place)
    return [
        known.get(_plain(label), known.get(_plain(title), NONE) if title else NONE)
        for label, title in zip(labels, titles)
    ]


def _by_value(
    labels: Sequence[str],
    titles: Sequence[str],
    named: Sequence[int],
    mapped: Sequence[MapClass],
) -> list[int]:
    """Index of the map's class with each label as value, if the name found none, else `NONE` [K]."""
    known = {str(item.value): place for place, item in enumerate(mapped)}
    some_named = any(place != NONE for place in named)
    return [
        NONE if place != NONE or (some_named and _renamed(label, title)) else known.get(label, NONE)
        for label, title, place in zip(labels, titles, named)
    ]


def _renamed(label: str, title: str) -> bool:
    """Whether a class has a name besides its label."""
    return title not in ("", label)


def _plain(name: str) -> str:
    text = tidy(name).casefold()
    return re.sub(r"[\W_]+", " ", text).strip() or text  # names may be only punctuation: "+", "-"


def _told(item: MapClass) -> str:
    return f"{item.value} ({item.name})" if item.name != str(item.value) else str(item.value)
