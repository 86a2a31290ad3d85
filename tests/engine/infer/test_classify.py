import sqlite3
from contextlib import closing

import numpy as np
import pyogrio
import pytest
import shapely
from affine import Affine

from engine.errors import EmptyArea, InvalidParameter, ModelTaskMismatch, VectorUnreadable
from engine.infer.classify import classify
from engine.jobs import ClassifyJob

CORNER = (500_000, 4_600_000)


def chessboard(rows, columns, size, values=(0.1, 0.2, 0.9)):
    """Cells of `size` px, each with one bright band: band (row + column) mod 3."""
    image = np.zeros((3, rows * size, columns * size), np.float32)
    for row in range(rows):
        for column in range(columns):
            for band in range(3):
                image[band, row * size : (row + 1) * size, column * size : (column + 1) * size] = (
                    values[(band - row - column - 1) % 3]
                )
    return image


def table(path):
    meta, _, wkb, columns = pyogrio.raw.read(path)
    return dict(zip(meta["fields"], columns)), shapely.from_wkb(wkb), meta


def boxes(*pixels, size=10.0):
    """Polygons of (left, top, right, bottom) in pixels of the test raster."""
    x, y = CORNER
    return [
        shapely.box(x + left * size, y - bottom * size, x + right * size, y - top * size)
        for left, top, right, bottom in pixels
    ]


def write_zones(path, geometries, crs="EPSG:32631", masks=None, **fields):
    pyogrio.raw.write(
        path, shapely.to_wkb(np.array(geometries, object)), [np.array(v) for v in fields.values()],
        list(fields), masks and list(map(np.array, masks)), geometry_type="Polygon", crs=crs,
    )  # fmt: skip
    return str(path)


def test_a_grid_of_cells_by_hand(scene_classifier, make_raster, folder, recorder):
    """Two rows of three cells; bright band (row + column) mod 3 gives the classes 1, 2, 4 / 2, 4, 1."""
    output = folder / "scenes.gpkg"
    job = ClassifyJob(
        input=make_raster(chessboard(2, 3, 8)), model=scene_classifier(), output=str(output),
        device="cpu",
    )  # fmt: skip
    result = classify(job, recorder())
    fields, geometries, meta = table(output)
    assert list(fields["class_value"]) == [1, 2, 4, 2, 4, 1]
    assert list(fields["class_name"][:3]) == ["bluish", "greenish", "reddish"]
    powers = np.exp(10 * np.array([0.9, 0.1, 0.2]))
    assert fields["confidence"][0] == pytest.approx(100 * powers[0] / powers.sum(), abs=0.06)
    assert fields["prob_bluish"][0] == pytest.approx(powers[0] / powers.sum(), abs=1e-4)
    assert set(fields) == {
        "class_value", "class_name", "confidence", "area_m2",
        "prob_bluish", "prob_greenish", "prob_reddish",
    }  # fmt: skip
    expected = boxes(*((8 * c, 8 * r, 8 * c + 8, 8 * r + 8) for r in range(2) for c in range(3)))
    assert all(shapely.equals(given, want) for given, want in zip(geometries, expected))
    np.testing.assert_allclose(fields["area_m2"], 6400, rtol=2e-3)  # UTM scale .9996 squared
    assert meta["crs"] == "EPSG:32631"
    assert result["windows"] == {"total": 6, "run": 6, "skipped": 0}
    assert result["features"] == {"labelled": 6, "skipped": 0}
    assert [record["features"] for record in result["areas"]] == [2, 2, 2]


def test_cells_that_are_less_than_half_valid_are_left_out_and_counted(
    scene_classifier, make_raster, folder, recorder
):
    """Of 3 cells: all valid; 3 of 8 columns; 4 of 8 columns, which is half and enough."""
    image = chessboard(1, 3, 8)
    image[:, :, 8:13] = -9
    image[:, :, 20:24] = -9
    job = ClassifyJob(
        input=make_raster(image, nodata=-9), model=scene_classifier(),
        output=str(folder / "scenes.gpkg"), device="cpu",
    )  # fmt: skip
    progress = recorder()
    result = classify(job, progress)
    assert result["windows"] == {"total": 3, "run": 2, "skipped": 1}
    assert result["features"] == {"labelled": 2, "skipped": 1}
    assert "1 cells were left out" in "".join(progress.texts("log"))


def test_the_last_cells_are_cut_at_the_raster(scene_classifier, make_raster, folder, recorder):
    """13 columns hold one cell of 8 and one of 5, more than half; 11 rows one of 8 and one of 3, less than half."""
    output = folder / "scenes.gpkg"
    image = np.full((3, 11, 13), 0.2, np.float32)
    job = ClassifyJob(
        input=make_raster(image), model=scene_classifier(), output=str(output), device="cpu"
    )
    assert classify(job, recorder())["windows"] == {"total": 4, "run": 2, "skipped": 2}
    _, geometries, _ = table(output)
    assert [shape.area for shape in geometries] == [80 * 80, 50 * 80]


def test_an_extent_and_a_mask_limit_the_cells(scene_classifier, make_raster, folder, recorder):
    raster, model = make_raster(chessboard(4, 4, 8)), scene_classifier()
    mask = write_zones(folder.parent / "mask.gpkg", boxes((1, 1, 10, 4)))
    left, top = CORNER
    for options, run in (
        ({"extent": (left, top - 80, left + 80, top)}, 1),
        ({"extent": (left, top - 160, left + 90, top)}, 4),
        ({"mask": mask}, 2),
    ):
        job = ClassifyJob(
            input=raster, model=model, output=str(folder / "s.gpkg"), device="cpu", **options
        )
        assert classify(job, recorder())["windows"] == {
            "total": 16, "run": run, "skipped": 16 - run
        }  # fmt: skip


def test_a_coarser_raster_is_read_at_the_models_own_scale(
    scene_classifier, make_raster, folder, recorder
):
    """Pixels of 20 m, model of 8 px x 10 m: a cell is 80 m, so 4 pixels wide."""
    output = folder / "scenes.gpkg"
    job = ClassifyJob(
        input=make_raster(chessboard(2, 2, 4), pixel=20.0), model=scene_classifier(),
        output=str(output), device="cpu",
    )  # fmt: skip
    progress = recorder()
    classify(job, progress)
    fields, geometries, _ = table(output)
    assert list(fields["class_value"]) == [1, 2, 2, 4]
    np.testing.assert_allclose([shape.area for shape in geometries], 6400, rtol=1e-2)
    assert any("resampled" in text for text in progress.texts("log"))
    assert not progress.texts("warning")


def test_a_cell_size_stretches_the_cell_to_the_window_and_warns(
    scene_classifier, make_raster, folder, recorder
):
    """Cells of 160 m for a model of 80 m: twice its ground."""
    output = folder / "scenes.gpkg"
    job = ClassifyJob(
        input=make_raster(chessboard(2, 2, 16)), model=scene_classifier(), output=str(output),
        device="cpu", cell_size=160,
    )  # fmt: skip
    progress = recorder()
    result = classify(job, progress)
    fields, geometries, _ = table(output)
    assert list(fields["class_value"]) == [1, 2, 2, 4]
    assert [shape.area for shape in geometries] == [160 * 160] * 4
    assert result["windows"]["total"] == 4
    assert any("2 times the area" in text for text in progress.texts("warning"))


def test_a_cell_size_below_a_pixel_is_refused(scene_classifier, make_raster, folder, recorder):
    job = ClassifyJob(
        input=make_raster(chessboard(2, 2, 8)), model=scene_classifier(),
        output=str(folder / "s.gpkg"), cell_size=2,
    )  # fmt: skip
    with pytest.raises(InvalidParameter, match="smaller than a pixel"):
        classify(job, recorder())
    assert not list(folder.iterdir())


def test_zones_keep_their_attributes_and_average_by_valid_pixels(
    scene_classifier, make_raster, folder, recorder
):
    """Zone a: columns 0..12, windows at 0 and 4 of 64 pixels each. Zone b: inside cell 3. Zone c: no data."""
    image = chessboard(1, 4, 8)
    image[:, :, 24:] = np.nan
    zones = write_zones(
        folder.parent / "zones.gpkg", boxes((0, 0, 12, 8), (17, 1, 23, 7), (25, 0, 30, 8)),
        parcel=["a", "b", "c"], CONFIDENCE=[7, 8, 9],
    )  # fmt: skip
    output = folder / "zones.gpkg"
    job = ClassifyJob(
        input=make_raster(image), model=scene_classifier(), output=str(output), zones=zones,
        device="cpu",
    )  # fmt: skip
    progress = recorder()
    result = classify(job, progress)
    fields, _, _ = table(output)
    assert list(fields["parcel"]) == ["a", "b", "c"]
    assert list(fields["CONFIDENCE"]) == [7, 8, 9]
    assert "confidence_2" in fields
    by_band = np.exp(10 * np.array([0.9, 0.1, 0.2]))
    by_band /= (
        by_band.sum()
    )  # bright, below, above: cell 1 is (bright, .1, .2), cell 2 (.2, bright, .1)
    # The second window of zone a is shifted inward: columns 4..12, half cell 1, half cell 2.
    mixed = np.exp(10 * np.array([(0.9 + 0.2) / 2, (0.1 + 0.9) / 2, (0.2 + 0.1) / 2]))
    mixed /= mixed.sum()
    assert fields["prob_bluish"][0] == pytest.approx(
        (64 * by_band[0] + 64 * mixed[0]) / 128, abs=1e-4
    )
    assert fields["class_name"][1] == "reddish"
    assert fields["class_name"][2] is None
    assert np.isnan(fields["class_value"][2])
    assert result["features"] == {"labelled": 2, "skipped": 1}
    assert "1 zones were kept without a label" in "".join(progress.texts("log"))


def test_a_zone_that_lies_beside_the_raster_for_the_most_part_has_no_label(
    scene_classifier, make_raster, folder, recorder
):
    """Zones of 8 x 8 pixels: of one six columns are on the raster, of the other two; as cells that overhang it."""
    zones = boxes((-2, 0, 6, 8), (-6, 0, 2, 8))
    output = folder / "zones.gpkg"
    job = ClassifyJob(
        input=make_raster(chessboard(2, 2, 8)), model=scene_classifier(), output=str(output),
        zones=write_zones(folder.parent / "zones.gpkg", zones, number=[1, 2]), device="cpu",
    )  # fmt: skip
    progress = recorder()
    assert classify(job, progress)["features"] == {"labelled": 1, "skipped": 1}
    assert table(output)[0]["class_name"][1] is None
    told = (
        "1 zones were kept without a label: less than half of their area is covered by valid pixels"
    )
    assert told in "".join(progress.texts("log"))


def test_columns_of_zones_with_nulls_keep_their_types(
    scene_classifier, make_raster, folder, recorder
):
    """pyogrio reads whole numbers and truths with NULLs as decimals, in which large numbers are not exact."""
    zones = write_zones(
        folder.parent / "zones.gpkg", boxes((0, 0, 8, 8), (8, 0, 16, 8)),
        masks=[[False, True], [False, True], [True, False]],
        n=[3, 0], id=[2**53 + 1, 0], yes=[True, True],
    )  # fmt: skip
    output = folder / "zones.gpkg"
    job = ClassifyJob(
        input=make_raster(chessboard(1, 2, 8)), model=scene_classifier(), output=str(output),
        zones=zones, device="cpu",
    )  # fmt: skip
    classify(job, recorder())
    with closing(sqlite3.connect(output)) as database:
        found = database.execute("select n, id, yes from zones").fetchall()
    assert found == [(3, 2**53 + 1, None), (None, None, 1)]
    assert list(table(output)[2]["dtypes"][:3]) == ["int64", "int64", "bool"]


def test_zones_in_another_crs_and_smaller_than_a_pixel(
    scene_classifier, make_raster, folder, recorder
):
    from pyproj import Transformer

    to_degrees = Transformer.from_crs(32631, 4326, always_xy=True)
    zones = [
        shapely.transform(
            shape, lambda xy: np.column_stack(to_degrees.transform(xy[:, 0], xy[:, 1]))
        )
        for shape in boxes((1, 1, 7, 7), (10.1, 1.1, 10.3, 1.3))
    ]
    path = write_zones(folder.parent / "zones.gpkg", zones, "EPSG:4326", number=[1, 2])
    output = folder / "zones.gpkg"
    job = ClassifyJob(
        input=make_raster(chessboard(1, 2, 8)), model=scene_classifier(), output=str(output),
        zones=path, device="cpu",
    )  # fmt: skip
    classify(job, recorder())
    fields, _, _ = table(output)
    assert list(fields["number"]) == [1, 2]
    assert list(fields["class_value"]) == [1, 2]


def test_a_zone_beside_a_rotated_raster_is_left_out_as_any_other_beside(
    scene_classifier, make_raster, folder, recorder, tmp_path
):
    """The box around a raster that lies askew has corners beside it."""
    x, y = CORNER
    askew = Affine(
        8, 6, x, 6, -8, y
    )  # pixels of 10 m, 16 columns to the upper right, 16 rows to the lower right
    inside = shapely.box(x + 100, y - 20, x + 120, y)
    beside = shapely.box(x + 1, y + 80, x + 11, y + 90)
    output = folder / "zones.gpkg"
    job = ClassifyJob(
        input=make_raster(chessboard(2, 2, 8), transform=askew), model=scene_classifier(),
        zones=write_zones(tmp_path / "zones.gpkg", [inside, beside], number=[1, 2]),
        output=str(output), device="cpu",
    )  # fmt: skip
    result = classify(job, recorder())
    assert result["features"] == {"labelled": 1, "skipped": 0}
    assert table(output)[0]["number"].tolist() == [1]


def test_many_labels_are_joined(scene_classifier, make_raster, folder, recorder):
    """sigmoid(20 (mean - .3)): bands at .9 and .4 pass .5, the one at .1 does not; nothing passes in the dark cell."""
    image = chessboard(1, 2, 8, values=(0.4, 0.1, 0.9))
    image[:, :, 8:] = 0.05
    output = folder / "scenes.gpkg"
    job = ClassifyJob(
        input=make_raster(image), model=scene_classifier(multilabel=True), output=str(output),
        device="cpu",
    )  # fmt: skip
    result = classify(job, recorder())
    fields, _, _ = table(output)
    assert fields["class_name"][0] == "bluish, greenish"
    assert fields["class_name"][1] is None
    assert [record["features"] for record in result["areas"]] == [1, 1, 0]


class TestBadInput:
    def refused(self, error, words, job, recorder, folder):
        with pytest.raises(error, match=words):
            classify(job, recorder())
        assert not list(folder.iterdir())

    def test_nothing_valid(self, scene_classifier, make_raster, folder, recorder):
        job = ClassifyJob(
            input=make_raster(np.full((3, 8, 8), np.nan, np.float32)), model=scene_classifier(),
            output=str(folder / "s.gpkg"),
        )  # fmt: skip
        self.refused(EmptyArea, "No cell can be classified", job, recorder, folder)

    def test_a_model_for_another_task(self, segmenter, make_raster, folder, recorder):
        job = ClassifyJob(
            input=make_raster(chessboard(1, 1, 8)), model=segmenter(),
            output=str(folder / "s.gpkg"),
        )  # fmt: skip
        self.refused(ModelTaskMismatch, "scene-classification", job, recorder, folder)

    def test_zones_that_miss_the_raster(self, scene_classifier, make_raster, folder, recorder):
        zones = write_zones(folder.parent / "z.gpkg", boxes((1000, 1000, 1010, 1010)), a=[1])
        job = ClassifyJob(
            input=make_raster(chessboard(1, 1, 8)), model=scene_classifier(), zones=zones,
            output=str(folder / "s.gpkg"),
        )  # fmt: skip
        self.refused(EmptyArea, "do not overlap", job, recorder, folder)

    def test_zones_that_are_no_file(self, scene_classifier, make_raster, folder, recorder):
        job = ClassifyJob(
            input=make_raster(chessboard(1, 1, 8)), model=scene_classifier(), zones="/no/such.gpkg",
            output=str(folder / "s.gpkg"),
        )  # fmt: skip
        self.refused(VectorUnreadable, "does not exist", job, recorder, folder)

    def test_the_wrong_ending(self, scene_classifier, make_raster, folder, recorder):
        job = ClassifyJob(
            input=make_raster(chessboard(1, 1, 8)), model=scene_classifier(),
            output=str(folder / "s.shp"),
        )  # fmt: skip
        self.refused(InvalidParameter, r"must end in \.gpkg", job, recorder, folder)
