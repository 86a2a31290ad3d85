import csv
import json

import numpy as np
import pyogrio
import pytest
import rasterio
from rasterio.transform import from_origin
from rasterio.warp import calculate_default_transform, reproject

from engine.errors import (
    BandMismatch,
    Cancelled,
    EmptyArea,
    InvalidParameter,
    ModelInvalid,
    ModelTaskMismatch,
    NoOverlap,
)
from engine.infer.detect_change import detect_change
from engine.jobs import ChangeJob
from tests.engine.infer.maps import read

RNG = np.random.default_rng(11)
BEFORE = (RNG.random((3, 60, 45)) * 0.5).astype(np.float32)
LEFT, TOP = 500_000, 4_600_000


def changed_square(size=0.4):
    """Ten by ten pixels differ by `size` in one band; the others by a hundredth."""
    after = BEFORE + np.float32(0.01)
    after[1, 20:30, 15:25] = BEFORE[1, 20:30, 15:25] + np.float32(size)
    square = np.zeros(BEFORE.shape[1:], bool)
    square[20:30, 15:25] = True
    return after, square


@pytest.fixture
def run(recorder):
    def run(progress=None, **fields):
        job = ChangeJob(**{"device": "cpu", "threads": 1, **fields})
        return detect_change(job, progress or recorder())

    return run


@pytest.mark.parametrize("overlap", [0, 25, 75])
@pytest.mark.parametrize("window", [8, 16, 64])
def test_the_probability_is_the_difference_whatever_the_windows(
    run, change_detector, make_raster, folder, window, overlap
):
    after, square = changed_square()
    probability = folder / "probability.tif"
    result = run(
        before=make_raster(BEFORE, "before.tif"),
        after=make_raster(after, "after.tif"),
        model=change_detector(window=window, threshold={"method": "fixed", "value": 0.3}),
        output=str(folder / "change.tif"),
        probability=str(probability),
        overlap=overlap,
    )
    np.testing.assert_allclose(read(probability), np.where(square, 0.4, 0.01), atol=1e-5)
    np.testing.assert_array_equal(read(folder / "change.tif"), square)
    assert result["threshold"] == 0.3
    assert result["nodata"] == 255


def test_all_outputs(run, change_detector, make_raster, folder, recorder):
    after, _ = changed_square()
    names = {
        "output": "change.tif",
        "probability": "probability.tif",
        "output_vector": "change.gpkg",
        "areas": "areas.csv",
    }
    progress = recorder()
    result = run(
        progress,
        before=make_raster(BEFORE, "before.tif"),
        after=make_raster(after, "after.tif"),
        model=change_detector(threshold={"value": 0.2}),
        **{name: str(folder / file) for name, file in names.items()},
    )
    assert {p.name for p in folder.iterdir()} == {*names.values(), "change.tif.aux.xml"}
    meta, _, _, columns = pyogrio.raw.read(folder / "change.gpkg")
    table = dict(zip(meta["fields"], columns))
    assert list(table["class_value"]) == [1]  # polygons of change only
    assert table["area_m2"][0] == pytest.approx(100 * 100, rel=2e-3)
    assert table["confidence"][0] == pytest.approx(40, abs=0.1)
    with open(folder / "areas.csv", newline="", encoding="utf-8-sig") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    assert int(rows["changed"]["pixels"]) == 100
    assert int(rows["unchanged"]["pixels"]) == 60 * 45 - 100
    with rasterio.open(folder / "probability.tif") as dataset:
        assert dataset.nodata == -1
        assert dataset.dtypes == ("float32",)
    with rasterio.open(folder / "change.tif") as dataset:
        assert float(dataset.tags()["SPECTRALGPT_THRESHOLD"]) == 0.2
    # 16 px with a step of 12: 1 + ceil(44 / 12) = 5 rows, 1 + ceil(29 / 12) = 4 columns.
    assert result["windows"] == {"total": 20, "run": 20, "skipped": 0}
    assert progress.fractions == sorted(progress.fractions)
    assert any("First date, bands" in text for text in progress.texts("log"))
    json.dumps(result)


class TestThreshold:
    @pytest.fixture
    def cut(self, run, change_detector, make_raster, folder):
        def cut(spec, **fields):
            after, _ = changed_square()
            result = run(
                before=make_raster(BEFORE, "before.tif"),
                after=make_raster(after, "after.tif"),
                model=change_detector(threshold=spec),
                output=str(folder / "change.tif"),
                probability=str(folder / "probability.tif"),
                **fields,
            )
            return (
                result["threshold"],
                read(folder / "change.tif"),
                read(folder / "probability.tif"),
            )

        return cut

    def test_what_the_user_gives_wins(self, cut):
        threshold, made, _ = cut({"method": "fixed", "value": 0.3}, threshold=0.5)
        assert threshold == 0.5
        assert not made.any()

    def test_zero_and_one_are_thresholds_too(self, cut):
        assert cut({}, threshold=0.0)[1].all()
        assert not cut({}, threshold=1.0)[1].any()

    def test_the_scene_decides(self, cut):
        """A fixed .5 finds nothing here; Otsu's cut lies between the scores .01 and .4."""
        assert not cut({"method": "fixed", "value": 0.5})[1].any()
        threshold, made, _ = cut({"method": "scene", "rule": "otsu"})
        assert 0.02 < threshold < 0.39
        assert made.sum() == 100

    def test_rescaled_scores_have_their_cut_at_a_half(self, cut):
        spec = {"method": "scene", "rule": "otsu", "rescale": True}
        threshold, made, probability = cut(spec)
        assert threshold == 0.5
        np.testing.assert_array_equal(made, probability >= 0.5)
        assert made.sum() == 100

    def test_a_method_of_a_later_version_is_refused(self, cut, folder):
        with pytest.raises(ModelInvalid, match="Update the plugin"):
            cut({"method": "scene", "rule": "oracle"})
        assert not list(folder.iterdir())


def test_small_changes_are_dropped(run, change_detector, make_raster, folder):
    after, square = changed_square()
    after[0, 50:52, 5:7] += np.float32(0.45)
    result = run(
        before=make_raster(BEFORE, "before.tif"),
        after=make_raster(after, "after.tif"),
        model=change_detector(threshold={"value": 0.2}),
        output=str(folder / "change.tif"),
        min_area=500.0,
    )
    np.testing.assert_array_equal(read(folder / "change.tif"), square)
    assert [record["pixels"] for record in result["areas"]] == [2600, 100]


def test_a_pixel_counts_when_it_is_valid_in_both_dates(run, change_detector, make_raster, folder):
    before, (after, _) = BEFORE.copy(), changed_square()
    before[:, :10] = np.nan
    after[:, :, :7] = np.nan
    run(
        before=make_raster(before, "before.tif"),
        after=make_raster(after, "after.tif"),
        model=change_detector(),
        output=str(folder / "change.tif"),
    )
    unknown = np.zeros((60, 45), bool)
    unknown[:10] = True
    unknown[:, :7] = True
    np.testing.assert_array_equal(read(folder / "change.tif") == 255, unknown)


def test_each_date_is_standardised_by_its_own_statistics(run, change_detector, make_raster, folder):
    """The second date is the first one times 2 plus .1: standardised by scene, nothing has changed."""
    fields = {
        "before": make_raster(BEFORE, "before.tif"),
        "after": make_raster(BEFORE * 2 + np.float32(0.1), "after.tif"),
        "output": str(folder / "change.tif"),
        "probability": str(folder / "probability.tif"),
    }
    run(model=change_detector(kind="scene-statistics"), **fields)
    assert read(folder / "probability.tif").max() < 1e-3
    run(model=change_detector(kind="none"), **fields)
    assert read(folder / "probability.tif").min() > 0.09


class TestGrids:
    def test_a_shifted_second_date_is_put_on_the_first_ones_grid(
        self, run, change_detector, make_raster, folder
    ):
        """The second raster begins 5 columns and 8 rows later: what it lacks is unknown."""
        after, square = changed_square()
        run(
            before=make_raster(BEFORE, "before.tif"),
            after=make_raster(after[:, 8:, 5:], "after.tif", corner=(LEFT + 50, TOP - 80)),
            model=change_detector(threshold={"value": 0.3}),
            output=str(folder / "change.tif"),
        )
        made = read(folder / "change.tif")
        assert (made[:8] == 255).all() and (made[:, :5] == 255).all()
        np.testing.assert_array_equal(made[8:, 5:], square[8:, 5:])

    def test_another_crs_and_resolution(self, run, change_detector, make_raster, folder, tmp_path):
        """Smooth fields, the second one in degrees: after warping back, only the raised part differs."""
        rows, columns = np.mgrid[:60, :45]
        smooth = np.stack([np.sin(rows / 20 + k) * 0.2 + columns / 200 + 0.3 for k in range(3)])
        smooth = smooth.astype(np.float32)
        after = smooth.copy()
        after[:, 20:40, 10:30] += 0.4
        utm = from_origin(LEFT, TOP, 10, 10)
        bounds = (LEFT, TOP - 600, LEFT + 450, TOP)
        transform, width, height = calculate_default_transform(
            "EPSG:32631", "EPSG:4326", 45, 60, *bounds
        )
        warped = np.full((3, height, width), np.nan, np.float32)
        reproject(
            after, warped, src_transform=utm, src_crs="EPSG:32631", dst_transform=transform,
            dst_crs="EPSG:4326", dst_nodata=np.nan, resampling=rasterio.enums.Resampling.cubic,
        )  # fmt: skip
        run(
            before=make_raster(smooth, "before.tif"),
            after=make_raster(warped, "after.tif", crs="EPSG:4326", transform=transform),
            model=change_detector(threshold={"value": 0.2}),
            output=str(folder / "change.tif"),
        )
        with rasterio.open(folder / "change.tif") as dataset:
            assert dataset.crs.to_epsg() == 32631
            assert dataset.transform == utm
            made = dataset.read(1)
        assert (made[22:38, 12:28] == 1).all()
        outside = np.ones((60, 45), bool)
        outside[18:42, 8:32] = False
        assert (made[outside & (made != 255)] == 0).all()
        assert (made != 255).mean() > 0.85

    def test_dates_that_do_not_overlap(self, run, change_detector, make_raster, folder):
        with pytest.raises(NoOverlap, match="does not overlap"):
            run(
                before=make_raster(BEFORE, "before.tif"),
                after=make_raster(BEFORE, "after.tif", corner=(LEFT + 10_000, TOP)),
                model=change_detector(),
                output=str(folder / "change.tif"),
            )
        assert not list(folder.iterdir())


class TestBadInput:
    @pytest.fixture
    def refuse(self, run, change_detector, make_raster, folder):
        def refuse(error, words, progress=None, **fields):
            given = {"output": str(folder / "change.tif"), **fields}
            given.setdefault("model", change_detector())
            given.setdefault("before", make_raster(BEFORE, "before.tif"))
            given.setdefault("after", make_raster(BEFORE, "after.tif"))
            with pytest.raises(error, match=words):
                run(progress, **given)
            assert not list(folder.iterdir())

        return refuse

    def test_second_date_with_too_few_bands(self, refuse, make_raster):
        path = make_raster(BEFORE[:2], "two.tif", names=["B02", "B03"])
        refuse(BandMismatch, "B04|red", after=path)

    def test_a_model_for_another_task(self, refuse, segmenter):
        refuse(ModelTaskMismatch, "is for segmentation", model=segmenter())

    def test_output_that_is_an_input(self, refuse, make_raster):
        path = make_raster(BEFORE, "second.tif")
        refuse(InvalidParameter, "is also an input", after=path, output=path)

    def test_no_pixel_valid_in_both(self, refuse, make_raster):
        before, after = BEFORE.copy(), BEFORE.copy()
        before[:, :30] = np.nan
        after[:, 30:] = np.nan
        refuse(
            EmptyArea,
            "no valid pixel",
            before=make_raster(before, "b.tif"),
            after=make_raster(after, "a.tif"),
        )

    @pytest.mark.parametrize("updates", [0, 5, 20])
    def test_cancel(self, refuse, recorder, updates):
        refuse(Cancelled, "Cancelled", recorder(cancel_after=updates))

    def test_a_model_of_three_classes(self, refuse, change_detector):
        from engine.cards import ModelClass

        classes = tuple(ModelClass(k, str(k)) for k in range(3))
        refuse(ModelInvalid, "two classes", model=change_detector("three.onnx", classes=classes))
