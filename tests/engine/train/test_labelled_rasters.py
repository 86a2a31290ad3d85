"""Rasters opened for training, with the labels on them."""

import dataclasses
from contextlib import ExitStack

import numpy as np
import pytest
from affine import Affine
from rasterio.windows import Window

from engine.data.labels import read_labels
from engine.errors import BandMismatch, EmptyArea, InvalidParameter, LabelsInvalid
from engine.train.labelled_rasters import label_rasters, open_sources
from engine.training_jobs import FinetuneJob
from tests.engine.data import rasters
from tests.engine.infer.conftest import Recorder
from tests.engine.train import land

CARD = dataclasses.replace(land.CARD, task="segmentation", classes=land.CLASSES)
EAST = Affine(10, 0, land.LEFT + 10 * land.SIDE, 0, -10, land.TOP)


@pytest.fixture
def work(tmp_path):
    """Opens rasters of a job, labels them, and keeps what was told."""
    with ExitStack() as stack:

        def run(inputs, labels=None, card=CARD, **more):
            job = FinetuneJob(
                inputs=tuple(inputs), labels=labels or "", output_model="x.onnx", **more
            )
            run.told = Recorder()
            sources = open_sources(job, card, stack, run.told)
            if labels is None:
                return sources
            layer = read_labels(labels, "" if labels.endswith(".tif") else "class")
            return label_rasters(sources, layer, card, 0, run.told)

        yield run


@pytest.fixture
def scene(tmp_path):
    return rasters.write(tmp_path / "scene.tif", land.image(land.class_map()))


def test_labels_lie_on_what_they_name(work, scene, tmp_path):
    (item,) = work([scene], land.field_labels(tmp_path / "l.gpkg", crs="EPSG:4326"))
    ground = item.ground
    assert (item.name, item.after, ground.place) == (scene, None, 0)
    assert ground.shape == (96, 96) and len(ground.pixels) == 16 * 16
    known = land.class_map()[ground.pixels.row, ground.pixels.column]
    assert (ground.pixels.label == known).all()
    feeds, valid = ground.read(Window(80, 80, 32, 32))
    assert feeds["image"].shape == (9, 32, 32)
    assert feeds["groups"].tolist() == [0, 1, 2]
    assert valid.sum() == 16 * 16
    assert any("/ 10000" in text for text in work.told.texts("log"))


def test_places_are_grids(work, scene, tmp_path):
    """Two dates on one grid are one place, the raster beside it is another."""
    later = rasters.write(tmp_path / "later.tif", land.image(land.class_map(), seed=1))
    beside = rasters.write(
        tmp_path / "east.tif", land.image(land.class_map(), seed=2), transform=EAST
    )
    places = land.middles()
    shapes = [land.box(*place) for place in places]
    shapes += [land.box(row, column + land.SIDE) for row, column in places]
    labels = [land.TITLES[land.class_map()[place]] for place in places] * 2
    layer = land.polygons(tmp_path / "l.gpkg", shapes, labels)
    found = work([scene, beside, later], layer)
    assert [item.ground.place for item in found] == [0, 1, 0]
    units = [set(item.ground.pixels.unit.tolist()) for item in found]
    assert units[0] == units[2] == set(range(16))
    assert units[1] == set(range(16, 32))


def test_regions_of_a_class_raster_are_others_on_another_raster(work, scene, tmp_path):
    """Every field is a region: 16 on each raster, told apart but for two dates of one place."""
    wide = np.concatenate([land.class_map(), land.class_map()], 1).astype("uint8")[None] + 1
    labels = rasters.write(tmp_path / "classes.tif", wide, names=(), nodata=0)
    later = rasters.write(tmp_path / "later.tif", land.image(land.class_map(), seed=1))
    beside = rasters.write(tmp_path / "east.tif", land.image(land.class_map()), transform=EAST)
    found = work([scene, later, beside], labels)
    units = [set(item.ground.pixels.unit.tolist()) for item in found]
    assert units[0] == units[1]
    assert not units[0] & units[2]


def test_a_raster_without_labels_is_left_out(work, scene, tmp_path):
    far = rasters.write(
        tmp_path / "far.tif",
        land.image(land.class_map()),
        transform=EAST @ Affine.translation(9e4, 0),
    )
    layer = land.field_labels(tmp_path / "l.gpkg")
    found = work([far, scene], layer)
    assert [item.name for item in found] == [scene]
    (told,) = work.told.texts("warning")
    assert told.startswith(f"{far} is left out: The labels")
    with pytest.raises(EmptyArea, match=r"labels .* raster"):
        work([far], layer)
    with pytest.raises(EmptyArea, match=r"do not overlap any of the 2 rasters.*check the CRS"):
        work([far, far], layer)


def test_a_class_that_lies_elsewhere(work, scene, tmp_path):
    shapes = [land.box(12, 12), land.box(12, 36), land.box(12, 4000)]
    layer = land.polygons(tmp_path / "l.gpkg", shapes, list(land.TITLES))
    with pytest.raises(LabelsInvalid, match=r"labelled as Water: .*lie elsewhere\. Draw some"):
        work([scene], layer)


def test_other_band_sets_teach_only_what_they_share(work, scene, tmp_path):
    six = np.delete(land.image(land.class_map(), seed=1), [3, 4, 5], 0)
    names = (*rasters.NAMES[:3], *rasters.NAMES[6:])
    landsat = rasters.write(tmp_path / "landsat.tif", six, names=names)
    found = work([scene, landsat], land.field_labels(tmp_path / "l.gpkg"))
    (told,) = work.told.texts("warning")
    assert told == (
        f"{landsat}: some bands are missing that other rasters have. The model is trained without these "
        "bands on all rasters."
    )
    for item in found:
        feeds, _ = item.ground.read(Window(0, 0, 32, 32))
        assert feeds["groups"].tolist() == [0, 2]
        assert (feeds["image"][3:6] == 0).all() and (feeds["image"][[0, 1, 2, 6, 7, 8]] > 0).all()


def test_a_raster_that_cannot_serve_the_base(work, tmp_path):
    rgb = rasters.write(
        tmp_path / "rgb.tif", land.image(land.class_map(), bands=3), names=rasters.NAMES[:3]
    )
    with pytest.raises(BandMismatch, match="B08"):
        work([rgb])


@pytest.mark.parametrize(
    ("after", "task", "words"),
    [
        (
            (),
            "change-detection",
            r"There are 1 rasters of the first date and 0 of the second\. Specify one",
        ),
        (("a", "b"), "change-detection", "1 rasters of the first date and 2 of the second"),
        (("a",), "segmentation", r"the task is segmentation\. Choose change-detection, or leave"),
    ],
)
def test_dates_that_do_not_go_together(work, scene, after, task, words):
    with pytest.raises(InvalidParameter, match=words):
        work([scene], after=after, task=task)


def test_no_raster(work):
    with pytest.raises(InvalidParameter, match=r"No raster was specified\. Choose"):
        work([])


def test_the_second_date_comes_on_the_grid_of_the_first(work, scene, tmp_path):
    known = land.class_map()
    shifted = rasters.write(
        tmp_path / "after.tif", land.image(np.roll(known, 5, 1)),
        transform=land.rasters.TRANSFORM @ Affine.translation(-5, 0),
    )  # fmt: skip
    card = dataclasses.replace(CARD, task="change-detection")
    ((first, second),) = work([scene], card=card, after=(shifted,), task="change-detection")
    assert second.grid == first.grid
    window = Window(0, 0, 80, 90)
    before, after = first.read(window)[0], second.read(window)[0]
    np.testing.assert_allclose(after, before, atol=0.05)
