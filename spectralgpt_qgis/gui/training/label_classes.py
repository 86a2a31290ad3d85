"""Reads the classes of a label layer from its style and its field's value map, and writes them to both."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsEditorWidgetSetup,
    QgsFillSymbol,
    QgsMapLayer,
    QgsMarkerSymbol,
    QgsPalettedRasterRenderer,
    QgsRasterLayer,
    QgsRendererCategory,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.PyQt.QtGui import QColor

from ...i18n import tr
from ...label_look import as_text, categories_of, is_unset, look_of_classes
from .class_colours import COLOURS, familiar_colour, free_colour, given_by_us

MOST_CLASSES = 254  # of a model, as in engine/data/label_classes.py


@dataclass(frozen=True)
class LabelClass:
    """A class.

    Attributes:
        label: Its value as text.
        name: Its name, as shown to the user.
        colour: "#rrggbb".
    """

    label: str
    name: str
    colour: str


def first_classes(task: str) -> tuple[LabelClass, ...]:
    """The classes of a new label layer.

    Args:
        task: Task of the algorithm: "segmentation", "scenes" or "change".
    """
    if task == "change":
        # The engine takes the larger value as change.
        return (
            LabelClass("0", tr("Unchanged"), "#d9d9d9"),
            LabelClass("1", tr("Changed"), "#e0473c"),
        )
    return (
        LabelClass("1", tr("Class 1"), COLOURS[0]),
        LabelClass("2", tr("Class 2"), COLOURS[1]),
    )


def next_class(classes: Sequence[LabelClass], numbers: bool) -> LabelClass:
    """A further class that differs from all others in value, name and colour.

    Args:
        classes: The existing classes.
        numbers: Whether the field is numeric; otherwise the class's value is its name.
    """
    taken = {item.label for item in classes} | {item.name for item in classes}
    number = 1
    while str(number) in taken or tr("Class {}").format(number) in taken:
        number += 1
    name = tr("Class {}").format(number)
    colour = free_colour(item.colour for item in classes)
    return LabelClass(str(number) if numbers else name, name, colour)


def renamed(item: LabelClass, name: str, others: Iterable[LabelClass]) -> LabelClass:
    """A class with another name, and with the conventional colour for it unless the user chose a colour.

    Args:
        item: The class.
        name: The new name.
        others: The other classes, whose colours are taken.
    """
    expected = familiar_colour(name)
    free = expected not in {other.colour.lower() for other in others}
    if expected and free and given_by_us(item.colour):
        return LabelClass(item.label, name, expected)
    return LabelClass(item.label, name, item.colour)


def plain_name(label: str) -> str:
    """The name of a class without one, the same as the engine uses in a model."""
    return tr("Class {}").format(label) if is_whole(label) else label


def read_classes(layer: QgsMapLayer, field: str, found: Iterable[str] = ()) -> list[LabelClass]:
    """The classes in a layer's style, its value map and its labels.

    Args:
        layer: Labels.
        field: The class field; not used for a raster.
        found: Values that occur, as text; those that are not in the style come last.
    """
    looks = json.loads(look_of_classes(layer, field) or "[]")
    classes: list[LabelClass] = []
    known = {look["label"] for look in looks}
    looks += [
        {"label": label, "title": "", "color": ""}
        for label in sorted(set(found) - known, key=_order)
    ]
    taken = {look["color"].lower() for look in looks if look["color"]}
    for look in looks:
        name = look["title"] or plain_name(look["label"])
        colour = look["color"] or familiar_colour(name)
        if not look["color"] and (not colour or colour in taken):
            colour = free_colour(taken)
        taken.add(colour.lower())
        classes.append(LabelClass(look["label"], name, colour))
    return classes


def write_classes(layer: QgsMapLayer, field: str, classes: Sequence[LabelClass]) -> None:
    """Writes the classes to the layer's style, and to the value map of a numeric field.

    Args:
        layer: Labels, features or a class raster.
        field: The class field; not used for a raster.
        classes: All classes.
    """
    if isinstance(layer, QgsRasterLayer):
        layer.setRenderer(
            QgsPalettedRasterRenderer(
                layer.dataProvider(),
                1,
                [
                    QgsPalettedRasterRenderer.Class(
                        float(item.label), QColor(item.colour), item.name
                    )
                    for item in classes
                ],
            )
        )
    else:
        _write_features(layer, field, classes)
    layer.triggerRepaint()
    layer.emitStyleChanged()


def _write_features(layer: QgsVectorLayer, field: str, classes: Sequence[LabelClass]) -> None:
    column = layer.fields().lookupField(field)
    is_number = layer.fields().at(column).isNumeric()
    editor = layer.editorWidgetSetup(column)
    # An existing value map is kept up to date; a text field gets none, and a value relation is left to the user.
    if (is_number and editor.type() != "ValueRelation") or editor.type() == "ValueMap":
        options = dict(editor.config()) if editor.type() == "ValueMap" else {}
        options["map"] = [{item.name: item.label} for item in classes]
        layer.setEditorWidgetSetup(column, QgsEditorWidgetSetup("ValueMap", options))
    symbols: dict[str, Any] = {}
    rest: list[QgsRendererCategory] = []
    for category in categories_of(layer, field):
        value = category.value()
        if is_unset(value):  # "all other values", which stay visible
            rest.append(category)
        for one in value if isinstance(value, (list, tuple)) else [value]:
            # Cloned, as the symbol is deleted with this copy of its category.
            symbols[as_text(one)] = category.symbol().clone()
    categories = []
    for item in classes:
        symbol = symbols.pop(item.label, None) or _symbol(layer)
        colour = QColor(item.colour)
        colour.setAlpha(symbol.color().alpha())  # the imagery stays visible
        symbol.setColor(colour)
        value: Any = int(item.label) if is_number and is_whole(item.label) else item.label
        categories.append(QgsRendererCategory(value, symbol, item.name))
    layer.setRenderer(QgsCategorizedSymbolRenderer(field, [*categories, *rest]))


def _symbol(layer: QgsVectorLayer) -> Any:
    """A plain symbol that is transparent enough to see the imagery."""
    if layer.geometryType() == QgsWkbTypes.GeometryType.PointGeometry:
        return QgsMarkerSymbol.createSimple({"outline_color": "white", "size": "2.4"})
    symbol = QgsFillSymbol.createSimple({"outline_color": "white", "outline_width": "0.4"})
    symbol.setOpacity(0.6)
    return symbol


def is_whole(text: str) -> bool:
    """Whether a value is a whole number."""
    return re.fullmatch("-?[0-9]+", text) is not None


def _order(label: str) -> tuple[int, float, str]:
    """Sort key: numbers first, then text."""
    return (0, float(label), "") if is_whole(label) else (1, 0.0, label)
