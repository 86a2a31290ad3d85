"""The most likely class field of a label layer."""

from __future__ import annotations

import pytest
from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsEditorWidgetSetup,
    QgsVectorLayer,
)

from spectralgpt_qgis.class_field import likely_field


def layer(*fields):
    source = "&".join(("Polygon?crs=EPSG:4326", *(f"field={field}" for field in fields)))
    return QgsVectorLayer(source, "l", "memory")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (["id:integer", "Klasse:string"], "Klasse"),
        (["id:integer", "landcover:integer"], "landcover"),
        (["name:string", "Tipo:string"], "Tipo"),
        (["id:integer", "remark:string"], "remark"),  # the only text field
        (["fid:integer", "code:int8"], "code"),  # the only integer field
        (["code:integer", "remark:string"], "remark"),
        (
            ["id:integer", "stratum:int8", "stratum_name:string", "x:double", "reference:string"],
            "reference",
        ),
        (["id:integer"], ""),  # a feature id
        (["class_share:double"], ""),  # a share, not a class
        (["name:string", "remark:string"], ""),  # ambiguous
        (["a:integer", "b:integer"], ""),
        ([], ""),
    ],
)
def test_the_obvious_field(qgis_app, fields, expected):
    assert likely_field(layer(*fields)) == expected


def test_style_and_list_of_values_tell_more_than_names(qgis_app):
    found = layer("class:string", "a:integer", "b:integer")
    found.setEditorWidgetSetup(1, QgsEditorWidgetSetup("ValueMap", {}))
    assert likely_field(found) == "a"
    found.setRenderer(QgsCategorizedSymbolRenderer("b", []))
    assert likely_field(found) == "b"
