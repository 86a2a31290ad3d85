"""The real engine refuses invalid input with a message, and leaves no files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal
from qgis.core import (
    QgsFeature,
    QgsGeometry,
    QgsProcessingException,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
)


def bad_raster(what, scene, folder):
    """A copy of the scene with one defect."""
    path = folder / "bad.tif"
    if what == "three bands":
        gdal.Translate(str(path), scene, bandList=[2, 3, 4])
    if what == "no names":
        dataset = gdal.Translate(str(path), scene, creationOptions=["PROFILE=GeoTIFF"])
        for band in range(1, dataset.RasterCount + 1):
            dataset.GetRasterBand(band).SetDescription("")
        dataset = None
        (folder / "bad.tif.aux.xml").unlink(missing_ok=True)
    if what == "no CRS":
        source = gdal.Open(scene)
        dataset = gdal.GetDriverByName("GTiff").CreateCopy(str(path), source)
        dataset.SetProjection("")
        dataset = None
    if what == "truncated":
        content = Path(scene).read_bytes()
        path.write_bytes(content[: len(content) // 3])
    return str(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"INPUT": "three bands"}, "B05"),
        ({"INPUT": "no names"}, "band"),
        ({"INPUT": "no CRS"}, "coordinate reference system"),
        ({"INPUT": "truncated"}, "damaged, incomplete"),
        ({"MASK": "elsewhere"}, "The mask elsewhere.gpkg and the raster do not overlap"),
        ({"MODEL": "damaged"}, "changed or damaged"),
        ({"MODEL": "text"}, "cannot be read as a model"),
        ({"OUTPUT": "/nowhere/map.tif"}, "does not exist"),
        ({"EXTENT": "100,101,10,11 [EPSG:4326]"}, "extent"),
    ],
)
def test_bad_input_is_told_and_leaves_nothing(run, models, scene, tmp_path, change, message):
    folder = tmp_path / "out"
    folder.mkdir()
    parameters = {"INPUT": scene, "OUTPUT": str(folder / "map.tif"), **change}
    if "INPUT" in change:
        parameters["INPUT"] = bad_raster(change["INPUT"], scene, tmp_path)
    if "MASK" in change:
        mask = QgsVectorLayer("Polygon?crs=EPSG:4326", "elsewhere", "memory")
        feature = QgsFeature()
        feature.setGeometry(QgsGeometry.fromRect(QgsRectangle(10, 50, 11, 51)))
        mask.dataProvider().addFeatures([feature])
        QgsProject.instance().addMapLayer(mask)
        parameters["MASK"] = mask.id()
    if parameters.get("MODEL") == "damaged":
        parameters["MODEL"] = str(tmp_path / "damaged.onnx")
        content = bytearray((models / "landcover.onnx").read_bytes())
        at = content.index(np.float32(-60).tobytes())
        content[at : at + 4] = np.float32(-50).tobytes()
        Path(parameters["MODEL"]).write_bytes(content)
    if parameters.get("MODEL") == "text":
        parameters["MODEL"] = str(tmp_path / "text.onnx")
        Path(parameters["MODEL"]).write_text("' is not a SpectralGPT")
    with pytest.raises(QgsProcessingException) as caught:
        run("segment", parameters)
    assert message in str(caught.value)
    assert list(folder.iterdir()) == []


def test_a_file_that_is_no_checkpoint(run, models, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    (tmp_path / "notes.pth").write_text("not a checkpoint")
    with pytest.raises(QgsProcessingException) as caught:
        run(
            "importmodel",
            {"INPUT": str(tmp_path / "notes.pth"), "OUTPUT_MODEL": str(folder / "m.safetensors")},
        )
    assert "notes.pth" in str(caught.value)
    assert list(folder.iterdir()) == []
