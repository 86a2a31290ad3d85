"""The verb `describe` on small rasters."""

import shutil
from pathlib import Path

import pytest
from affine import Affine

from engine import model_folders
from engine.errors import GeoreferenceMissing, RasterUnreadable
from engine.jobs import run_job
from engine.progress import Progress
from tests.engine.data.rasters import NAMES, TRANSFORM, ramp, write

TINY = Path(__file__).parents[1] / "data" / "models"


@pytest.fixture(autouse=True)
def models(tmp_path, monkeypatch):
    """Three tiny models of nine bands and 10 m, and nothing that ships."""
    folder = tmp_path / "models"
    folder.mkdir()
    for model in TINY.glob("*.onnx"):
        shutil.copy(model, folder)
    monkeypatch.setenv("SPECTRALGPT_MODELS", str(folder))
    monkeypatch.setattr(model_folders, "shipped_models", lambda: tmp_path / "none")
    return folder


def describe(path, progress=None, **parameters):
    job = {"verb": "describe", "parameters": {"input": str(path), **parameters}}
    return run_job(job, progress or Progress())


def test_bands_values_and_pixels_are_told(tmp_path):
    told = describe(write(tmp_path / "a.tif", ramp(), nodata=0))["raster"]
    assert [band["name"] for band in told["bands"]] == list(NAMES)
    assert [band["number"] for band in told["bands"]] == list(range(1, 10))
    assert told["bands"][0]["common_name"] == "blue"
    assert told["bands"][0]["wavelength"] == pytest.approx(0.492, abs=0.002)
    assert told["sensor"] == "Sentinel-2"
    assert told["values"].startswith("uint16 values / 10000")
    assert told["nodata"] == "no-data value 0"
    assert told["size"] == [30, 20]
    assert told["pixel"] == [10, 10]
    assert told["pixel_metres"] == pytest.approx([10, 10], rel=1e-3)
    assert told["crs"] == "EPSG:32631"


def test_every_model_that_fits_says_which_bands_serve(tmp_path):
    models = describe(write(tmp_path / "a.tif", ramp()))["models"]
    assert {model["name"] for model in models} == {"landcover", "scenes", "change"}
    for model in models:
        assert (model["verdict"], model["missing"], model["left_out"]) == ("fits", [], [])
        assert [entry["raster"] for entry in model["match"]] == list(range(1, 10))


def test_missing_bands_are_listed_with_their_wavelengths(tmp_path):
    path = write(tmp_path / "a.tif", ramp(bands=7), names=NAMES[:7])
    models = describe(path)["models"]
    assert {model["verdict"] for model in models} == {"unfit"}
    assert [band["name"] for band in models[0]["missing"]] == ["B11", "B12"]
    assert [band["wavelength"] for band in models[0]["missing"]] == pytest.approx(
        [1.6, 2.2], abs=0.05
    )
    assert "not found: B11" in models[0]["reason"]


def test_coarse_pixels_are_doubtful_and_scenes_take_fine_ones(tmp_path):
    fine = TRANSFORM @ Affine.scale(0.1)
    verdicts = {
        model["name"]: model["verdict"]
        for model in describe(write(tmp_path / "a.tif", ramp(), transform=fine))["models"]
    }
    assert verdicts == {"scenes": "fits", "landcover": "doubtful", "change": "doubtful"}


def test_models_that_fit_come_first(tmp_path):
    fine = TRANSFORM @ Affine.scale(0.1)
    models = describe(write(tmp_path / "a.tif", ramp(), transform=fine))["models"]
    assert [model["name"] for model in models] == ["scenes", "change", "landcover"]


def test_of_models_that_fit_those_that_make_maps_come_first(tmp_path, models):
    shipped = Path(__file__).parents[2] / "resources" / "models"
    shutil.copy(shipped / "backbone.safetensors", models / "a_backbone.safetensors")
    names = [model["name"] for model in describe(write(tmp_path / "a.tif", ramp()))["models"]]
    assert names == ["change", "landcover", "scenes", "a_backbone"]


def test_a_mask_beside_the_bands_says_nothing_of_their_values(tmp_path):
    """The mask is 0 everywhere; believed as a band, it would hide the offset that all others show."""
    bright = ramp(bands=10, height=300, width=300, start=1000, step=0)
    bright = (bright - bright.min()) % 400 + 1000
    bright[9] = 0
    path = write(tmp_path / "a.tif", bright.astype("uint16"), names=(*NAMES, "QA60"), nodata=7)
    assert "offset of 1000" in describe(path)["raster"]["values"]


def test_pixels_need_not_be_looked_at(tmp_path):
    told = describe(write(tmp_path / "a.tif", ramp()), bands_only=True)
    assert (told["raster"]["values"], told["raster"]["warnings"]) == ("", [])
    assert told["models"][0]["verdict"] == "fits"


def test_bands_without_names_are_still_described(tmp_path):
    told = describe(write(tmp_path / "a.tif", ramp(bands=4), names=()))["raster"]
    assert [band["wavelength"] for band in told["bands"]] == [None] * 4
    assert told["values"].startswith("uint16 values / 10000")


def test_a_raster_without_a_valid_pixel_is_still_described(tmp_path):
    told = describe(write(tmp_path / "a.tif", 0 * ramp(), nodata=0))["raster"]
    assert told["values"].startswith("uint16 values / 10000")


def test_a_damaged_model_is_left_out_and_told(tmp_path, models):
    (models / "broken.onnx").write_bytes(b"nonsense")
    told = []
    progress = Progress()
    progress.warning = told.append
    answer = describe(write(tmp_path / "a.tif", ramp()), progress)
    assert len(answer["models"]) == 3
    assert len(told) == 1
    assert "broken.onnx" in told[0]


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_what_is_no_raster_on_the_ground_is_refused(tmp_path):
    with pytest.raises(RasterUnreadable, match="does not exist"):
        describe(tmp_path / "none.tif")
    nowhere = write(tmp_path / "a.tif", ramp(), crs=None, transform=Affine.identity())
    with pytest.raises(GeoreferenceMissing):
        describe(nowhere)
    assert describe(nowhere, crs="EPSG:32631")["raster"]["crs"] == "EPSG:32631"
