"""A coarse map of the view before the whole one, that changes nothing of it."""

import dataclasses
from pathlib import Path

import numpy as np
import pyogrio.raw
import pytest
import rasterio
import shapely
from rasterio.windows import Window

from engine.data.source import RasterSource
from engine.errors import Cancelled, EmptyArea
from engine.infer import quick_look
from engine.infer.detect_change import detect_change
from engine.infer.quick_look import view_grid
from engine.infer.segment import segment
from engine.jobs import ChangeJob, SegmentJob
from engine.model_file import read_card

SIDE = 160
LEFT, TOP = 500_000, 4_600_000


def quarters():
    """Four squares of 80 px: bands 1, 2 on top and 3, 1 below are the brightest."""
    image = np.full((3, SIDE, SIDE), 0.1, np.float32)
    for band, rows, columns in ((0, 0, 0), (1, 0, 80), (2, 80, 0), (0, 80, 80)):
        image[band, rows : rows + 80, columns : columns + 80] = 0.8
    return image


@pytest.fixture
def opened(make_raster, segmenter):
    with RasterSource.open(make_raster(quarters()), read_card(segmenter())) as source:
        yield source


@pytest.fixture
def mapped(make_raster, segmenter, folder, recorder):
    raster, model = make_raster(quarters()), segmenter()

    def run(**fields):
        progress = recorder()
        job = SegmentJob(
            input=raster,
            model=model,
            output=str(folder / "map.tif"),
            device="cpu",
            threads=1,
            **fields,
        )
        segment(job, progress)
        return progress

    return run


def read(path):
    with rasterio.open(path) as dataset:
        return dataset.read(1), dataset.res[0]


class TestViewGrid:
    """Four windows of 16 px that share 10 %, 2 px: 16 + 3 x 14 = 58 px."""

    def test_a_small_view_has_the_rasters_pixels(self, opened):
        """From 105 m right of the corner on, 500 m wide: columns 10 to 60."""
        grid = view_grid(
            opened, opened.grid.window, 16, (LEFT + 105, TOP - 500, LEFT + 600, TOP), ""
        )
        assert (grid.width, grid.height, grid.resolution) == (50, 50, (10, 10))
        assert grid.xy(0, 0) == (LEFT + 100, TOP)

    def test_a_large_view_has_larger_ones(self, opened):
        """160 px become 58: each is 27.6 m wide."""
        grid = view_grid(opened, opened.grid.window, 16, None, "")
        assert (grid.width, grid.height) == (58, 58)
        assert grid.resolution[0] == pytest.approx(10 * 160 / 58)

    def test_only_what_the_raster_has_counts(self, opened):
        view = (LEFT - 5000, TOP - 400, LEFT + 300, TOP + 5000)
        grid = view_grid(opened, opened.grid.window, 16, view, "")
        assert (grid.width, grid.height) == (30, 40)

    def test_a_view_in_degrees(self, opened):
        """The raster lies at 3 degrees east, 41.5 north."""
        grid = view_grid(opened, opened.grid.window, 16, (2.9, 41.4, 3.2, 41.7), "EPSG:4326")
        assert grid.xy(0, 0) == (LEFT, TOP)

    def test_only_what_is_computed_counts(self, opened):
        """An area of columns 20 to 60 in a view of all: its own pixels, not coarse ones of all the raster."""
        grid = view_grid(opened, Window(20, 0, 40, 50), 16, None, "")
        assert (grid.width, grid.height, grid.xy(0, 0)) == (40, 50, (LEFT + 200, TOP))
        with pytest.raises(EmptyArea):
            view_grid(opened, Window(20, 0, 40, 50), 16, (LEFT, TOP - 500, LEFT + 200, TOP), "")

    def test_a_view_beside_the_raster(self, opened):
        with pytest.raises(EmptyArea):
            view_grid(opened, opened.grid.window, 16, (0, 0, 10, 10), "")

    def test_without_overviews_the_middle_is_looked_at(self, opened, monkeypatch):
        """Of 160 px the middle 40: columns and rows 60 to 100."""
        monkeypatch.setattr(quick_look, "MOST_READ", 40)
        grid = view_grid(opened, opened.grid.window, 16, None, "")
        assert (grid.width, grid.height) == (40, 40)
        assert grid.xy(0, 0) == (LEFT + 600, TOP - 600)

    def test_with_overviews_all_is(self, make_raster, segmenter, monkeypatch):
        monkeypatch.setattr(quick_look, "MOST_READ", 40)
        path = make_raster(quarters())
        with rasterio.open(path, "r+") as dataset:
            dataset.build_overviews([2, 4])
        with RasterSource.open(path, read_card(segmenter())) as source:
            assert view_grid(source, source.grid.window, 16, None, "").width == 58


def test_the_look_is_the_map_in_coarse_pixels(mapped, folder, tmp_path):
    """Away from the borders of the squares every pixel has the square's class."""
    look = tmp_path / "look.tif"
    mapped(quick_look=str(look))
    values, size = read(look)
    centres = (np.arange(58) + 0.5) * size / 10  # in the raster's pixels
    inside = abs(centres - 80) > 6
    rows, columns = np.meshgrid(centres > 80, centres > 80, indexing="ij")
    expected = np.array([[1, 2], [4, 1]])[rows.astype(int), columns.astype(int)]
    sure = inside[:, None] & inside[None, :]
    np.testing.assert_array_equal(values[sure], expected[sure])
    with rasterio.open(look) as dataset:
        assert dataset.colormap(1)[4] == (255, 0, 0, 255)


def test_it_is_told_before_the_first_window_of_the_map(mapped, tmp_path):
    look = str(tmp_path / "look.tif")
    progress = mapped(quick_look=look)
    (told,) = [n for n, event in enumerate(progress.events) if event["event"] == "state"]
    fact = progress.events[told]["quick_look"]
    assert fact["path"] == look
    assert [item["title"] for item in fact["classes"]] == ["Bluish", "Greenish", "Reddish"]
    steps = [e for e in progress.events[:told] if e["event"] == "progress"]
    assert {event["fraction"] for event in steps} == {0.0}
    assert max(progress.fractions) == 1.0


def test_the_map_is_the_same_without_it(mapped, folder, tmp_path):
    outputs = [folder / "map.tif", folder / "confidence.tif"]
    mapped(confidence=str(outputs[1]))
    without = [read(path)[0] for path in outputs]
    mapped(confidence=str(outputs[1]), quick_look=str(tmp_path / "look.tif"))
    np.testing.assert_array_equal([read(path)[0] for path in outputs], without)


def test_a_killed_run_is_taken_up_with_another_view(mapped, folder, tmp_path, monkeypatch):
    """What the user looks at is not part of the job: its key is the same."""
    keys = []
    from engine.infer import map_run as module

    real = module.job_key
    monkeypatch.setattr(module, "job_key", lambda *args: keys.append(real(*args)) or keys[-1])
    mapped()
    view = (LEFT, TOP - 300, LEFT + 300, TOP)
    mapped(
        quick_look=str(tmp_path / "look.tif"), quick_look_extent=view, quick_look_crs="EPSG:32631"
    )
    assert keys[0] == keys[1] != ""


def test_a_mask_holds_for_the_look(mapped, tmp_path):
    """A triangle over the left half: half of the look's pixels have a class, give or take its edge."""
    path, look = tmp_path / "mask.gpkg", tmp_path / "look.tif"
    half = shapely.Polygon([(LEFT, TOP), (LEFT + 800, TOP), (LEFT, TOP - 800)])
    pyogrio.raw.write(
        path, shapely.to_wkb(np.array([half], object)), [], [], geometry_type="Polygon",
        crs="EPSG:32631",
    )  # fmt: skip
    mapped(mask=str(path), quick_look=str(look))
    assert (read(look)[0] > 0).mean() == pytest.approx(0.5, abs=0.03)


def test_trouble_of_any_kind_does_not_end_the_run(mapped, folder, tmp_path, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("of a library")

    monkeypatch.setattr(quick_look, "view_grid", broken)
    progress = mapped(quick_look=str(tmp_path / "look.tif"))
    assert "No quick look: ZeroDivisionError('of a library')" in progress.texts("log")
    assert (folder / "map.tif").exists()


@pytest.mark.parametrize("fields", [{"quick_look_extent": (0, 0, 10, 10)}, {}])
def test_what_cannot_be_looked_at_is_told_and_the_run_goes_on(mapped, folder, tmp_path, fields):
    look = tmp_path / ("look.tif" if fields else "absent/look.tif")
    progress = mapped(quick_look=str(look), **fields)
    assert any(line.startswith("No quick look: ") for line in progress.texts("log"))
    assert not look.exists()
    assert (folder / "map.tif").exists()
    assert not [event for event in progress.events if event["event"] == "state"]


def test_it_overwrites_no_input(mapped, make_raster, folder):
    path = Path(make_raster(quarters()))
    before = path.read_bytes()
    progress = mapped(quick_look=str(path))
    assert any("is also an input" in line for line in progress.texts("log"))
    assert path.read_bytes() == before
    assert (folder / "map.tif").exists()


def test_a_cancel_is_no_missing_look(make_raster, segmenter, folder, recorder, tmp_path):
    job = SegmentJob(
        input=make_raster(quarters()),
        model=segmenter(),
        output=str(folder / "map.tif"),
        quick_look=str(tmp_path / "look.tif"),
        device="cpu",
        threads=1,
    )
    with pytest.raises(Cancelled):
        segment(job, recorder(cancel_after=2))
    assert list(folder.iterdir()) == []
    assert not (tmp_path / "look.tif").exists()


RESCALED = {"method": "scene", "rule": "quantile", "share": 0.4, "rescale": True}


@pytest.mark.parametrize(
    ("spec", "threshold", "columns"),
    [({}, 0.3, 30), ({}, 0.9, 0), (RESCALED, 0.8, 30), (RESCALED, 0.99999, 0)],
)
def test_change(change_detector, make_raster, folder, recorder, tmp_path, spec, threshold, columns):
    """The left half changes by .7: above a cut of .3, below one of .9.

    With RESCALED the cut is the middle of the first bin, 1 / 2048, and .7 becomes .9998: above .8, below .99999.
    """
    before = quarters()
    after = before.copy()
    after[:, :, :80] = 0.8 - after[:, :, :80] + 0.1
    look = tmp_path / "look.tif"
    job = ChangeJob(
        before=make_raster(before),
        after=make_raster(after, "after.tif"),
        model=change_detector(threshold=spec),
        output=str(folder / "change.tif"),
        threshold=threshold,
        quick_look=str(look),
        device="cpu",
        threads=1,
    )
    detect_change(job, recorder())
    changed = (read(look)[0][5] == 1).sum()
    assert abs(changed - columns) <= 1
    again = dataclasses.replace(job, quick_look="", output=str(folder / "again.tif"))
    detect_change(again, recorder())
    np.testing.assert_array_equal(*(read(folder / name)[0] for name in ("change.tif", "again.tif")))
