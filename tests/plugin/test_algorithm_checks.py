"""What is refused before a run, with messages that say what to do."""

from __future__ import annotations

import pytest
from osgeo import gdal
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsProcessingContext,
    QgsProject,
    QgsRasterLayer,
    QgsVectorLayer,
)


@pytest.fixture
def refused(provider, models):
    def check(name, parameters):
        context = QgsProcessingContext()
        context.setProject(QgsProject.instance())
        valid, reason = provider.algorithm(name).checkParameterValues(parameters, context)
        return "" if valid else reason

    return check


@pytest.fixture
def segment(scene):
    return {"INPUT": scene, "OUTPUT": "TEMPORARY_OUTPUT"}


def test_defaults_are_accepted(refused, segment):
    assert refused("segment", segment) == ""


def test_no_raster(refused):
    assert "INPUT" in refused("segment", {"INPUT": "/nowhere.tif", "OUTPUT": "/tmp/a.tif"})


def test_a_source_longer_than_a_file_name_is_no_file(refused):
    """For instance the source of a web service with many layers."""
    source = f"layers={'a' * 300}&url=https://example.org/wms"
    assert "INPUT" in refused("segment", {"INPUT": source, "OUTPUT": "TEMPORARY_OUTPUT"})


@pytest.fixture
def picture():
    """A tile layer, as the basemaps of most projects are; no request is sent."""
    tiles = "type=xyz&url=http://127.0.0.1:9/{z}/{x}/{y}.png&zmax=18&zmin=0"
    layer = QgsRasterLayer(tiles, "Tiles", "wms")
    assert layer.isValid()
    return QgsProject.instance().addMapLayer(layer)


@pytest.mark.parametrize(
    ("name", "raster", "expected"),
    [
        ("segment", "INPUT", "measured bands"),
        ("classify", "INPUT", "measured bands"),
        ("finetune", "INPUT", "measured bands"),
        ("pretrain", "INPUTS", "measured bands"),
        ("evaluate", "INPUT", "colours are not classes"),
        ("sample", "INPUT", "colours are not classes"),
    ],
)
def test_pictures_of_a_service_are_no_measurements(refused, picture, name, raster, expected):
    """Refused before an extent is required, and before tiles are copied in vain."""
    labels = QgsVectorLayer("Polygon?crs=EPSG:4326&field=kind:string", "labels", "memory")
    QgsProject.instance().addMapLayer(labels)
    given = {"OUTPUT": "TEMPORARY_OUTPUT", raster: picture.id(), "FIELD": "kind"}
    given |= {"LABELS": labels.id(), "REFERENCE": labels.id()}
    reason = refused(name, given)
    assert reason.startswith("The layer 'Tiles' is an image rendered by a web service")
    assert expected in reason and "GeoTIFF" in reason


def test_pictures_are_no_labels(refused, picture, scene):
    reason = refused("finetune", {"INPUT": [scene], "LABELS": picture.id()})
    assert "colours are not classes" in reason


@pytest.fixture
def nowhere(scene, tmp_path):
    """A raster layer without a CRS."""
    source = gdal.Open(scene)
    copy = gdal.GetDriverByName("GTiff").CreateCopy(str(tmp_path / "nowhere.tif"), source)
    copy.SetProjection("")
    copy = None
    layer = QgsRasterLayer(str(tmp_path / "nowhere.tif"), "Nowhere")
    layer.setCrs(QgsCoordinateReferenceSystem())
    return QgsProject.instance().addMapLayer(layer)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("segment", {"INPUT": "NOWHERE", "OUTPUT": "TEMPORARY_OUTPUT"}),
        ("detectchange", {"BEFORE": "SCENE", "AFTER": "NOWHERE", "OUTPUT": "TEMPORARY_OUTPUT"}),
        ("sample", {"INPUT": "NOWHERE", "OUTPUT": "TEMPORARY_OUTPUT"}),
        ("pretrain", {"INPUTS": ["SCENE", "NOWHERE"]}),
    ],
)
def test_a_raster_without_a_crs_is_refused_by_its_name(refused, scene, nowhere, name, parameters):
    values = {"SCENE": scene, "NOWHERE": nowhere.id()}
    given = {
        key: [values[item] for item in value]
        if isinstance(value, list)
        else values.get(value, value)
        for key, value in parameters.items()
    }
    assert refused(name, given) == (
        "The layer 'Nowhere' has no coordinate reference system. Set it with right-click, Layer CRS."
    )
    nowhere.setCrs(QgsCoordinateReferenceSystem("EPSG:4326"))
    assert "coordinate reference system" not in refused(name, given)


def test_labels_with_no_field_for_a_class_are_told_to_get_one(refused, scene):
    layer = QgsVectorLayer("Polygon?crs=EPSG:4326&field=share:double", "shares", "memory")
    QgsProject.instance().addMapLayer(layer)
    reason = refused("finetune", {"INPUT": [scene], "LABELS": layer.id(), "FIELD": "share"})
    assert reason.startswith("The layer 'shares' has no text or whole-number field")


@pytest.mark.parametrize(("name", "value"), [("OVERLAP", 90), ("OVERLAP", -1)])
def test_a_number_out_of_range_names_the_limits(refused, segment, name, value):
    reason = refused("segment", {**segment, name: value})
    assert name in reason
    assert str(value) in reason
    assert "must be between 0 and" in reason


def test_a_threshold_out_of_range(refused, scene, later_scene):
    reason = refused(
        "detectchange",
        {"BEFORE": scene, "AFTER": later_scene, "OUTPUT": "TEMPORARY_OUTPUT", "THRESHOLD": 1.5},
    )
    assert "THRESHOLD" in reason
    assert "between 0 and 1" in reason


def test_one_raster_for_both_dates_is_refused_unless_its_bands_differ(refused, scene):
    change = {"BEFORE": scene, "AFTER": scene, "OUTPUT": "TEMPORARY_OUTPUT"}
    assert refused("detectchange", change).startswith(
        "Both dates are the same raster 'boadella_2020"
    )
    bands = {"BANDS": list(range(1, 13)), "AFTER_BANDS": list(range(12, 0, -1))}
    assert "Both dates" not in refused("detectchange", {**change, **bands})


def test_no_sample_is_drawn_of_an_image(refused, scene, later_scene):
    output = {"OUTPUT": "TEMPORARY_OUTPUT"}
    reason = refused("sample", {"INPUT": scene, **output})
    assert "is an image with 12 bands, not a class map" in reason
    assert refused("sample", {"INPUT": later_scene.replace(".tif", "_water.tif"), **output}) == ""


def test_an_unknown_device(refused, segment):
    assert "DEVICE" in refused("segment", {**segment, "DEVICE": "tpu"})


def test_an_unknown_model_names_those_that_fit(refused, segment):
    reason = refused("segment", {**segment, "MODEL": "nonsense"})
    assert "no installed model 'nonsense'" in reason
    assert "landcover" in reason
    assert "scenes" not in reason


def test_a_model_for_another_task_names_those_that_fit(refused, segment):
    reason = refused("segment", {**segment, "MODEL": "change"})
    assert "'change' is for change detection" in reason
    assert "landcover" in reason


def test_no_model_at_all(refused, segment):
    assert "Choose a model" in refused("segment", {**segment, "MODEL": " "})


@pytest.mark.parametrize(
    ("file", "advice"),
    [
        ("gone.onnx", "no model file"),
        ("weights.pth", "Import model"),
        ("base.safetensors", "Choose its .onnx file"),
    ],
)
def test_a_file_that_is_no_model(refused, segment, tmp_path, file, advice):
    if not file.startswith("gone"):
        (tmp_path / file).write_bytes(b"x")
    assert advice in refused("segment", {**segment, "MODEL": str(tmp_path / file)})


def test_a_model_file_is_left_to_the_engine(refused, segment, models):
    assert refused("segment", {**segment, "MODEL": str(models / "landcover.onnx")}) == ""


def test_too_few_bands_names_the_order(refused, segment):
    reason = refused("segment", {**segment, "BANDS": [1, 2, 3]})
    assert "needs 9 bands in this order: B02, B03, B04" in reason
    assert "3 bands were chosen" in reason


@pytest.mark.parametrize(
    ("name", "target", "ending"),
    [
        ("OUTPUT", "/tmp/map.png", ".tif"),
        ("OUTPUT_VECTOR", "/tmp/map.shp", ".gpkg"),
        ("OUTPUT_VECTOR", "memory:", ".gpkg"),
        ("AREAS", "/tmp/areas.xlsx", ".csv"),
    ],
)
def test_outputs_of_another_kind(refused, segment, name, target, ending):
    reason = refused("segment", {**segment, name: target})
    assert target in reason
    assert ending in reason


def test_bands_may_be_written_with_commas_as_in_a_shell(refused, segment):
    assert "2 bands were chosen" in refused("segment", {**segment, "BANDS": "2,3"})
    nine = "2,3,4,5, 6,7,8,11,12"
    assert refused("segment", {**segment, "BANDS": nine}) == ""
    assert refused("segment", {**segment, "BANDS": nine.replace(",", ";")}) == ""
    assert "were chosen" in refused("segment", {**segment, "BANDS": "B02"})


def test_a_number_without_an_upper_end_is_told_its_lower_one(refused, segment):
    reason = refused("segment", {**segment, "MIN_AREA": -1})
    assert reason.endswith("(MIN_AREA) is -1; it must be at least 0.")


@pytest.mark.parametrize("target", ["/tmp/a;b.gpkg", "/tmp/a%20b.gpkg", "/tmp/my%20maps/a.gpkg"])
def test_geopackages_that_qgis_could_not_open(refused, segment, target):
    assert "QGIS cannot open a GeoPackage" in refused(
        "segment", {**segment, "OUTPUT_VECTOR": target}
    )
    assert refused("segment", {**segment, "OUTPUT": target.replace(".gpkg", ".tif")}) == ""
    for allowed in ("/tmp/a;b/a.gpkg", "/tmp/50%.gpkg"):
        assert refused("segment", {**segment, "OUTPUT_VECTOR": allowed}) == ""


def test_two_dates_that_do_not_overlap(refused, scene, tmp_path):
    from osgeo import gdal

    elsewhere = str(tmp_path / "elsewhere.tif")
    gdal.Translate(elsewhere, scene, outputBounds=[10, 50, 10.1, 49.9])
    reason = refused(
        "detectchange", {"BEFORE": scene, "AFTER": elsewhere, "OUTPUT": "TEMPORARY_OUTPUT"}
    )
    assert "do not overlap" in reason
    assert "same place" in reason


def test_two_dates_at_both_ends_of_the_degrees_may_overlap(refused, scene, tmp_path):
    """At the date line, where 180 and -180 degrees are the same."""
    from osgeo import gdal

    before, after = str(tmp_path / "east.tif"), str(tmp_path / "west.tif")
    gdal.Translate(before, scene, outputBounds=[179.95, -17, 180.05, -17.1])
    gdal.Translate(after, scene, outputBounds=[-180.05, -17, -179.95, -17.1])
    dates = {"BEFORE": before, "AFTER": after, "OUTPUT": "TEMPORARY_OUTPUT"}
    assert refused("detectchange", dates) == ""


def test_two_dates_in_different_systems_may_overlap(refused, scene, later_scene, tmp_path):
    from osgeo import gdal

    projected = str(tmp_path / "utm.tif")
    gdal.Warp(projected, later_scene, dstSRS="EPSG:32631")
    assert QgsRasterLayer(projected).crs().authid() == "EPSG:32631"
    assert (
        refused("detectchange", {"BEFORE": scene, "AFTER": projected, "OUTPUT": "TEMPORARY_OUTPUT"})
        == ""
    )


def test_a_checkpoint_that_is_not_there(refused):
    reason = refused("importmodel", {"INPUT": "/nowhere.pth", "OUTPUT_MODEL": "/tmp/a.onnx"})
    assert "no checkpoint '/nowhere.pth'" in reason


def test_a_model_is_written_in_our_formats_only(refused, tmp_path):
    (tmp_path / "a.pth").write_bytes(b"x")
    reason = refused("importmodel", {"INPUT": str(tmp_path / "a.pth"), "OUTPUT_MODEL": "/tmp/a.pt"})
    assert ".safetensors or .onnx" in reason
