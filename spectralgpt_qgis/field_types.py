"""Types of attribute fields, for all versions of QGIS."""

from __future__ import annotations

import json
from typing import Any

from qgis.core import Qgis, QgsField
from qgis.PyQt.QtCore import QMetaType, QVariant

# Since QGIS 3.38, field types are QMetaType.Type instead of QVariant.Type.
_NEW = Qgis.QGIS_VERSION_INT >= 33800
_KIND = QMetaType.Type if _NEW else QVariant
TEXT = QMetaType.Type.QString if _NEW else QVariant.String
INTEGER = _KIND.Int
_WHOLE = (INTEGER, _KIND.UInt, _KIND.LongLong, _KIND.ULongLong)
LONG = _KIND.LongLong
_UNSIGNED = (_KIND.UInt, _KIND.ULongLong)
# Types that a GeoPackage can store. They are only compared, which works with these names in all versions.
_PLAIN = (
    *(TEXT, INTEGER, LONG, QMetaType.Type.Double, QMetaType.Type.Bool),
    *(QMetaType.Type.QDate, QMetaType.Type.QTime, QMetaType.Type.QDateTime),
    QMetaType.Type.QByteArray,
)
_LISTS = (QMetaType.Type.QStringList, QMetaType.Type.QVariantList)


def can_hold_classes(field: QgsField) -> bool:
    """Whether a field holds text or integers."""
    return field.type() in (TEXT, *_WHOLE)


def is_list(field: QgsField) -> bool:
    """Whether a field holds lists of values."""
    return field.type() in _LISTS


def storable(field: QgsField) -> QgsField:
    """The field with a type that a GeoPackage can store: lists, JSON and other types become text."""
    if field.type() in _PLAIN:
        return QgsField(field)
    return QgsField(field.name(), LONG if field.type() in _UNSIGNED else TEXT)


def stored(value: Any) -> Any:
    """The value to write where `storable` changed the field's type; the items of lists are joined with ";"."""
    if isinstance(value, (list, tuple)):
        return ";".join(str(item) for item in value)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value
