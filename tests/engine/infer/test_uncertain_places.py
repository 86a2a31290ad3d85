import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely

from engine.cards import ModelClass
from engine.errors import Cancelled, EmptyArea, ModelTaskMismatch
from engine.infer.uncertain_places import find_uncertain_places
from engine.jobs import UncertainPlacesJob

ROOT = Path(__file__).resolve().parents[3]
LEFT, TOP = 500_000, 4_600_000


def scene(unsure, height=40, width=60, second=1):
    """An image that is blue for sure, but for blocks [row, column] of 10 x 10 pixels where a band comes near.

    The model takes softmax(10 x bands). Blue 0.8 against 0.8 - gap has margin tanh(10 gap / 2), but for the third band:
    the smaller the gap, the less sure.
    """
    image = np.zeros((3, height, width), np.float32)
    image[0] = 0.8
    for (row, column), gap in unsure.items():
        image[second, 10 * row : 10 * row + 10, 10 * column : 10 * column + 10] = 0.8 - gap
    return image


def run(fields, progress):
    return find_uncertain_places(
        UncertainPlacesJob(**{"device": "cpu", "threads": 1, **fields}), progress
    )


def read(path):
    meta, _, wkb, columns = pyogrio.raw.read(path)
    return meta, shapely.from_wkb(wkb), dict(zip(meta["fields"], columns))


def corners(shapes):
    """Column and row of each place's upper left corner, in places of 100 m."""
    bounds = shapely.bounds(shapes)
    return [(round((TOP - top) / 100), round((left - LEFT) / 100)) for left, _, _, top in bounds]


@pytest.fixture
def find(segmenter, make_raster, folder, recorder):
    def search(image, **fields):
        progress = recorder()
        output = str(folder / "places.gpkg")
        job = {"input": make_raster(image), "model": segmenter(), "output": output, **fields}
        result = run(job, progress)
        return result, progress, output

    return search


class TestThreeUnsureBlocks:
    """Gaps of 0.02, 0.05 and 0.1: the nearer the second class, the earlier the place."""

    @pytest.fixture
    def done(self, find):
        return find(scene({(0, 0): 0.1, (2, 1): 0.02, (1, 4): 0.05}), count=3)

    def test_they_come_in_the_order_of_their_margins(self, done):
        _, shapes, fields = read(done[2])
        assert corners(shapes) == [(2, 1), (1, 4), (0, 0)]
        assert list(fields["rank"]) == [1, 2, 3]
        assert set(shapely.area(shapes)) == {100.0 * 100.0}

    def test_uncertainty_and_classes_are_those_of_the_softmax(self, done):
        """e^8, e^(8 - 10 gap) and e^0 over their sum; 1 - (first - second)."""
        _, _, fields = read(done[2])
        for place, gap in enumerate((0.02, 0.05, 0.1)):
            first, second = np.exp(8), np.exp(8 - 10 * gap)
            whole = first + second + 1
            expected = 1 - (first - second) / whole
            assert fields["uncertainty"][place] == pytest.approx(expected, abs=1e-4)
            assert fields["first_probability"][place] == pytest.approx(first / whole, abs=1e-4)
            assert fields["second_probability"][place] == pytest.approx(second / whole, abs=1e-4)
        assert set(fields["first_class"]) == {"bluish"}
        assert set(fields["second_class"]) == {"greenish"}

    def test_the_result_tells_what_was_done(self, done):
        result, progress, output = done
        assert result["outputs"] == {"output": output}
        assert [place["rank"] for place in result["places"]] == [1, 2, 3]
        assert result["windows"]["run"] > 0
        json.dumps(result)
        assert "Places of 10 x 10 pixels: 3 found." in progress.texts("log")
        assert progress.fractions == sorted(progress.fractions)
        assert progress.fractions[-1] == 1

    def test_the_layer_says_how_it_was_made_and_is_all_that_is_left(self, done, folder):
        meta, _, _ = read(done[2])
        assert meta["crs"] == "EPSG:32631"
        info = pyogrio.read_info(done[2])["layer_metadata"] or {}
        assert "uncertain-places" in info.get("DESCRIPTION", "")
        assert os.listdir(folder) == ["places.gpkg"]


def test_no_data_is_not_uncertain(find):
    """The most unsure block is without data but for 40 of its 100 pixels: too few to be labelled."""
    image = scene({(2, 1): 0.02, (1, 4): 0.05})
    image[:, 20:26, 10:20] = np.nan
    _, shapes, _ = read(find(image, count=1)[2])
    assert corners(shapes) == [(1, 4)]


def test_no_data_in_a_place_does_not_count_in_its_mean(find):
    image = scene({(2, 1): 0.02, (1, 4): 0.05})
    image[:, 20:24, 10:20] = np.nan
    _, shapes, fields = read(find(image, count=1)[2])
    assert corners(shapes) == [(2, 1)]
    first, second = np.exp(8), np.exp(7.8)
    assert fields["uncertainty"][0] == pytest.approx(
        1 - (first - second) / (first + second + 1), abs=1e-4
    )


def test_the_extent_limits_the_search(find):
    """From 300 m on, the block at 100 m is outside; places begin at the extent."""
    image = scene({(2, 1): 0.02, (1, 4): 0.05})
    extent = (LEFT + 300, TOP - 400, LEFT + 600, TOP)
    result, _, output = find(image, count=1, extent=extent)
    assert corners(read(output)[1]) == [(1, 4)]
    assert result["windows"]["skipped"] > 0


def test_a_mask_limits_the_search(find, tmp_path):
    mask = str(tmp_path / "mask.gpkg")
    shape = shapely.box(LEFT + 300, TOP - 400, LEFT + 600, TOP)
    pyogrio.raw.write(
        mask, shapely.to_wkb(np.array([shape])), field_data=[], fields=[],
        geometry_type="Polygon", crs="EPSG:32631", driver="GPKG",
    )  # fmt: skip
    _, _, output = find(scene({(2, 1): 0.02, (1, 4): 0.05}), count=1, mask=mask)
    assert corners(read(output)[1]) == [(1, 4)]


def test_what_is_labelled_is_left_out(find, tmp_path):
    labels = str(tmp_path / "labels.gpkg")
    shape = shapely.box(LEFT + 130, TOP - 260, LEFT + 150, TOP - 230)  # inside the block (2, 1)
    pyogrio.raw.write(
        labels, shapely.to_wkb(np.array([shape])), field_data=[np.array([1])], fields=["class"],
        geometry_type="Polygon", crs="EPSG:32631", driver="GPKG",
    )  # fmt: skip
    _, _, output = find(scene({(2, 1): 0.02, (1, 4): 0.05}), count=1, labels=labels)
    assert corners(read(output)[1]) == [(1, 4)]


def test_a_size_in_map_units(find):
    _, _, output = find(scene({(2, 1): 0.02}), count=1, size=200.0)
    _, shapes, _ = read(output)
    assert corners(shapes) == [(2, 0)]
    assert shapely.area(shapes[0]) == 200.0 * 200.0


def test_two_pairs_of_classes_share_the_places(find):
    """Six blocks are unsure between blue and green, two less so between blue and red: the latter get their turn."""
    image = scene({(0, 0): 0.01, (0, 2): 0.01, (0, 4): 0.01, (2, 0): 0.01, (2, 2): 0.01})
    image[2] = scene({(2, 4): 0.1, (2, 6): 0.1}, width=80, second=2)[2, :, :60]
    _, _, output = find(image, count=3)
    _, shapes, fields = read(output)
    assert corners(shapes)[2] == (2, 4)
    assert list(fields["second_class"]) == ["greenish", "greenish", "reddish"]


def test_fewer_places_than_wanted_are_told(find):
    """4 x 6 places with one between any two: 2 x 3 at most."""
    result, progress, _ = find(scene({}), count=20)
    assert len(result["places"]) <= 6
    (told,) = progress.texts("warning")
    assert f"{len(result['places'])} places were found instead of 20" in told


def test_a_scene_without_a_place_is_refused_and_nothing_is_written(find, folder):
    image = scene({})
    image[:, :, ::2] = np.nan
    image[:, ::5] = np.nan
    with pytest.raises(EmptyArea, match="No place of 10 x 10 pixels has at least half"):
        find(image)
    assert os.listdir(folder) == []


def test_a_cancel_leaves_nothing(segmenter, make_raster, folder, recorder):
    job = {"input": make_raster(scene({})), "model": segmenter(), "output": str(folder / "p.gpkg")}
    with pytest.raises(Cancelled):
        run(job, recorder(cancel_after=3))
    assert os.listdir(folder) == []


def test_a_class_is_called_as_in_all_tables(segmenter, make_raster, folder, recorder):
    classes = (
        ModelClass(1, "class-1", "水体"),
        ModelClass(2, "soil", "Soil"),
        ModelClass(4, "ice"),
    )
    output = str(folder / "places.gpkg")
    job = {"input": make_raster(scene({(2, 1): 0.02})), "model": segmenter(classes=classes)}
    (place,) = run({**job, "output": output, "count": 1}, recorder())["places"]
    assert (place["first_class"], place["second_class"]) == ("水体", "soil")
    fields = read(output)[2]
    assert (fields["first_class"][0], fields["second_class"][0]) == ("水体", "soil")


def test_a_model_for_another_task_is_refused(scene_classifier, make_raster, folder, recorder):
    job = {"input": make_raster(scene({})), "model": scene_classifier()}
    with pytest.raises(ModelTaskMismatch):
        run({**job, "output": str(folder / "p.gpkg")}, recorder())


def test_the_command_line(segmenter, make_raster, folder):
    output = folder / "places.gpkg"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "engine", "uncertain-places"),
            *("--input", make_raster(scene({(2, 1): 0.02}))),
            *("--model", segmenter(), "--output", str(output)),
            *("--count", "1", "--size", "100", "--device", "cpu"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    (place,) = json.loads(done.stdout)["places"]
    assert (place["first_class"], place["second_class"]) == ("bluish", "greenish")
    assert corners(read(output)[1]) == [(2, 1)]
