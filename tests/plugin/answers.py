"""Answers and files of the stand-in for the engine."""

from __future__ import annotations

from osgeo import gdal, osr

LAND = [
    {"value": 1, "name": "water", "title": "Water", "color": "#2a7fb8"},
    {"value": 2, "name": "trees", "title": "Trees", "color": "#2f8f4e"},
    {"value": 3, "name": "bare", "title": "Bare ground", "color": "#e9c46a"},
]
AREAS = [
    {"value": 1, "name": "water", "pixels": 10, "area_m2": 1000.0},
    {"value": 2, "name": "trees", "pixels": 5, "area_m2": 500.0},
    {"value": 3, "name": "bare", "pixels": 0, "area_m2": 0.0},
]


def write_class_map(path):
    raster = gdal.GetDriverByName("GTiff").Create(str(path), 4, 4, 1)
    raster.SetGeoTransform((2.8, 0.001, 0, 42.4, 0, -0.001))
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(4326)
    raster.SetProjection(reference.ExportToWkt())
    raster.GetRasterBand(1).SetNoDataValue(0)
    raster.GetRasterBand(1).Fill(1)
