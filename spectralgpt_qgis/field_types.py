"""Types of fields, by the names that this version of QGIS has for them."""

from __future__ import annotations

from qgis.core import Qgis, QgsField
from qgis.PyQt.QtCore import QMetaType, QVariant

# QGIS 3.38 left the field types of Qt 5.
_NEW = Qgis.QGIS_VERSION_INT >= 33800
_KIND = QMetaType.Type if _NEW else QVariant
TEXT = QMetaType.Type.QString if _NEW else QVariant.String
INTEGER = _KIND.Int
_WHOLE = (INTEGER, _KIND.UInt, _KIND.LongLong, _KIND.ULongLong)
_LISTS = (QMetaType.Type.QStringList, QMetaType.Type.QVariantList)


def can_hold_classes(field: QgsField) -> bool:
    """Whether it is a text or a whole number."""
    return field.type() in (TEXT, *_WHOLE)


def is_list(field: QgsField) -> bool:
    """Whether it holds several values."""
    return field.type() in _LISTS
