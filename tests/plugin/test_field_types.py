"""Which fields can hold classes, and which hold lists."""

from __future__ import annotations

import pytest
from qgis.core import QgsField, QgsFields, QgsVectorLayer

from spectralgpt_qgis.field_types import INTEGER, TEXT, can_hold_classes, is_list


@pytest.mark.parametrize(
    ("kind", "holds", "several"),
    [
        ("string", True, False),
        ("integer", True, False),
        ("int8", True, False),
        ("double", False, False),
        ("date", False, False),
        ("string[]", False, True),
        ("integer[]", False, True),
    ],
)
def test_types(qgis_app, kind, holds, several):
    layer = QgsVectorLayer(f"Polygon?crs=EPSG:4326&field=class:{kind}", "labels", "memory")
    field = layer.fields()[0]
    assert (can_hold_classes(field), is_list(field)) == (holds, several)


def test_made_ones_hold_classes(qgis_app):
    fields = QgsFields()
    for name, kind in (("text", TEXT), ("number", INTEGER)):
        fields.append(QgsField(name, kind))
    assert all(map(can_hold_classes, fields))
