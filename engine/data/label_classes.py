"""Makes the list of classes from labels: their order, names, titles and colours."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..cards import ModelClass
from ..errors import InvalidParameter, LabelsInvalid
from .label_fields import tidy, told_names
from .palette import colours, familiar

MOST = 254  # classes: the values 1..254 of a byte, as 0 and 255 are no-data
_COLOUR = re.compile(r"#?([0-9a-fA-F]{6})([0-9a-fA-F]{2})?")
# White space and control characters, which XML, in which maps store the names, does not allow.
_GAP = re.compile(r"[\s\x00-\x1f\x7f]+")


@dataclass(frozen=True)
class Look:
    """Title and colour of a class; empty means automatic."""

    title: str = ""
    color: str = ""


def ordered(labels: set[str], whole: bool) -> list[str]:
    """Labels in the order of their classes: whole numbers ascending, text alphabetical."""
    if whole:
        return sorted(labels, key=int)
    return sorted(labels, key=lambda label: (label.casefold(), label))


def make_classes(
    labels: Sequence[str], whole: bool, looks: Mapping[str, Look], least: int, where: str
) -> tuple[ModelClass, ...]:
    """Makes classes from labels: integers from 0 to 254 keep their value, others get 1..K.

    Class names are made from the text of labels, so that the same label has the same name under any title.

    Args:
        labels: The distinct labels, in order.
        whole: Whether they are integers.
        looks: Titles and colours by label.
        least: Minimal number of classes.
        where: The layer, for messages.

    Raises:
        LabelsInvalid: Too few or too many classes.
    """
    if len(labels) < least:
        raise LabelsInvalid(
            f"The {where} has only one class ({told_names(labels)}), but at least {least} are needed. Also label "
            "areas that do not belong to this class, for instance as 'other'."
        )
    if len(labels) > MOST:
        raise LabelsInvalid(
            f"The {where} has {len(labels)} classes ({told_names(labels)}), but at most {MOST} are possible. Choose "
            "the field that holds the class rather than an ID of the features, or merge classes."
        )
    found = [looks.get(_as_text(label), Look()) for label in labels]
    shown = _colours([look.title or label for look, label in zip(found, labels)], found)
    classes: list[ModelClass] = []
    names: set[str] = set()
    kept = whole and all(0 <= int(label) <= MOST for label in labels)
    for place, (label, look, color) in enumerate(zip(labels, found, shown), start=1):
        value = int(label) if kept else place
        title = _GAP.sub(" ", look.title or (f"Class {label}" if whole else label)).strip()
        slugs = (_slug(title), _slug(label)) if whole else (_slug(label), _slug(title))
        name = _free(slugs[0] or slugs[1] or f"class-{value}", names)
        names.add(name)
        classes.append(ModelClass(value, name, title, color))
    return tuple(classes)


def _colours(titles: Sequence[str], looks: Sequence[Look]) -> list[str]:
    """A colour for each class: the given one, one that its title suggests, or any distinct one."""
    shown = [look.color for look in looks]
    for place, title in enumerate(titles):
        suggested = familiar(title)
        if not shown[place] and suggested not in shown:
            shown[place] = suggested
    automatic = iter(colours(shown.count(""), [color for color in shown if color]))
    return [color or next(automatic) for color in shown]


def alike(names: list[str]) -> list[str]:
    """Warnings about classes whose names differ in capitals only, mostly by mistake."""
    by_sound: dict[str, list[str]] = {}
    for name in names:
        by_sound.setdefault(name.casefold(), []).append(name)
    return [
        f"The classes {' and '.join(same)} differ only in upper and lower case. They are treated as different "
        "classes."
        for same in by_sound.values()
        if len(same) > 1
    ]


def parse_looks(text: str) -> dict[str, Look]:
    """Reads a job's JSON list of {"label", "title", "color"}.

    Raises:
        InvalidParameter: The text is not such a list.
    """
    if not text.strip():
        return {}
    try:
        items = json.loads(text)
    except ValueError as error:
        raise _bad_looks(text, str(error)) from error
    if not isinstance(items, list):
        raise _bad_looks(text, "not a list")
    return dict(_parse_look(item) for item in items)


def _parse_look(item: Any) -> tuple[str, Look]:
    if not isinstance(item, dict) or item.get("label") is None:
        raise _bad_looks(json.dumps(item), "an item is not an object with a label")
    colour = str(item.get("color") or "").strip()
    match = _COLOUR.fullmatch(colour)
    if colour and not match:
        raise InvalidParameter(
            f"The class '{item['label']}' has the colour '{colour[:30]}', but a colour must be specified as #rrggbb, "
            "for instance #1f78b4."
        )
    look = Look(str(item.get("title") or "").strip(), f"#{match[1].lower()}" if match else "")
    return _as_text(item["label"]), look


def _as_text(label: Any) -> str:
    """A label as in the field: QGIS styles write the integer 3 as 3, 3.0 or "3"."""
    text = tidy(str(label))
    return re.sub(r"^(-?\d+)\.0+$", r"\1", text)


def _bad_looks(text: str, why: str) -> InvalidParameter:
    return InvalidParameter(
        f"The class names and colours were specified as {text[:60]}, but a JSON list such as "
        f'[{{"label": "water", "title": "Water", "color": "#1f78b4"}}] is expected. Correct it, or leave '
        "it empty.",
        details=why,
    )


def _slug(text: str) -> str:
    """Lower-case ASCII letters, digits and hyphens; empty if the text's script has none of them."""
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore")
    return re.sub(r"[^a-z0-9]+", "-", plain.decode().lower()).strip("-")


def _free(name: str, taken: set[str]) -> str:
    free, number = name, 2
    while free in taken:
        free, number = f"{name}-{number}", number + 1
    return free
