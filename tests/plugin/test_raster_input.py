"""How a raster layer is passed to the engine: as its file or as a copy, with a stand-in for the engine."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import pytest
from osgeo import gdal
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProject,
    QgsRasterDataProvider,
    QgsRasterLayer,
    QgsRasterRange,
)

from spectralgpt_qgis.algorithms.raster_input import read_raster
from spectralgpt_qgis.raster_source import engine_path
from tests.plugin.answers import write_class_map


def test_no_data_that_the_user_added_to_the_layer(run, fake_engine, segmenting, scene):
    layer = QgsRasterLayer(scene, "boadella")
    layer.dataProvider().setUserNoDataValue(1, [QgsRasterRange(7, 7)])
    layer.dataProvider().setUserNoDataValue(2, [QgsRasterRange(9, 9), QgsRasterRange(20, 30)])
    QgsProject.instance().addMapLayer(layer)
    run("segment", {**segmenting, "INPUT": layer.id()})
    assert fake_engine.job["nodata"] == [7.0, 9.0]
    assert "range 20.0 to 30.0 of 'boadella' is ignored" in run.feedback.textLog()


def test_no_data_of_a_band_with_scale_and_offset(run, fake_engine, segmenting, scene, tmp_path):
    """In QGIS the value is a reflectance of 0.1, for which the file has (0.1 + 0.1) / 0.0001 = 2000."""
    scaled = str(tmp_path / "scaled.tif")
    copy = gdal.GetDriverByName("GTiff").CreateCopy(scaled, gdal.Open(scene))
    for band in (1, 2):
        copy.GetRasterBand(band).SetScale(0.0001)
        copy.GetRasterBand(band).SetOffset(-0.1)
    del copy
    layer = QgsRasterLayer(scaled, "scaled")
    layer.dataProvider().setUserNoDataValue(1, [QgsRasterRange(0.1, 0.1)])
    layer.dataProvider().setUserNoDataValue(2, [QgsRasterRange(0, 0)])
    # A band without scale and offset.
    layer.dataProvider().setUserNoDataValue(3, [QgsRasterRange(7, 7)])
    QgsProject.instance().addMapLayer(layer)
    run("segment", {**segmenting, "INPUT": layer.id()})
    assert fake_engine.job["nodata"] == [2000.0, 1000.0, 7.0]


def test_options_of_the_layer_source_do_not_reach_the_engine(run, fake_engine, segmenting, scene):
    """Open options cannot be passed on in a file name, so the layer is copied as QGIS reads it."""
    layer = QgsRasterLayer(f"{scene}|option:NUM_THREADS=1", "boadella")
    assert layer.isValid()
    QgsProject.instance().addMapLayer(layer)
    names = []

    def during(job):
        write_class_map(job["output"])
        copy = gdal.Open(job["input"])
        names.extend(copy.GetRasterBand(n + 1).GetDescription() for n in range(copy.RasterCount))

    fake_engine.during = during
    run("segment", {**segmenting, "INPUT": layer.id()})
    assert "|" not in fake_engine.job["input"]
    original = gdal.Open(scene)
    assert names == [
        original.GetRasterBand(n + 1).GetDescription() for n in range(original.RasterCount)
    ]


@pytest.mark.parametrize("name", ["NETCDF", "vsizip"])
def test_gdal_names_pass_as_they_are(run, fake_engine, segmenting, scene, tmp_path, name):
    import zipfile

    if name == "vsizip":
        with zipfile.ZipFile(tmp_path / "scene.zip", "w") as archive:
            archive.write(scene, "scene.tif")
        source = f"/vsizip/{tmp_path}/scene.zip/scene.tif"
    else:
        gdal.Translate(str(tmp_path / "scene.nc"), scene, format="netCDF", bandList=[1])
        source = f'NETCDF:"{tmp_path}/scene.nc":Band1'
    layer = QgsRasterLayer(source, "scene")
    assert layer.isValid()
    QgsProject.instance().addMapLayer(layer)
    run("segment", {**segmenting, "INPUT": layer.id()})
    assert fake_engine.job["input"] == source


def test_formats_that_the_engine_lacks_are_copied(run, fake_engine, segmenting, scene, tmp_path):
    """Such as HDF4 of MODIS, which rasterio's GDAL does not support, so that the run failed with "damaged"."""
    if gdal.GetDriverByName("HDF4Image") is None:
        pytest.skip("this GDAL writes no HDF4")
    source = str(tmp_path / "scene.hdf")
    gdal.Translate(source, scene, format="HDF4Image", outputType=gdal.GDT_Float32)
    layer = QgsRasterLayer(source, "MOD09 A1")
    assert layer.isValid()
    QgsProject.instance().addMapLayer(layer)
    files = []

    def during(job):
        write_class_map(job["output"])
        files.extend(gdal.Open(job["input"]).GetFileList())

    fake_engine.during = during
    run("segment", {**segmenting, "INPUT": layer.id()})
    assert Path(files[0]).name == "MOD09_A1.tif", "called like the layer in the engine's messages"


@pytest.mark.parametrize("prefix", ["PG: host=127.0.0.1", "PG:dbname='gis'"])
def test_databases_are_not_opened_by_the_engine(qgis_app, prefix):
    """The engine's GDAL supports none; and data source names contain passwords, which its messages revealed."""
    layer = SimpleNamespace(
        providerType=lambda: "gdal", source=lambda: f"{prefix} password=p table=scene mode=2"
    )
    assert engine_path(layer) == ""


def virtual_layer(scene):
    """A layer that is not a file, but computed by QGIS."""
    inner = QgsRasterLayer(scene, "inner")
    area = inner.extent()
    corners = (area.xMinimum(), area.yMinimum(), area.xMaximum(), area.yMaximum())
    doubled = quote('"inner@1" * 2')
    uri = (
        f"?crs=EPSG:4326&extent={','.join(map(str, corners))}"
        f"&width={inner.width()}&height={inner.height()}"
        f"&formula={doubled}&inner:uri={quote(scene)}&inner:provider=gdal"
    )
    layer = QgsRasterLayer(uri, "doubled", "virtualraster")
    assert layer.isValid()
    QgsProject.instance().addMapLayer(layer)
    return layer


def test_a_layer_that_is_no_file_is_copied(run, fake_engine, segmenting, scene):
    seen = {}

    def during(job):
        write_class_map(job["output"])
        copy = gdal.Open(job["input"])
        seen["size"] = (copy.RasterXSize, copy.RasterYSize)
        seen["pixel"] = copy.GetRasterBand(1).ReadAsArray(50, 60, 1, 1)[0, 0]
        seen["file"] = job["input"]

    fake_engine.during = during
    run("segment", {**segmenting, "INPUT": virtual_layer(scene).id()})
    original = gdal.Open(scene)
    assert seen["size"] == (original.RasterXSize, original.RasterYSize)
    assert seen["pixel"] == 2 * original.GetRasterBand(1).ReadAsArray(50, 60, 1, 1)[0, 0]
    assert not Path(seen["file"]).exists(), "the temporary file must be gone"


def test_only_the_extent_is_copied(run, fake_engine, segmenting, scene):
    layer = virtual_layer(scene)
    area = layer.extent()
    half = (area.xMinimum() + area.xMaximum()) / 2
    sizes = []

    def during(job):
        write_class_map(job["output"])
        copy = gdal.Open(job["input"])
        sizes.append((copy.RasterXSize, copy.RasterYSize))

    fake_engine.during = during
    extent = f"{area.xMinimum()},{half},{area.yMinimum()},{area.yMaximum()} [EPSG:4326]"
    run("segment", {**segmenting, "INPUT": layer.id(), "EXTENT": extent})
    assert sizes == [(layer.width() // 2, layer.height())]


@pytest.mark.parametrize(
    ("crs", "corner", "pixel"),
    [
        ("EPSG:3857", (556_597, 6_446_276), (15.5, 15.5)),  # 5 E, 50 N: 10 m / cos(50 degrees)
        ("EPSG:3857", (556_597, 0), (10, 10)),
        ("EPSG:32631", (643_000, 5_540_000), (10, 10)),
        ("EPSG:4326", (5, 50), (1.395e-4, 8.99e-5)),  # 71.7 and 111.2 km per degree
    ],
)
def test_a_service_is_copied_at_the_models_pixel_on_the_ground(
    qgis_app, monkeypatch, tmp_path, crs, corner, pixel
):
    """The stand-in for a service is a layer whose provider tells no size."""
    x, y = corner
    wide, high = 100 * pixel[0], 60 * pixel[1]
    path = str(tmp_path / "service.tif")
    made = gdal.GetDriverByName("GTiff").Create(path, 100, 60, 4, gdal.GDT_UInt16)
    made.SetProjection(QgsCoordinateReferenceSystem(crs).toWkt())
    made.SetGeoTransform((x - wide / 2, pixel[0], 0, y + high / 2, 0, -pixel[1]))
    made = None
    layer = QgsRasterLayer(path, "service")
    monkeypatch.setattr(QgsRasterDataProvider, "xSize", lambda self: 0)
    raster = read_raster(layer)._replace(path="")
    feedback = QgsProcessingFeedback()
    copy = raster.source(
        tmp_path,
        (layer.extent(), layer.crs()),
        10.0,
        QgsProject.instance().transformContext(),
        feedback,
    )
    done = gdal.Open(copy)
    assert done.RasterXSize == pytest.approx(100, abs=1)
    assert done.RasterYSize == pytest.approx(60, abs=1)
    assert (
        "'service' is a service without a size of its own: it is read at 10 m on the ground"
        in feedback.textLog()
    )


def test_a_copy_that_would_be_too_large(run, segmenting, scene, monkeypatch):
    from spectralgpt_qgis.algorithms import raster_input

    monkeypatch.setattr(raster_input, "EXPORT_LIMIT", 1000)
    with pytest.raises(QgsProcessingException) as caught:
        run("segment", {**segmenting, "INPUT": virtual_layer(scene).id()})
    assert "At most 0.0 GB can be copied" in str(caught.value)
    assert "Set a smaller extent, or save the layer as a GeoTIFF" in str(caught.value)


def test_the_crs_of_a_file_without_one_is_its_own_layers(
    run, fake_engine, scene, later_scene, tmp_path
):
    """The first date's file has EPSG:4326; the second has no CRS, and the user set another one in QGIS."""
    warped = gdal.Warp("", later_scene, format="VRT", dstSRS="EPSG:32631")
    copy = gdal.GetDriverByName("GTiff").CreateCopy(str(tmp_path / "after.tif"), warped)
    copy.SetProjection("")
    copy = None
    after = QgsRasterLayer(str(tmp_path / "after.tif"), "after")
    after.setCrs(QgsCoordinateReferenceSystem("EPSG:32631"))
    QgsProject.instance().addMapLayer(after)
    fake_engine.result = {"classes": []}
    output = str(tmp_path / "change.tif")
    run("detectchange", {"BEFORE": scene, "AFTER": after.id(), "OUTPUT": output})
    assert fake_engine.job["crs"] == "EPSG:32631"
