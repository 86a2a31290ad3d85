"""Label counts: polygons by class, their area in pixels of the imagery, and features that are not counted."""

from __future__ import annotations

import pytest
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
    QgsVectorLayerFeatureSource,
)

from spectralgpt_qgis.tasks.label_count import ClassCount, LabelCount, RasterCount
from tests.plugin.gui.training.desk import pixels, sample_layer, square


@pytest.fixture
def raster(qgis_app, scene):
    return sample_layer(scene)


@pytest.fixture
def labels(qgis_app):
    layer = QgsVectorLayer("Polygon?crs=EPSG:32631&field=class:integer", "l", "memory")
    layer.startEditing()
    return layer


def counted(layer, pixel_area=100.0, transform=None, extents=()):
    task = LabelCount(
        "count",
        QgsVectorLayerFeatureSource(layer),
        0,
        transform or QgsCoordinateTransform(),
        pixel_area,
        extents,
    )
    assert task.run(), task.exception
    return task.result


def test_unsaved_polygons_count_by_class_and_in_pixels(labels):
    square(labels, 1, QgsRectangle(0, 0, 50, 50))
    square(labels, 1, QgsRectangle(100, 0, 130, 20))
    square(labels, 2, QgsRectangle(0, 100, 10, 110))
    counts = counted(labels)
    # Pixels of 10 m x 10 m: 2500 / 100 + 600 / 100 = 31.
    assert counts.of("1") == ClassCount(2, 31.0)
    assert counts.of("2") == ClassCount(1, 1.0)
    assert counts.of("3") == ClassCount(0, 0.0)


def test_what_is_smaller_than_a_pixel_labels_one(labels):
    square(labels, 1, QgsRectangle(0, 0, 2, 2))
    assert counted(labels).of("1").pixels == 1.0


def test_without_imagery_polygons_are_counted_but_no_pixels(labels):
    square(labels, 1, QgsRectangle(0, 0, 50, 50))
    assert counted(labels, pixel_area=0.0).of("1") == ClassCount(1, 0.0)


def test_polygons_without_a_class_or_beside_the_rasters_are_told_apart(labels):
    square(labels, None, QgsRectangle(0, 0, 50, 50))
    square(labels, 1, QgsRectangle(900, 900, 950, 950))
    counts = counted(labels, extents=[QgsRectangle(0, 0, 100, 100)])
    assert (counts.unset, counts.outside, counts.classes) == (1, 1, {})


def test_areas_are_those_in_the_crs_of_the_imagery(labels, raster):
    lonlat = QgsCoordinateReferenceSystem("EPSG:4326")
    there = QgsCoordinateTransform(lonlat, labels.crs(), QgsProject.instance())
    square(labels, 1, there.transformBoundingBox(pixels(raster, 100, 100, 20)))
    back = QgsCoordinateTransform(labels.crs(), lonlat, QgsProject.instance())
    pixel = raster.rasterUnitsPerPixelX() * raster.rasterUnitsPerPixelY()
    # 20 x 20 pixels; the bounding box of the rotated square is slightly larger.
    assert 400 <= counted(labels, pixel, back).of("1").pixels < 440


def test_a_cancelled_count_has_no_result(labels):
    square(labels, 1, QgsRectangle(0, 0, 50, 50))
    task = LabelCount(
        "count", QgsVectorLayerFeatureSource(labels), 0, QgsCoordinateTransform(), 1.0
    )
    task.cancel()
    assert not task.run()
    assert task.result is None
    assert task.exception is None


def test_cells_of_a_class_raster(qgis_app, later_scene):
    task = RasterCount("count", later_scene.replace(".tif", "_water.tif"))
    assert task.run(), task.exception
    land, water = task.result.of("0"), task.result.of("1")
    assert land.features == water.features == 0
    assert land.pixels + water.pixels == 380 * 377
    assert land.pixels > water.pixels > 10000


def test_no_data_is_no_class(qgis_app, tmp_path):
    from osgeo import gdal

    path = str(tmp_path / "labels.tif")
    dataset = gdal.GetDriverByName("GTiff").Create(path, 4, 1, 1, gdal.GDT_UInt16)
    dataset.GetRasterBand(1).SetNoDataValue(0)
    dataset.WriteRaster(0, 0, 4, 1, b"\x00\x00\x03\x00\x03\x00\x2c\x01", buf_type=gdal.GDT_UInt16)
    del dataset
    task = RasterCount("count", path)
    assert task.run(), task.exception
    # 0 (no data), 3, 3, 300.
    assert task.result.classes == {"3": ClassCount(0, 2.0), "300": ClassCount(0, 1.0)}
    assert [file.name for file in tmp_path.iterdir()] == ["labels.tif"]


def test_what_cannot_be_counted_is_not_known(qgis_app, tmp_path, scene):
    for path in ("", str(tmp_path / "gone.tif")):
        task = RasterCount("count", path)
        assert task.run(), task.exception
        assert not task.result.known


def test_a_cancelled_count_of_cells_has_no_result(qgis_app, later_scene):
    task = RasterCount("count", later_scene)
    task.cancel()
    assert not task.run()
    assert task.result is None
    assert task.exception is None
