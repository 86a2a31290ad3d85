import numpy as np
import pytest

from engine.data.imagery import list_rasters, survey
from engine.data.raster_pool import RasterPool
from engine.errors import BandMismatch, EmptyArea, InvalidParameter
from engine.progress import Progress
from tests.engine.data.rasters import CARD, NAMES, ramp, write


class Collect(Progress):
    def __init__(self):
        super().__init__()
        self.warnings = []

    def emit(self, event):
        if event["event"] == "warning":
            self.warnings.append(event["message"])


def test_folders_give_their_rasters_and_other_names_stay(tmp_path):
    (tmp_path / "deep").mkdir()
    for name in ("b.tif", "a.TIF", "deep/c.vrt", "notes.txt", ".hidden.tif", "a.tif.aux.xml"):
        (tmp_path / name).touch()
    names = list_rasters([str(tmp_path), "/vsicurl/x.tif", str(tmp_path / "b.tif")])
    assert names == [str(tmp_path / n) for n in ("a.TIF", "b.tif", "deep/c.vrt")] + [
        "/vsicurl/x.tif"
    ]


def test_nothing_to_learn_from_is_told(tmp_path):
    with pytest.raises(InvalidParameter, match="contains no raster with one"):
        list_rasters([str(tmp_path)])
    with pytest.raises(InvalidParameter, match="No imagery"):
        list_rasters([])


def test_what_cannot_serve_is_named_with_why_and_the_rest_is_taken(tmp_path):
    good = write(tmp_path / "good.tif", ramp())
    other_crs = write(tmp_path / "other.tif", ramp(height=40), crs="EPSG:3035")
    rgb = write(tmp_path / "rgb.tif", ramp(3), names=NAMES[:3])
    empty = write(tmp_path / "empty.tif", np.zeros((9, 8, 8), "uint16"), nodata=0)
    progress = Collect()
    with RasterPool(CARD) as pool:
        found = survey([good, rgb, empty, str(tmp_path / "none.tif"), other_crs], pool, progress)
    assert [item.raster.path for item in found.serving] == [good, other_crs]
    assert [item.crs for item in found.serving] == ["EPSG:32631", "EPSG:3035"]
    assert found.pixels == 20 * 30 + 40 * 30
    refused = dict(found.refused)
    assert "B08" in refused[rgb]
    assert "no valid pixel" in refused[empty]
    assert "does not exist" in refused[str(tmp_path / "none.tif")]
    assert len(progress.warnings) == 3
    assert all("Skipped" in text for text in progress.warnings)


def test_a_single_raster_that_cannot_serve_is_its_own_error(tmp_path):
    rgb = write(tmp_path / "rgb.tif", ramp(3), names=NAMES[:3])
    with RasterPool(CARD) as pool, pytest.raises(BandMismatch):
        survey([rgb], pool)
    with RasterPool(CARD) as pool, pytest.raises(EmptyArea, match=r"None of the 2.*rgb\.tif"):
        survey([rgb, str(tmp_path / "x.tif")], pool)


def test_normalisation_weighs_by_root_of_area_and_leaves_missing_bands_out(tmp_path):
    """.04 in 10 x 10 and .24 in 30 x 30 px: weights 1 and 3, mean .19, variance .75 * .25 * .2²."""
    small = write(tmp_path / "a.tif", np.full((9, 10, 10), 0.04, "float32"))
    landsat = (*NAMES[:3], *NAMES[6:])
    large = write(tmp_path / "b.tif", np.full((6, 30, 30), 0.24, "float32"), names=landsat)
    with RasterPool(CARD) as pool:
        kind = survey([small, large], pool).normalisation()
    assert kind.mean[0] == pytest.approx(0.19, abs=1e-5)
    assert kind.std[0] == pytest.approx((0.75 * 0.25) ** 0.5 * 0.2, abs=1e-5)
    assert kind.mean[4] == pytest.approx(0.04, abs=1e-5)
    assert kind.std[4] < 0.001
