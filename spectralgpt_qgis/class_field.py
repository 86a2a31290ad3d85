"""Guesses which field of a label layer holds the class."""

from __future__ import annotations

from qgis.core import QgsVectorLayer

from .field_types import can_hold_classes

# Parts of field names in lower case, in the languages of the plugin; the most reliable ones first.
_WORDS = (
    "reference", "class", "klass", "clas", "类", "label", "rótulo", "rotulo", "etiqueta", "categor", "kategor",
    "catégor", "typ", "tipo", "cover", "landuse", "land_use", "lulc", "crop",
)  # fmt: skip
_NUMBERS_OF_FEATURES = ("id", "fid", "gid", "ogc_fid", "objectid", "oid", "nr")


def likely_field(layer: QgsVectorLayer) -> str:
    """The field that most likely holds the class; empty if in doubt.

    In order of priority: the field of a categorized style, a field with a value map or value relation, a field whose
    name says so, the only text field, the only field.

    Args:
        layer: A layer of polygons or points.
    """
    fields = [field for field in layer.fields() if can_hold_classes(field)]
    fields = [field for field in fields if field.name().lower() not in _NUMBERS_OF_FEATURES]
    names = [field.name() for field in fields]
    renderer = layer.renderer()
    attribute = renderer.classAttribute() if hasattr(renderer, "classAttribute") else ""
    listed = [name for name in names if _has_list_of_values(layer, name)]
    named = [name for word in _WORDS for name in names if word in name.lower()]
    found = [name for name in (attribute.strip('"'), *listed, *named) if name in names]
    if found:
        return found[0]
    texts = [field.name() for field in fields if not field.isNumeric()]
    for candidates in (texts, names):
        if len(candidates) == 1:
            return candidates[0]
    return ""


def _has_list_of_values(layer: QgsVectorLayer, name: str) -> bool:
    setup = layer.editorWidgetSetup(layer.fields().lookupField(name))
    return setup.type() in ("ValueMap", "ValueRelation")
