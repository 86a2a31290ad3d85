"""Types of fields, by the names that this version of QGIS has for them."""

from __future__ import annotations

import json
from typing import Any

from qgis.core import Qgis, QgsField
from qgis.PyQt.QtCore import QMetaType, QVariant

# QGIS 3.38 left the field types of Qt 5.
_NEW = Qgis.QGIS_VERSION_INT >= 33800
_KIND = QMetaType.Type if _NEW else QVariant
TEXT = QMetaType.Type.QString if _NEW else QVariant.String
INTEGER = _KIND.Int
_WHOLE = (INTEGER, _KIND.UInt, _KIND.LongLong, _KIND.ULongLong)
_LONG = _KIND.LongLong
_UNSIGNED = (_KIND.UInt, _KIND.ULongLong)
# What a GeoPackage holds as it is; compared only, so that one name does for all versions.
_PLAIN = (
    *(TEXT, INTEGER, _LONG, QMetaType.Type.Double, QMetaType.Type.Bool),
    *(QMetaType.Type.QDate, QMetaType.Type.QTime, QMetaType.Type.QDateTime),
    QMetaType.Type.QByteArray,
)
_LISTS = (QMetaType.Type.QStringList, QMetaType.Type.QVariantList)


def can_hold_classes(field: QgsField) -> bool:
    """Whether it is a text or a whole number."""
    return field.type() in (TEXT, *_WHOLE)


def is_list(field: QgsField) -> bool:
    """Whether it holds several values."""
    return field.type() in _LISTS


def storable(field: QgsField) -> QgsField:
    """The field as a GeoPackage can hold it: lists, JSON and other types that it lacks become text."""
    if field.type() in _PLAIN:
        return QgsField(field)
    return QgsField(field.name(), _LONG if field.type() in _UNSIGNED else TEXT)


def stored(value: Any) -> Any:
    """What goes into a `storable` field of another type: of a list its items with ";" between them."""
    if isinstance(value, (list, tuple)):
        return ";".join(str(item) for item in value)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value
