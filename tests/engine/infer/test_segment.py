import csv
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely

from engine.errors import (
    BandMismatch,
    Cancelled,
    DeviceUnavailable,
    EmptyArea,
    GeoreferenceMissing,
    InvalidParameter,
    ModelInvalid,
    ModelTaskMismatch,
    OutputNotWritable,
    RasterUnreadable,
)
from engine.infer import survey
from engine.infer.segment import segment
from engine.jobs import SegmentJob

RNG = np.random.default_rng(5)
IMAGE = RNG.random((3, 70, 53), np.float32)
ROOT = Path(__file__).resolve().parents[3]
LEFT, TOP = 500_000, 4_600_000


def read(path):
    with rasterio.open(path) as dataset:
        return dataset.read(1)


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
        with open(fields["areas"], newline="") as file:
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
        for words in ("CC-BY-4.0", "Device: cpu", "B02 = band 1", "30 run, 0 skipped", "Mpx/s",
                      "values as in the file"):  # fmt: skip
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


class TestArea:
    """64 x 64 pixels in windows of 16 without overlap: 4 x 4 windows of 160 m."""

    @pytest.fixture
    def ask(self, segmenter, make_raster, folder, recorder, monkeypatch):
        values = np.random.default_rng(3).random((3, 64, 64), np.float32)
        raster, model = make_raster(values), segmenter()

        def ask(**fields):
            monkeypatch.setattr(survey, "MOST", 0)  # the look before the run is not counted
            from engine.data.source import RasterSource

            windows, original = [], RasterSource.read
            monkeypatch.setattr(
                RasterSource, "read", lambda self, w: windows.append(w) or original(self, w)
            )
            output = str(folder / "map.tif")
            result = run(
                {"input": raster, "model": model, "output": output, "overlap": 0, **fields},
                recorder(),
            )
            monkeypatch.undo()
            return result, read(output), sum(window.width for window in windows) // 16, values

        return ask

    def test_windows_outside_the_extent_are_neither_read_nor_run(self, ask, brightest):
        """Columns 10..20 and rows 0..5 lie in two windows."""
        result, made, windows_read, values = ask(extent=(LEFT + 100, TOP - 50, LEFT + 200, TOP))
        assert result["windows"] == {"total": 16, "run": 2, "skipped": 14}
        assert windows_read == 2
        expected = np.zeros_like(made)
        expected[:5, 10:20] = brightest(values)[:5, 10:20]
        np.testing.assert_array_equal(made, expected)

    def test_an_extent_in_another_crs(self, ask):
        from rasterio.warp import transform_bounds

        inside = (LEFT + 105, TOP - 145, LEFT + 145, TOP - 105)
        degrees = transform_bounds("EPSG:32631", "EPSG:4326", *inside)
        result, made, _, _ = ask(extent=degrees, extent_crs="EPSG:4326")
        assert result["windows"]["run"] == 1
        rows, columns = np.nonzero(made)
        assert (rows.min(), rows.max(), columns.min(), columns.max()) == (10, 14, 10, 14)

    def test_only_pixels_with_their_centre_in_the_mask_are_written(self, ask, brightest, tmp_path):
        """A diagonal band, 105 m to either side: pixels up to 10 off the diagonal."""
        band = shapely.Polygon(
            [(LEFT, TOP), (LEFT + 105, TOP), (LEFT + 640, TOP - 535), (LEFT + 640, TOP - 640),
             (LEFT + 535, TOP - 640), (LEFT, TOP - 105)]
        )  # fmt: skip
        path = str(tmp_path / "mask.gpkg")
        pyogrio.raw.write(
            path, shapely.to_wkb(np.array([band], object)), [], [], geometry_type="Polygon",
            crs="EPSG:32631",
        )  # fmt: skip
        result, made, windows_read, values = ask(mask=path)
        rows, columns = np.mgrid[:64, :64]
        inside = np.abs(rows - columns) <= 10
        np.testing.assert_array_equal(made > 0, inside)
        np.testing.assert_array_equal(made[inside], brightest(values)[inside])
        # |row - column| <= 10 is reached in the windows of the diagonal and beside it: 4 + 3 + 3.
        assert result["windows"] == {"total": 16, "run": 10, "skipped": 6}
        assert windows_read == 10

    def test_the_map_in_an_extent_is_that_of_the_whole_raster(self, ask):
        _, whole, _, _ = ask(overlap=50)
        _, part, _, _ = ask(overlap=50, extent=(LEFT + 155, TOP - 405, LEFT + 305, TOP - 215))
        seen = part > 0
        assert seen.sum() == 16 * 20
        np.testing.assert_array_equal(part[seen], whole[seen])


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


class TestBadInput:
    """Each: the error, its words, and that the folder is left as before."""

    @pytest.fixture
    def refuse(self, segmenter, make_raster, folder, recorder):
        def refuse(error, words, **fields):
            (folder / "map.tif").write_text("an older map")
            given = {"output": str(folder / "map.tif"), **fields}
            given.setdefault("model", segmenter())
            if "input" not in given:
                given["input"] = make_raster(IMAGE)
            with pytest.raises(error, match=words):
                run(given, recorder())
            assert [path.name for path in folder.iterdir()] == ["map.tif"]
            assert (folder / "map.tif").read_text() == "an older map"

        return refuse

    def test_too_few_bands(self, refuse, make_raster):
        refuse(BandMismatch, "B04|red", input=make_raster(IMAGE[:2], names=["B02", "B03"]))

    def test_no_names_and_no_wavelengths(self, refuse, make_raster):
        refuse(BandMismatch, "band", input=make_raster(IMAGE, names=[]))

    def test_no_crs(self, refuse, make_raster):
        refuse(GeoreferenceMissing, "no coordinate", input=make_raster(IMAGE, crs=None))

    def test_extent_beside_the_raster(self, refuse):
        refuse(EmptyArea, "does not touch the raster", extent=(0, 0, 100, 100))

    def test_extent_without_area(self, refuse):
        refuse(InvalidParameter, "xmin < xmax", extent=(LEFT, TOP, LEFT, TOP))

    def test_mask_beside_the_raster(self, refuse, tmp_path):
        path = str(tmp_path / "mask.gpkg")
        pyogrio.raw.write(
            path, shapely.to_wkb(np.array([shapely.box(0, 0, 1, 1)], object)), [], [],
            geometry_type="Polygon", crs="EPSG:32631",
        )  # fmt: skip
        refuse(EmptyArea, "misses the raster", mask=path)

    def test_mask_beside_the_extent(self, refuse, tmp_path):
        path = str(tmp_path / "mask.gpkg")
        far = shapely.box(LEFT + 300, TOP - 400, LEFT + 400, TOP - 300)
        pyogrio.raw.write(
            path, shapely.to_wkb(np.array([far], object)), [], [], geometry_type="Polygon",
            crs="EPSG:32631",
        )  # fmt: skip
        extent = (LEFT, TOP - 100, LEFT + 100, TOP)
        refuse(EmptyArea, "does not touch the area", mask=path, extent=extent)

    def test_mask_smaller_than_a_pixel(self, refuse, tmp_path):
        path = str(tmp_path / "mask.gpkg")
        speck = shapely.box(LEFT + 301, TOP - 303, LEFT + 303, TOP - 301)
        pyogrio.raw.write(
            path, shapely.to_wkb(np.array([speck], object)), [], [], geometry_type="Polygon",
            crs="EPSG:32631",
        )  # fmt: skip
        refuse(EmptyArea, "smaller than a pixel", mask=path)

    def test_nothing_valid(self, refuse, make_raster):
        empty = np.full((3, 30, 30), np.nan, np.float32)
        refuse(EmptyArea, "no valid pixel", input=make_raster(empty))

    def test_corrupt_raster(self, refuse, tmp_path):
        path = tmp_path / "corrupt.tif"
        path.write_bytes(b"II*\0" + bytes(range(200)))
        refuse(RasterUnreadable, "cannot be opened", input=str(path))

    def test_truncated_raster(self, refuse, make_raster):
        path = Path(make_raster(RNG.random((3, 400, 400), np.float32), name="whole.tif"))
        path.write_bytes(path.read_bytes()[:900_000])
        refuse(RasterUnreadable, "cannot be", input=str(path))

    def test_model_that_is_none(self, refuse, tmp_path):
        path = tmp_path / "model.onnx"
        path.write_bytes(b"not a model at all")
        refuse(ModelInvalid, "cannot be read as a model", model=str(path))

    def test_model_that_is_not_installed(self, refuse):
        refuse(ModelInvalid, "There is no model 'nothing'", model="nothing")

    def test_model_for_another_task(self, refuse, change_detector):
        refuse(ModelTaskMismatch, "is for change-detection", model=change_detector())

    def test_model_changed_on_disk(self, refuse, segmenter):
        path = Path(segmenter("changed.onnx"))
        content = path.read_bytes()
        assert content.count(b"softmax") == 2
        path.write_bytes(content.replace(b"softmax", b"softmix"))
        refuse(ModelInvalid, "does not match its seal", model=str(path))

    def test_model_whose_graph_is_broken(self, refuse, segmenter):
        from engine.model_file import seal

        path = Path(segmenter("broken.onnx"))
        path.write_bytes(path.read_bytes().replace(b"Softmax", b"Softmix"))
        seal(path)
        refuse(ModelInvalid, "cannot load", model=str(path))

    def test_gpu_where_there_is_none(self, refuse, monkeypatch):
        monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])
        refuse(DeviceUnavailable, "processor only", device="gpu")

    def test_folder_that_does_not_exist(self, refuse):
        refuse(OutputNotWritable, "does not exist", output="/no/such/folder/map.tif")

    def test_output_that_is_a_folder(self, refuse, tmp_path):
        (tmp_path / "folder.tif").mkdir()
        refuse(OutputNotWritable, "is a folder", output=str(tmp_path / "folder.tif"))

    def test_output_with_the_wrong_ending(self, refuse, folder):
        refuse(InvalidParameter, r"must end in \.tif", output=str(folder / "map.png"))

    def test_output_that_is_the_input(self, refuse, make_raster):
        path = make_raster(IMAGE)
        before = Path(path).read_bytes()
        refuse(InvalidParameter, "is also an input", input=path, output=path)
        assert Path(path).read_bytes() == before

    def test_two_outputs_of_one_name(self, refuse, folder):
        refuse(InvalidParameter, "Two outputs", confidence=str(folder / "map.tif"))

    @pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
    def test_folder_without_permission(self, refuse, tmp_path):
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o500)
        refuse(OutputNotWritable, "cannot be written", output=str(closed / "map.tif"))

    def test_folder_that_refuses_new_files(self, refuse, monkeypatch):
        def refused(**options):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("tempfile.mkdtemp", refused)
        refuse(OutputNotWritable, "Check that you may write")

    def test_output_that_another_program_holds(self, refuse, monkeypatch):
        def held(source, target):
            raise PermissionError(13, "The process cannot access the file")

        monkeypatch.setattr("os.replace", held)
        refuse(OutputNotWritable, "layer in QGIS")


@pytest.mark.skipif(sys.platform != "linux", reason="file size limits as Linux has them")
@pytest.mark.parametrize("limit", [4_000, 60_000, 84_000])
def test_a_full_disk(segmenter, make_raster, folder, limit):
    """A limit on the size of files stands for a full disk: GDAL sees the same failing writes, while rows are
    written, while the file is closed, and while overviews are made."""
    command = [
        sys.executable, "-m", "engine", "segment", "--json", "--overlap", "0", "--device", "cpu",
        "--input", make_raster(RNG.random((3, 600, 600), np.float32)),
        "--model", segmenter(window=128), "--output", str(folder / "map.tif"),
    ]  # fmt: skip
    done = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    last = json.loads(done.stdout.splitlines()[-1])
    assert (last["event"], last.get("kind")) == ("error", "DiskFull")
    assert "The disk is full" in last["message"]
    assert not list(folder.iterdir())
