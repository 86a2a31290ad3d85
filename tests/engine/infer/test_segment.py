import csv
import json
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely

from engine.errors import (
    Cancelled,
)
from engine.infer.segment import segment
from engine.jobs import SegmentJob
from tests.engine.infer.maps import read

RNG = np.random.default_rng(5)
IMAGE = RNG.random((3, 70, 53), np.float32)
ROOT = Path(__file__).resolve().parents[3]
LEFT, TOP = 500_000, 4_600_000


def run(job_fields, progress):
    return segment(SegmentJob(**{"device": "cpu", "threads": 1, **job_fields}), progress)


def blobs(height=70, width=53):
    """An image of large regions: the polygons are few."""
    rows, columns = np.mgrid[:height, :width]
    band = (rows // 20 + columns // 25) % 3
    return np.stack([np.where(band == k, 0.8, 0.1) for k in range(3)]).astype(np.float32)


@pytest.mark.parametrize("overlap", [0, 25, 75])
@pytest.mark.parametrize("window", [8, 16, 64, 128])
def test_the_map_is_the_brightest_band_whatever_the_windows(
    segmenter, make_raster, folder, recorder, brightest, softmax, window, overlap
):
    output, confidence = folder / "map.tif", folder / "confidence.tif"
    run(
        {
            "input": make_raster(IMAGE),
            "model": segmenter(window=window),
            "output": str(output),
            "confidence": str(confidence),
            "overlap": overlap,
        },
        recorder(),
    )
    np.testing.assert_array_equal(read(output), brightest(IMAGE))
    expected = softmax(IMAGE).max(axis=0) * 100
    assert np.abs(read(confidence) - expected).max() <= 0.5 + 1e-3


def test_the_graph_gets_the_inputs_it_declares(segmenter, make_raster, folder, recorder, brightest):
    """This model is spoilt when `valid` or `groups` are fed wrongly."""
    values = IMAGE.copy()
    values[:, 10:20, 10:20] = np.nan
    output = folder / "map.tif"
    run(
        {
            "input": make_raster(values),
            "model": segmenter(valid=True, groups=True, optional_groups=()),
            "output": str(output),
        },
        recorder(),
    )
    expected = brightest(IMAGE)
    expected[10:20, 10:20] = 0
    np.testing.assert_array_equal(read(output), expected)


class TestOutputs:
    @pytest.fixture
    def done(self, segmenter, make_raster, folder, recorder):
        fields = {
            "input": make_raster(blobs()),
            "model": segmenter(),
            "output": str(folder / "map.tif"),
            "confidence": str(folder / "confidence.tif"),
            "output_vector": str(folder / "map.gpkg"),
            "areas": str(folder / "areas.csv"),
        }
        progress = recorder()
        return run(fields, progress), progress, fields

    def test_nothing_else_is_left(self, done, folder):
        names = {"map.tif", "map.tif.aux.xml", "confidence.tif", "map.gpkg", "areas.csv"}
        assert {path.name for path in folder.iterdir()} == names

    def test_the_grid_is_the_inputs(self, done):
        _, _, fields = done
        with rasterio.open(fields["input"]) as given:
            for name in ("output", "confidence"):
                with rasterio.open(fields[name]) as made:
                    assert made.crs == given.crs
                    assert made.transform == given.transform
                    assert made.shape == given.shape

    def test_the_result_tells_what_was_done(self, done):
        """Windows of 16 with a step of 12: 1 + ceil(54 / 12) = 6 rows, 1 + ceil(37 / 12) = 5 columns."""
        result, _, fields = done
        assert result["outputs"] == {
            name: fields[name] for name in ("output", "confidence", "output_vector", "areas")
        }
        assert result["windows"] == {"total": 30, "run": 30, "skipped": 0}
        assert result["device"] == "cpu"
        assert result["backend"].startswith("ONNX Runtime")
        assert result["nodata"] == 0
        assert result["threshold"] is None
        assert [item["value"] for item in result["classes"]] == [1, 2, 4]
        assert [item["raster"] for item in result["bands"]] == [1, 2, 3]
        assert len(result["model"]["sha256"]) == 64
        json.dumps(result)

    def test_the_areas_are_those_of_the_pixels(self, done, brightest):
        result, _, fields = done
        expected = brightest(blobs())
        with open(fields["areas"], newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
        assert list(rows[0]) == ["value", "name", "pixels", "area_m2", "area_ha", "share"]
        for row, record in zip(rows, result["areas"]):
            pixels = int((expected == int(row["value"])).sum())
            assert int(row["pixels"]) == record["pixels"] == pixels
            assert float(row["area_m2"]) == pytest.approx(pixels * 100, rel=2e-3)
            assert float(row["area_ha"]) == pytest.approx(float(row["area_m2"]) / 1e4, abs=1e-4)
        assert sum(float(row["share"]) for row in rows) == pytest.approx(1, abs=1e-5)

    def test_the_polygons_are_the_map(self, done, brightest, softmax):
        _, _, fields = done
        meta, _, wkb, columns = pyogrio.raw.read(fields["output_vector"])
        table = dict(zip(meta["fields"], columns))
        shapes = shapely.from_wkb(wkb)
        drawn = rasterio.features.rasterize(
            zip(shapes, table["class_value"]),
            out_shape=(70, 53),
            transform=rasterio.transform.from_origin(LEFT, TOP, 10, 10),
        )
        np.testing.assert_array_equal(drawn, brightest(blobs()))
        assert meta["crs"] == "EPSG:32631"
        assert set(table["class_name"]) == {"bluish", "greenish", "reddish"}
        np.testing.assert_allclose(table["area_m2"], shapely.area(shapes), rtol=2e-3)
        np.testing.assert_allclose(table["confidence"], round(float(softmax(blobs()).max()) * 100))

    def test_every_output_says_how_it_was_made(self, done):
        result, _, fields = done
        with rasterio.open(fields["output"]) as dataset:
            tags = dataset.tags()
        assert tags["SPECTRALGPT_MODEL_SHA256"] == result["model"]["sha256"]
        assert json.loads(tags["SPECTRALGPT_PARAMETERS"])["input"] == fields["input"]
        assert {"SPECTRALGPT_MODEL", "SPECTRALGPT_DEVICE", "SPECTRALGPT_BACKEND",
                "SPECTRALGPT_VERSIONS", "SPECTRALGPT_DATE", "SPECTRALGPT_VERB"} <= set(tags)  # fmt: skip
        metadata = pyogrio.read_info(fields["output_vector"])["layer_metadata"] or {}
        description = metadata.get("DESCRIPTION", "")
        assert result["model"]["sha256"] in description

    def test_progress_is_monotone_and_the_log_tells_the_facts(self, done):
        _, progress, _ = done
        assert progress.fractions == sorted(progress.fractions)
        assert progress.fractions[-1] == 1
        log = "\n".join(progress.texts("log"))
        for words in ("CC-BY-4.0", "Device: cpu", "B02 = band 1", "30 processed, 0 skipped", "Mpx/s",
                      "values unchanged"):  # fmt: skip
            assert words in log


def test_invalid_pixels_stay_no_data_and_do_not_bleed(
    segmenter, make_raster, folder, recorder, brightest
):
    values = (IMAGE * 9000 + 1).astype(np.uint16)
    valid = np.random.default_rng(2).random(values.shape[1:]) > 0.3
    values[:, ~valid] = 65535
    output, confidence = folder / "map.tif", folder / "confidence.tif"
    run(
        {
            "input": make_raster(values, nodata=65535),
            "model": segmenter(unit="reflectance"),
            "output": str(output),
            "confidence": str(confidence),
        },
        recorder(),
    )
    np.testing.assert_array_equal(read(output), np.where(valid, brightest(values), 0))
    np.testing.assert_array_equal(read(confidence) == 255, ~valid)


def test_windows_without_a_valid_pixel_are_skipped(segmenter, make_raster, folder, recorder):
    """64 x 64 in windows of 16 without overlap: 16; the left half is empty, so 8 are run."""
    values = RNG.random((3, 64, 64), np.float32)
    values[:, :, :32] = np.nan
    result = run(
        {
            "input": make_raster(values),
            "model": segmenter(),
            "output": str(folder / "map.tif"),
            "overlap": 0,
        },
        recorder(),
    )
    assert result["windows"] == {"total": 16, "run": 8, "skipped": 8}


def test_small_regions_are_merged_in_raster_polygons_and_areas(
    segmenter, make_raster, folder, recorder
):
    """A region of 2 x 2 pixels (400 m2) and one of 4 x 5 (2000 m2) in a map of one class; 1000 m2 is the limit."""
    band = np.zeros((40, 40), int)
    band[5:7, 5:7] = 1
    band[20:24, 20:25] = 2
    values = np.stack([np.where(band == k, 0.8, 0.1) for k in range(3)]).astype(np.float32)
    values[:, 0, :3] = np.nan
    fields = {
        "input": make_raster(values),
        "model": segmenter(),
        "output": str(folder / "map.tif"),
        "output_vector": str(folder / "map.gpkg"),
        "min_area": 1000.0,
    }
    result = run(fields, recorder())
    expected = np.where(band == 2, 4, 1)
    expected[0, :3] = 0
    np.testing.assert_array_equal(read(fields["output"]), expected)
    assert [record["pixels"] for record in result["areas"]] == [1600 - 20 - 3, 0, 20]
    assert pyogrio.read_info(fields["output_vector"])["features"] == 2


def test_an_existing_output_is_replaced_at_the_end_with_its_sidecars(
    segmenter, make_raster, folder, recorder, brightest
):
    output = folder / "map.tif"
    output.write_text("an older map")
    Path(f"{output}.ovr").write_text("its overviews")
    run({"input": make_raster(IMAGE), "model": segmenter(), "output": str(output)}, recorder())
    np.testing.assert_array_equal(read(output), brightest(IMAGE))
    assert not Path(f"{output}.ovr").exists()


@pytest.mark.parametrize("updates", [0, 1, 10, 25])
def test_a_cancel_leaves_the_folder_as_it_was(segmenter, make_raster, folder, recorder, updates):
    (folder / "map.tif").write_text("an older map")
    fields = {
        "input": make_raster(IMAGE),
        "model": segmenter(),
        "output": str(folder / "map.tif"),
        "output_vector": str(folder / "map.gpkg"),
    }
    with pytest.raises(Cancelled):
        run(fields, recorder(cancel_after=updates))
    assert [path.name for path in folder.iterdir()] == ["map.tif"]
    assert (folder / "map.tif").read_text() == "an older map"
