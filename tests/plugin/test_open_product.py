"""spectralgpt:openproduct with the real engine on a small made-up product."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from qgis.core import (
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelOutput,
    QgsProject,
    QgsRasterLayer,
)

from spectralgpt_qgis import engine_access
from spectralgpt_qgis.acquisition_date import acquisition_date
from spectralgpt_qgis.algorithms.virtual_output import VirtualRasterDestination
from spectralgpt_qgis.product_files import in_product

ROOT = Path(__file__).resolve().parents[2]
TITLE = "LC09_L2SP_193028_20220822_20220823_02_T1"
# QGIS has no writer for it in Python: the engine's tests have.
WRITE = """
import sys
from pathlib import Path
from tests.engine.product import products
products.landsat(Path(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    """The folder of a Landsat product: reflectance 0.075, 10 of 380 pixels with data clouded."""
    folder = tmp_path_factory.mktemp("product") / "scene"
    python = str(engine_access.status().python)
    subprocess.run([python, "-c", WRITE, str(folder)], check=True, cwd=ROOT)
    return folder


def test_a_product_opens_from_one_of_its_files(run, product, tmp_path):
    output = str(tmp_path / "scene.vrt")
    outputs = run("openproduct", {"INPUT": str(product / f"{TITLE}_SR_B5.TIF"), "OUTPUT": output})
    assert outputs["OUTPUT"] == output
    assert outputs["TITLE"] == TITLE
    assert outputs["DATE"].startswith("2022-08-22")
    assert outputs["MASKED"] == round(100 * 10 / 380, 1)
    layer = QgsRasterLayer(output)
    provider = layer.dataProvider()
    value, known = provider.sample(layer.extent().center(), 5)
    assert known and value == pytest.approx(10000 * 2.75e-5 - 0.2)
    assert provider.generateBandName(5).endswith("B5")
    assert acquisition_date(layer) == (2022, 8, 22)
    assert "% of the scene is masked" in run.feedback.textLog()


def test_it_is_shown_in_natural_colours_with_its_clouds_transparent(run, product, tmp_path):
    output = str(tmp_path / "scene.vrt")
    run("openproduct", {"INPUT": str(product), "OUTPUT": output})
    layer = QgsRasterLayer(output)
    assert layer.renderer().usesBands()[:3] == [4, 3, 2]
    block = layer.renderer().block(1, layer.extent(), 20, 20)
    alpha = [[block.color(row, column) >> 24 for column in (2, 10)] for row in (0, 1, 10)]
    assert alpha == [[0, 0], [0, 255], [255, 255]]  # fill; cloud at the left; ground


def test_a_folder_a_resolution_and_no_mask(run, fake_engine, product, tmp_path):
    fake_engine.result = {
        "title": "T",
        "date": "",
        "natural": [3, 2, 1],
        "stretch": [0, 1],
        "masked": None,
    }
    parameters = {"RESOLUTION": 20, "MASK_CLOUDS": False, "OUTPUT": str(tmp_path / "a.vrt")}
    outputs = run("openproduct", {"INPUT": str(product), **parameters})
    assert fake_engine.verb == "open-product"
    assert fake_engine.job == {
        "input": str(product),
        "output": str(tmp_path / "a.vrt"),
        "resolution": 20.0,
        "mask_clouds": False,
    }
    assert outputs["MASKED"] == -1


def test_a_temporary_output_is_a_virtual_raster_with_its_mask(run, product):
    output = run("openproduct", {"INPUT": str(product), "OUTPUT": "TEMPORARY_OUTPUT"})["OUTPUT"]
    assert output.endswith(".vrt")
    assert Path(output).with_suffix(".mask.tif").is_file()
    assert QgsRasterLayer(output).isValid()


def test_another_ending_is_refused(run, product, tmp_path):
    with pytest.raises(QgsProcessingException, match=r"ends in \.vrt"):
        run("openproduct", {"INPUT": str(product), "OUTPUT": str(tmp_path / "scene.tif")})


def test_what_is_no_product_is_told(run, scene, tmp_path):
    with pytest.raises(QgsProcessingException, match="does not belong to a satellite product"):
        run("openproduct", {"INPUT": scene, "OUTPUT": str(tmp_path / "scene.vrt")})


def test_the_layer_has_the_product_s_name(run, product, tmp_path):
    output = str(tmp_path / "scene.vrt")
    for given, name in (("Raster", TITLE), ("Mine", "Mine")):
        context = QgsProcessingContext()
        context.setProject(QgsProject.instance())
        details = QgsProcessingContext.LayerDetails(given, QgsProject.instance(), "OUTPUT")
        context.addLayerToLoadOnCompletion(output, details)
        run("openproduct", {"INPUT": str(product), "OUTPUT": output}, context=context)
        assert context.layerToLoadOnCompletionDetails(output).name == name


def test_a_model_can_have_it_as_a_step(provider, product, tmp_path):
    """QGIS clones the output, and must keep what it is."""
    model = QgsProcessingModelAlgorithm("open", "tests")
    child = QgsProcessingModelChildAlgorithm("spectralgpt:openproduct")
    child.setChildId("step")
    source = QgsProcessingModelChildParameterSource.fromStaticValue(str(product))
    child.addParameterSources("INPUT", [source])
    result = QgsProcessingModelOutput("scene", "scene")
    result.setChildOutputName("OUTPUT")
    child.setModelOutputs({"scene": result})
    model.addChildAlgorithm(child)
    (destination,) = model.destinationParameterDefinitions()
    assert isinstance(destination.clone(), VirtualRasterDestination)
    assert destination.defaultFileExtension() == "vrt"
    import processing

    context = QgsProcessingContext()
    output = str(tmp_path / "scene.vrt")
    outputs = processing.run(model, {destination.name(): output}, context=context)
    assert QgsRasterLayer(outputs[destination.name()]).isValid()


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("/a/S2B.SAFE/GRANULE/L2A/IMG_DATA/R10m/T34UCF_20230823T095559_B02_10m.jp2", True),
        ("/a/L2A_T34VFJ_20170823T094031_B02_10m.jp2", True),
        ("C:\\a\\T34UCF_20230823T095559_TCI.jp2", True),
        (f"/vsitar//a/{TITLE}.tar/{TITLE}_SR_B2.TIF", True),
        ("/a/HLS.S30.T17SLU.2020117T160901.v2.0.B8A.tif", True),
        ('SENTINEL2_L2A:"/a/MTD_MSIL2A.xml":10m:EPSG_32634', True),
        ("/a/T34UCF_20230823T095559.tif", False),
        ("/a/LC09_L2SP_map.tif", False),
        ("type=xyz&url=https://tiles.example/{z}", False),
    ],
)
def test_files_of_products_are_known_by_their_names(source, found):
    assert in_product(source) is found
