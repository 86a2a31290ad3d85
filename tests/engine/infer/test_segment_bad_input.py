"""What segment refuses: the error, its words, and a folder that is left as before."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely

from engine.errors import (
    BandMismatch,
    DeviceUnavailable,
    EmptyArea,
    GeoreferenceMissing,
    InvalidParameter,
    ModelInvalid,
    ModelTaskMismatch,
    OutputNotWritable,
    RasterUnreadable,
)
from engine.infer.onnx_backend import OnnxBackend
from engine.infer.segment import segment
from engine.jobs import SegmentJob
from tests.engine.infer.maps import virtual_raster

RNG = np.random.default_rng(5)
IMAGE = RNG.random((3, 70, 53), np.float32)
ROOT = Path(__file__).resolve().parents[3]
LEFT, TOP = 500_000, 4_600_000


@pytest.fixture
def refuse(segmenter, make_raster, folder, recorder):
    def refuse(error, words, **fields):
        (folder / "map.tif").write_text("an older map")
        given = {"output": str(folder / "map.tif"), **fields}
        given.setdefault("model", segmenter())
        if "input" not in given:
            given["input"] = make_raster(IMAGE)
        with pytest.raises(error, match=words):
            segment(SegmentJob(**{"device": "cpu", "threads": 1, **given}), recorder())
        assert [path.name for path in folder.iterdir()] == ["map.tif"]
        assert (folder / "map.tif").read_text() == "an older map"

    return refuse


def test_too_few_bands(refuse, make_raster):
    refuse(BandMismatch, "B04|red", input=make_raster(IMAGE[:2], names=["B02", "B03"]))


def test_no_names_and_no_wavelengths(refuse, make_raster):
    refuse(BandMismatch, "band", input=make_raster(IMAGE, names=[]))


def test_no_crs(refuse, make_raster):
    refuse(GeoreferenceMissing, "no coordinate", input=make_raster(IMAGE, crs=None))


def test_extent_beside_the_raster(refuse):
    refuse(EmptyArea, "does not intersect the raster", extent=(0, 0, 100, 100))


def test_extent_without_area(refuse):
    refuse(InvalidParameter, "has no area: xmin must", extent=(LEFT, TOP, LEFT, TOP))


@pytest.fixture
def mask(tmp_path):
    """Writes a mask of one box, and gives its path."""

    def write(*bounds):
        path = str(tmp_path / "mask.gpkg")
        shapes = shapely.to_wkb(np.array([shapely.box(*bounds)], object))
        pyogrio.raw.write(path, shapes, [], [], geometry_type="Polygon", crs="EPSG:32631")
        return path

    return write


def test_mask_beside_the_raster(refuse, mask):
    refuse(EmptyArea, "do not overlap", mask=mask(0, 0, 1, 1))


def test_mask_beside_the_extent(refuse, mask):
    far = mask(LEFT + 300, TOP - 400, LEFT + 400, TOP - 300)
    extent = (LEFT, TOP - 100, LEFT + 100, TOP)
    refuse(EmptyArea, "The mask does not intersect", mask=far, extent=extent)


def test_mask_smaller_than_a_pixel(refuse, mask):
    speck = mask(LEFT + 301, TOP - 303, LEFT + 303, TOP - 301)
    refuse(EmptyArea, "contains no pixel centre", mask=speck)


def test_nothing_valid(refuse, make_raster):
    empty = np.full((3, 30, 30), np.nan, np.float32)
    refuse(EmptyArea, "no valid pixel", input=make_raster(empty))


def test_corrupt_raster(refuse, tmp_path):
    path = tmp_path / "corrupt.tif"
    path.write_bytes(b"II*\0" + bytes(range(200)))
    refuse(RasterUnreadable, "cannot be opened", input=str(path))


def test_truncated_raster(refuse, make_raster):
    path = Path(make_raster(RNG.random((3, 400, 400), np.float32), name="whole.tif"))
    path.write_bytes(path.read_bytes()[:900_000])
    refuse(RasterUnreadable, "cannot be", input=str(path))


def test_model_that_is_none(refuse, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"not a model at all")
    refuse(ModelInvalid, "cannot be read as a model", model=str(path))


def test_model_that_is_not_installed(refuse):
    refuse(ModelInvalid, "There is no model 'nothing'", model="nothing")


def test_model_for_another_task(refuse, change_detector):
    refuse(ModelTaskMismatch, "is for change-detection", model=change_detector())


def test_model_changed_on_disk(refuse, segmenter):
    path = Path(segmenter("changed.onnx"))
    content = path.read_bytes()
    assert content.count(b"softmax") == 2
    path.write_bytes(content.replace(b"softmax", b"softmix"))
    refuse(ModelInvalid, "' was changed or damaged", model=str(path))


def test_model_whose_graph_is_broken(refuse, segmenter):
    from engine.model_file import seal

    path = Path(segmenter("broken.onnx"))
    path.write_bytes(path.read_bytes().replace(b"Softmax", b"Softmix"))
    seal(path)
    refuse(ModelInvalid, "cannot load", model=str(path))


def test_model_that_gives_no_numbers(refuse, monkeypatch):
    predict = OnnxBackend.predict

    def spoilt(self, feeds):
        scores = predict(self, feeds).copy()
        scores[..., 3, 5] = np.nan
        return scores

    monkeypatch.setattr(OnnxBackend, "predict", spoilt)
    refuse(ModelInvalid, r"returned scores that are not numbers \(NaN\)")


def test_gpu_where_there_is_none(refuse, monkeypatch):
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])
    refuse(DeviceUnavailable, "processor only", device="gpu")


def test_folder_that_does_not_exist(refuse):
    refuse(OutputNotWritable, "does not exist", output="/no/such/folder/map.tif")


def test_output_that_is_a_folder(refuse, tmp_path):
    (tmp_path / "folder.tif").mkdir()
    refuse(OutputNotWritable, "is a folder", output=str(tmp_path / "folder.tif"))


def test_output_with_the_wrong_ending(refuse, folder):
    refuse(InvalidParameter, r"must end in \.tif", output=str(folder / "map.png"))


def test_output_that_is_the_input(refuse, make_raster):
    path = make_raster(IMAGE)
    before = Path(path).read_bytes()
    refuse(InvalidParameter, "is also an input", input=path, output=path)
    assert Path(path).read_bytes() == before


@pytest.mark.parametrize("levels", [1, 2])
def test_output_that_is_a_file_of_the_input(refuse, make_raster, tmp_path, levels):
    path = make_raster(IMAGE)
    stack = virtual_raster(path, tmp_path, levels)
    before = Path(path).read_bytes()
    refuse(InvalidParameter, "is also an input", input=str(stack), output=path)
    assert Path(path).read_bytes() == before


def test_two_outputs_of_one_name(refuse, folder):
    refuse(InvalidParameter, "Two outputs", confidence=str(folder / "map.tif"))


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_folder_without_permission(refuse, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    refuse(OutputNotWritable, "cannot be written", output=str(closed / "map.tif"))


def test_folder_that_refuses_new_files(refuse, monkeypatch):
    def refused(**options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkdtemp", refused)
    refuse(OutputNotWritable, "Check that you have write")


def test_output_that_another_program_holds(refuse, monkeypatch):
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
