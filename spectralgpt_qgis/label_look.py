"""Reads the names and colours of the classes of a label layer, as the user set them in the layer's properties."""

from __future__ import annotations

import json
from typing import Any

from qgis.core import (
    NULL,
    QgsCategorizedSymbolRenderer,
    QgsEditorWidgetSetup,
    QgsFeatureRequest,
    QgsMapLayer,
    QgsPalettedRasterRenderer,
    QgsProject,
    QgsRasterLayer,
    QgsRendererCategory,
    QgsValueMapFieldFormatter,
    QgsValueRelationFieldFormatter,
    QgsVectorLayer,
)

_HELD = "spectralgpt/class_looks"  # custom property of the layer, JSON
_MOST_RELATED = 256  # rows; a larger table is not one of classes


def look_of_classes(layer: QgsMapLayer, field: str) -> str:
    """Reads names and colours; call it in the layer's thread.

    Args:
        layer: Labels: features with a class field, or a class raster.
        field: The class field; not used for a raster.

    Returns:
        JSON: a list of {"label", "title", "color"}, label as text, color "#rrggbb"; title and color are empty where the
        layer defines none. An empty text if it defines none for any class.
    """
    if isinstance(layer, QgsRasterLayer):
        looks = _of_palette(layer)
    elif isinstance(layer, QgsVectorLayer):
        looks = _of_features(layer, field)
    else:
        looks = []
    return json.dumps(looks, ensure_ascii=False) if looks else ""


def hold_looks(layer: QgsMapLayer, field: str, looks: dict[str, tuple[str, str]]) -> None:
    """Stores in the layer how the dock shows the classes, for those that the layer's style does not define.

    Args:
        layer: Labels; its style is not changed.
        field: The class field; not used for a raster.
        looks: Title and "#rrggbb" by label.
    """
    layer.setCustomProperty(_HELD, json.dumps({"field": field, "looks": looks}))


def look_in_training(layer: QgsMapLayer, field: str) -> str:
    """Same as `look_of_classes`, completed with what `hold_looks` stored."""
    looks = {look["label"]: look for look in json.loads(look_of_classes(layer, field) or "[]")}
    held = json.loads(layer.customProperty(_HELD) or "{}")
    if held.get("field") == field:
        for label, (title, color) in held["looks"].items():
            look = looks.setdefault(label, {"label": label, "title": "", "color": ""})
            look["title"] = look["title"] or title
            look["color"] = look["color"] or color
    return json.dumps(list(looks.values()), ensure_ascii=False) if looks else ""


def _of_palette(layer: QgsRasterLayer) -> list[dict[str, str]]:
    renderer = layer.renderer()
    if not isinstance(renderer, QgsPalettedRasterRenderer):
        return []
    return [
        {
            "label": as_text(item.value),
            "title": "" if item.label == as_text(item.value) else item.label,
            "color": item.color.name(),
        }
        for item in renderer.classes()
    ]


def _of_features(layer: QgsVectorLayer, field: str) -> list[dict[str, str]]:
    titles = _value_map(layer, field)
    looks = {
        label: {"label": label, "title": title, "color": ""} for label, title in titles.items()
    }
    for category in categories_of(layer, field):
        value, symbol = category.value(), category.symbol()
        merged = isinstance(value, (list, tuple))
        for item in value if merged else [value]:
            if is_unset(item):
                continue  # "all other values"
            label = as_text(item)
            # The legend text of a category with several values is not the name of any single one.
            legend = "" if merged else category.label()
            title = legend if legend and legend != label else titles.get(label, "")
            color = symbol.color().name() if symbol is not None else ""
            looks[label] = {"label": label, "title": title, "color": color}
    return list(looks.values())


def categories_of(layer: QgsVectorLayer, field: str) -> list[QgsRendererCategory]:
    """Copies of the categories of a layer's style; empty if the style is not one by this field."""
    renderer = layer.renderer()
    if not isinstance(renderer, QgsCategorizedSymbolRenderer):
        return []
    attribute = renderer.classAttribute()  # may be a quoted name
    if attribute.startswith('"') and attribute.endswith('"'):
        attribute = attribute[1:-1].replace('""', '"')
    return list(renderer.categories()) if attribute == field else []


def _value_map(layer: QgsVectorLayer, field: str) -> dict[str, str]:
    """Value -> its text in the attribute form, from a value map or a value relation."""
    index = layer.fields().lookupField(field)
    setup = layer.editorWidgetSetup(index) if index >= 0 else QgsEditorWidgetSetup()
    if setup.type() == "ValueRelation":
        return _related(layer.project(), setup.config())
    if setup.type() != "ValueMap":
        return {}
    entries: Any = setup.config().get("map") or []
    # QGIS before 3.0 stored one mapping, later versions store a list of mappings with one entry each.
    pairs = [
        pair
        for entry in ([entries] if isinstance(entries, dict) else entries)
        for pair in entry.items()
    ]
    return {
        as_text(value): str(title)
        for title, value in pairs
        if value not in (None, "", QgsValueMapFieldFormatter.NULL_VALUE)
    }


def _related(project: QgsProject | None, config: dict[str, Any]) -> dict[str, str]:
    """Key -> value of a related table; empty if the table is missing, or too large to be one of classes."""
    resolve = QgsValueRelationFieldFormatter.resolveLayer
    table = resolve(config, project) if project is not None else None
    if table is None or table.featureCount() > _MOST_RELATED:
        return {}
    key, title = (table.fields().lookupField(config.get(name, "")) for name in ("Key", "Value"))
    if min(key, title) < 0:
        return {}
    # Not with the formatter's createCache, whose items are wrong in the Python bindings of QGIS 3.22.
    rows = table.getFeatures(QgsFeatureRequest().setFlags(QgsFeatureRequest.Flag.NoGeometry))
    return {
        as_text(row.attribute(key)): str(row.attribute(title))
        for row in rows
        if not is_unset(row.attribute(key))
    }


def as_text(value: Any) -> str:
    """A class value as text in the engine's notation: whole numbers without a decimal point, booleans in lower case."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def is_unset(value: Any) -> bool:
    """Whether a feature has no class."""
    return value is None or value == NULL or value == ""
