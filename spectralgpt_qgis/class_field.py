"""Which field of a label layer holds the class, where one is obvious."""

from __future__ import annotations

from qgis.core import Qgis, QgsField, QgsVectorLayer
from qgis.PyQt.QtCore import QMetaType, QVariant

# Parts of names, in lower case, the surest first; in the languages of the plugin.
_WORDS = (
    *("reference", "class", "klass", "clas", "类", "label", "rótulo", "rotulo", "etiqueta"),
    *(
        "categor",
        "kategor",
        "catégor",
        "typ",
        "tipo",
        "cover",
        "landuse",
        "land_use",
        "lulc",
        "crop",
    ),
)
_NUMBERS_OF_FEATURES = ("id", "fid", "gid", "ogc_fid", "objectid", "oid", "nr")
# QGIS 3.38 left the field types of Qt 5.
_NEW = Qgis.QGIS_VERSION_INT >= 33800
_KIND = QMetaType.Type if _NEW else QVariant
_TEXT = QMetaType.Type.QString if _NEW else QVariant.String
_WHOLE = (_KIND.Int, _KIND.UInt, _KIND.LongLong, _KIND.ULongLong)
_LISTS = (QMetaType.Type.QStringList, QMetaType.Type.QVariantList)


def likely_field(layer: QgsVectorLayer) -> str:
    """The field that the style or a list of values is about, else by name, else the only one; empty when in doubt.

    Args:
        layer: Of polygons or points.
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


def can_hold_classes(field: QgsField) -> bool:
    """Whether it is a text or a whole number."""
    return field.type() in (_TEXT, *_WHOLE)


def can_hold_labels(field: QgsField) -> bool:
    """The same, or a list: a scene may have several labels."""
    return can_hold_classes(field) or field.type() in _LISTS


def _has_list_of_values(layer: QgsVectorLayer, name: str) -> bool:
    return bool(layer.editorWidgetSetup(layer.fields().lookupField(name)).type() == "ValueMap")
