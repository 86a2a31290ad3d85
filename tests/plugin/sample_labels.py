"""Labels for the sample scene, drawn where its water mask is certain."""

from __future__ import annotations

from pathlib import Path

from osgeo import gdal
from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsFeature,
    QgsFillSymbol,
    QgsGeometry,
    QgsProject,
    QgsRectangle,
    QgsRendererCategory,
    QgsVectorLayer,
)

SAMPLE = Path(__file__).resolve().parents[2] / "resources" / "sample"
SCENE = str(SAMPLE / "boadella_2020-06-21.tif")
COLOURS = {"Land": "#7a9a3a", "Water": "#2266cc"}
SIDE = 5  # side of a polygon in pixels
APART = 50  # pixels between two polygons, so that each counts as a separate place


def water_and_land(places: int = 4) -> QgsVectorLayer:
    """Adds a layer to the project with a number of squares of each class; its class field is `kind`."""
    dataset = gdal.Open(str(SAMPLE / "boadella_2020-06-21_water.tif"))
    water = dataset.ReadAsArray()
    left, width, _, top, _, height = dataset.GetGeoTransform()
    layer = QgsVectorLayer("Polygon?crs=EPSG:4326&field=kind:string", "Water and land", "memory")
    layer.setRenderer(
        QgsCategorizedSymbolRenderer(
            "kind",
            [
                QgsRendererCategory(name, QgsFillSymbol.createSimple({"color": color}), name)
                for name, color in COLOURS.items()
            ],
        )
    )
    for value, name in enumerate(COLOURS):
        for row, column in _uniform(water == value)[:places]:
            feature = QgsFeature(layer.fields())
            corner = left + width * column, top + height * row
            opposite = corner[0] + width * SIDE, corner[1] + height * SIDE
            feature.setGeometry(QgsGeometry.fromRect(QgsRectangle(*corner, *opposite)))
            feature.setAttributes([name])
            layer.dataProvider().addFeature(feature)
    QgsProject.instance().addMapLayer(layer)
    return layer


def _uniform(inside) -> list[tuple[int, int]]:
    """Corners of squares that are inside with a margin of one pixel, and far from each other."""
    found: list[tuple[int, int]] = []
    for row in range(4, inside.shape[0] - SIDE - 4, 3):
        for column in range(4, inside.shape[1] - SIDE - 4, 3):
            far = all(abs(row - r) + abs(column - c) > APART for r, c in found)
            if far and inside[row - 1 : row + SIDE + 1, column - 1 : column + SIDE + 1].all():
                found.append((row, column))
    return found
