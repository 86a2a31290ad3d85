import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import rasterio

from engine.errors import Cancelled, InvalidParameter, OutputNotWritable
from engine.infer.detect_change import detect_change
from engine.infer.segment import segment
from engine.jobs import ChangeJob, SegmentJob
from tests.engine.infer.maps import read

IMAGE = np.random.default_rng(8).random((3, 70, 50), np.float32)


@pytest.fixture
def run(make_raster, segmenter, folder, recorder):
    values = IMAGE.copy()
    values[:, :32, 32:] = np.nan
    raster, model = make_raster(values), segmenter()

    def run(name, ending, progress=None, **changes):
        outputs = {"output": f"{name}{ending}", "confidence": f"{name}-sure{ending}"}
        paths = {key: str(folder / value) for key, value in outputs.items()}
        job = SegmentJob(input=raster, model=model, device="cpu", threads=1, **paths, **changes)
        segment(job, progress or recorder())
        return paths["output"], paths["confidence"]

    return run


@pytest.mark.parametrize("changes", [{}, {"cog": True}, {"min_area": 1000.0}])
def test_tiles_are_the_map_in_one_file(run, changes):
    for tiled, whole in zip(run("t", ".vrt", tiles=32, **changes), run("w", ".tif", **changes)):
        np.testing.assert_array_equal(read(tiled), read(whole))
        with rasterio.open(tiled) as one, rasterio.open(whole) as other:
            assert (one.crs, one.transform, one.nodata) == (
                other.crs,
                other.transform,
                other.nodata,
            )
            assert one.descriptions == other.descriptions
            assert one.tags()["SPECTRALGPT_MODEL"] == other.tags()["SPECTRALGPT_MODEL"]


def test_classes_have_their_colours_and_names(run, folder):
    run("t", ".vrt", tiles=32)
    with rasterio.open(folder / "t.vrt") as dataset:
        colours = dataset.colormap(1)
        assert (colours[1], colours[2], colours[4]) == (
            (0, 0, 255, 255), (0, 255, 0, 255), (255, 0, 0, 255),
        )  # fmt: skip
    text = (folder / "t.vrt").read_text(encoding="utf-8")
    assert "<Category>Bluish</Category>" in text


def test_a_tile_without_data_is_left_out(run, folder):
    """70 x 50 px are 3 rows of 2 tiles; the one at the upper right, 32 x 18 px, has no data."""
    run("t", ".vrt", tiles=32)
    found = {path.name for path in (folder / "t.vrt.tiles").glob("*.tif")}
    every = {f"row{row}_column{column}.tif" for row in range(3) for column in range(2)}
    assert found == every - {"row0_column1.tif"}
    assert not read(folder / "t.vrt")[:32, 32:].any()


def test_a_second_run_replaces_all_tiles(run, folder):
    run("t", ".vrt", tiles=16)
    run("t", ".vrt", tiles=64)
    assert len(list((folder / "t.vrt.tiles").glob("*.tif"))) == 2


@pytest.mark.parametrize("held", ["t.vrt", "t.vrt.tiles"])
def test_tiles_that_a_program_holds_stay_with_their_map(run, folder, monkeypatch, held):
    """On Windows neither an open file nor its folder is moved, and of the files all but that one are removed."""
    run("t", ".vrt", tiles=32)
    tiles, replace, remove = folder / "t.vrt.tiles", os.replace, shutil.rmtree

    def refused(source, target):
        if folder / held in (Path(source), Path(target)):
            raise PermissionError(13, "in use")
        replace(source, target)

    def removed_in_part(path, **options):
        if Path(path) == tiles:
            next(tiles.glob("*.tif")).unlink()
            raise PermissionError(13, "in use")
        remove(path, **options)

    monkeypatch.setattr("os.replace", refused)
    monkeypatch.setattr("shutil.rmtree", removed_in_part)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(OutputNotWritable, match="Check that you have write"):
        run("t", ".vrt", tiles=64)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_cancelled_run_leaves_nothing(run, folder, recorder):
    with pytest.raises(Cancelled):
        run("t", ".vrt", recorder(cancel_after=3), tiles=32)
    assert list(folder.iterdir()) == []


def test_the_ending_says_what_is_written(run):
    with pytest.raises(InvalidParameter, match=r"must end in \.vrt"):
        run("t", ".tif", tiles=32)


def test_change_in_tiles(change_detector, make_raster, folder, recorder):
    after = IMAGE.copy()
    after[1, 20:40, 10:40] += 0.5
    found = {}
    for ending, tiles in ((".tif", 0), (".vrt", 32)):
        output, chance = folder / f"map{ending}", folder / f"chance{ending}"
        job = ChangeJob(
            make_raster(IMAGE), make_raster(after, "after.tif"), change_detector(), str(output),
            probability=str(chance), device="cpu", threads=1, tiles=tiles,
        )  # fmt: skip
        detect_change(job, recorder())
        found[ending] = read(output), read(chance)
    for tiled, whole in zip(found[".vrt"], found[".tif"]):
        np.testing.assert_array_equal(tiled, whole)
    assert found[".tif"][0].any()
