"""Typical label layers, and reading them as the engine does."""

from __future__ import annotations

from osgeo import gdal, ogr
from qgis.core import (
    QgsFeature,
    QgsFillSymbol,
    QgsGeometry,
    QgsProject,
    QgsRectangle,
    QgsRendererCategory,
    QgsVectorFileWriter,
    QgsVectorLayer,
)

# On the sample scene, in the CRS of its UTM zone.
PLACES = {"water": (321000, 4694000), "trees": (319000, 4693000), "bare": (320000, 4692000)}


def square(x, y, side=100):
    return QgsGeometry.fromRect(QgsRectangle(x, y, x + side, y + side))


def label_layer(*labels, kind="Polygon", field="class:string", name="labels"):
    layer = QgsVectorLayer(f"{kind}?crs=EPSG:32631&field={field}", name, "memory")
    for number, label in enumerate(labels):
        feature = QgsFeature(layer.fields())
        place = square(319000 + 300 * number, 4693000)
        feature.setGeometry(place.centroid() if kind == "Point" else place)
        feature.setAttributes([label])
        layer.dataProvider().addFeatures([feature])
    QgsProject.instance().addMapLayer(layer)
    return layer


def fake_file(folder, *labels):
    path = str(folder / "labels.gpkg")
    QgsVectorFileWriter.writeAsVectorFormatV3(
        label_layer(*labels),
        path,
        QgsProject.instance().transformContext(),
        QgsVectorFileWriter.SaveVectorOptions(),
    )
    return path


def class_raster(folder, scene):
    path = str(folder / "classes.tif")
    gdal.Translate(
        path, scene, bandList=[1], outputType=gdal.GDT_Byte, scaleParams=[[0, 9e9, 1, 1]]
    )
    return path


def read_back(job):
    """The labels as the engine reads them: (EPSG code, class of each feature)."""
    source = ogr.Open(job["labels" if "labels" in job else "reference"])
    layer = source.GetLayer(0)
    code = layer.GetSpatialRef().GetAuthorityCode(None)
    return code, [feature.GetField(job["field"]) for feature in layer]


def category(value, color, title):
    return QgsRendererCategory(value, QgsFillSymbol.createSimple({"color": color}), title)
