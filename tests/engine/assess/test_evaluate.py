import numpy as np
import pytest
import shapely

from engine.assess import class_raster
from engine.assess import evaluate as module
from engine.errors import (
    Cancelled,
    EmptyArea,
    LabelsInvalid,
    RasterUnreadable,
    VectorUnreadable,
)
from engine.progress import Progress
from tests.engine.assess.judging import TITLES, VALUES, judge, points, square
from tests.engine.assess.maps import CLASSES, TRANSFORM, centres, write_map, write_vector
from tests.engine.data import rasters


def test_points_give_the_matrix_by_hand(tmp_path, map_path):
    rows, columns = np.divmod(np.arange(0, 2000, 13), 50)
    mapped = VALUES[rows, columns]
    truth = np.where(np.arange(len(rows)) % 5 == 0, 3 - mapped, mapped)  # every fifth is wrong
    reference = points(tmp_path, [TITLES[v].upper() for v in truth], rows, columns)
    result = judge(map_path, reference, field="kind")
    expected = [[int(((truth == t) & (mapped == m)).sum()) for m in (1, 2)] for t in (1, 2)]
    assert result["matrix"] == expected
    assert result["names"] == ["Open water", "Dry land"]
    assert result["values"] == [1, 2]
    figures = result["figures"]
    assert figures["overall_accuracy"] == pytest.approx((truth == mapped).mean(), abs=1e-6)
    low, high = figures["overall_accuracy_interval"]
    assert low < figures["overall_accuracy"] < high
    assert figures["area_adjusted"] is None
    water = figures["classes"][0]
    assert water["recall"] == pytest.approx(expected[0][0] / sum(expected[0]), abs=1e-6)
    assert water["precision"] == pytest.approx(
        expected[0][0] / (expected[0][0] + expected[1][0]), abs=1e-6
    )
    assert result["matching"]["by"] == "name"
    assert result["warnings"] == []


def test_whole_numbers_are_values(tmp_path, map_path):
    rows, columns = np.divmod(np.arange(100), 50)
    reference = write_vector(
        tmp_path / "p.gpkg", centres(rows, columns), code=VALUES[rows, columns].astype(np.int32)
    )
    result = judge(map_path, reference, field="code")
    assert result["figures"]["overall_accuracy"] == 1
    assert result["matching"] == {
        "by": "value",
        "pairs": ["1 = 1 (Open water)", "2 = 2 (Dry land)"],
    }


def test_polygons_count_pixels_and_are_judged_as_polygons(tmp_path):
    values = np.ones((40, 50), np.uint8)
    values[:, 25:] = 2
    map_path = write_map(tmp_path / "map.tif", values, classes=CLASSES)
    squares = [square(2 + 6 * k, c, 4) for k in range(6) for c in (5, 30)] + [square(0, 40, 4)]
    truth = ["water", "land"] * 6 + ["water"]  # the last one is wrong
    names = np.array([TITLES[1] if t == "water" else TITLES[2] for t in truth], object)
    reference = write_vector(tmp_path / "areas.gpkg", squares, kind=names)
    result = judge(map_path, reference, field="kind")
    assert result["matrix"] == [[96, 16], [0, 96]]
    low, high = result["figures"]["overall_accuracy_interval"]
    assert (low, high) == pytest.approx((0.63, 0.99), abs=0.06)  # 12 of 13 polygons, not 192 of 208
    assert any("13 reference areas" in text for text in result["warnings"])


def test_a_class_raster_is_a_reference_on_another_grid(tmp_path, map_path):
    """Two by two pixels of the map a reference pixel, shifted by four; 9 is its no-data."""
    coarse = VALUES[4:20:2, 4:20:2].copy()
    coarse[0, 0] = 9
    transform = TRANSFORM @ TRANSFORM.translation(4, 4) @ TRANSFORM.scale(2)
    reference = write_map(
        tmp_path / "truth.tif", coarse, classes=CLASSES, nodata=9, transform=transform
    )
    result = judge(map_path, reference)
    truth = coarse.repeat(2, 0).repeat(2, 1)
    mapped = VALUES[4:20, 4:20]
    expected = [[int(((truth == t) & (mapped == m)).sum()) for m in (1, 2)] for t in (1, 2)]
    assert result["matrix"] == expected
    assert any("not independent" in text for text in result["warnings"])


def test_places_without_data_are_left_out_with_a_warning(tmp_path):
    values = VALUES.copy()
    values[0] = 0
    map_path = write_map(tmp_path / "map.tif", values, classes=CLASSES)
    rows, columns = np.divmod(np.arange(200), 50)
    truth = [TITLES[v] for v in VALUES[rows, columns]]
    result = judge(map_path, points(tmp_path, truth, rows, columns), field="kind")
    assert result["figures"]["samples"] == 150
    assert any("50 of 200 reference samples lie where" in text for text in result["warnings"])


def test_the_map_is_wrong_where_the_references_have_a_class_that_it_lacks(tmp_path, map_path):
    rows, columns = np.divmod(np.arange(200), 50)
    truth = [TITLES[v] for v in VALUES[rows, columns]]
    truth[150:160] = ["roof"] * 10
    result = judge(map_path, points(tmp_path, truth, rows, columns), field="kind")
    assert result["figures"]["overall_accuracy"] == 0.95  # 190 of 200
    assert result["names"] == ["Open water", "Dry land", "roof"]
    assert result["values"] == [1, 2, None]
    assert sum(result["matrix"][2]) == 10 and [row[2] for row in result["matrix"]] == [0, 0, 0]
    told = "are not in the map: roof. Their 10 reference samples count as errors."
    assert any(told in text for text in result["warnings"])


def test_the_area_of_a_class_that_the_map_lacks_is_estimated(tmp_path, map_path):
    """A quarter of what is mapped as each class is another one."""
    rows, columns = np.divmod(np.arange(VALUES.size), VALUES.shape[1])
    truth = np.array([TITLES[v] for v in VALUES.ravel()], object)
    for title in TITLES.values():
        of_class = np.flatnonzero(truth == title)
        truth[of_class[: len(of_class) // 4]] = "roof"
    reference = points(tmp_path, truth.tolist(), rows, columns)
    result = judge(map_path, reference, field="kind", design="stratified")
    adjusted = result["figures"]["area_adjusted"]
    assert adjusted["overall_accuracy"] == pytest.approx(0.75, abs=0.002)
    roof, whole = adjusted["classes"][2], sum(c["area_m2"] for c in adjusted["classes"])
    assert roof["name"] == "roof" and roof["mapped_area_m2"] == 0
    assert roof["area_m2"] == pytest.approx(whole / 4, rel=0.01)


def test_nameless_zeros_of_a_raster_are_not_labelled_rather_than_wrong(tmp_path, map_path):
    values = VALUES.copy()
    values[:20] = 0
    reference = write_map(tmp_path / "truth.tif", values, nodata=None)
    result = judge(map_path, reference)
    assert result["figures"]["overall_accuracy"] == 1
    assert any("These values of the references" in t for t in result["warnings"])


def test_a_class_that_is_mapped_nowhere_near_is_still_one_of_the_map(tmp_path):
    """Without names only the whole map tells which values are classes."""
    values = VALUES.copy()
    values[30:] = 7
    map_path = write_map(tmp_path / "map.tif", values)
    rows, columns = np.divmod(np.arange(100), 50)
    truth = VALUES[rows, columns].astype(np.int32)
    truth[:10] = 7
    reference = write_vector(tmp_path / "p.gpkg", centres(rows, columns), code=truth)
    result = judge(map_path, reference, field="code")
    assert result["values"] == [1, 2, 7]
    assert sum(result["matrix"][2]) == 10


def test_only_windows_with_references_are_read(tmp_path, map_path, monkeypatch):
    read = []
    original = class_raster.ClassRaster._read

    def spy(self, window):
        read.append((window.col_off, window.row_off, window.width, window.height))
        return original(self, window)

    monkeypatch.setattr(class_raster.ClassRaster, "_read", spy)
    monkeypatch.setattr(class_raster, "_TILE", 16)
    reference = points(tmp_path, [TITLES[1]] * 3, [2, 3, 38], [4, 5, 45])
    judge(map_path, reference, field="kind")
    assert sorted(read) == [(4, 2, 2, 2), (45, 38, 1, 1)]


def test_references_come_in_any_crs(tmp_path, map_path):
    import pyproj

    to_degrees = pyproj.Transformer.from_crs("EPSG:32631", "EPSG:4326", always_xy=True)
    rows, columns = np.divmod(np.arange(0, 2000, 31), 50)
    degrees = [shapely.Point(to_degrees.transform(p.x, p.y)) for p in centres(rows, columns)]
    truth = np.array([TITLES[v] for v in VALUES[rows, columns]], object)
    reference = write_vector(tmp_path / "degrees.gpkg", degrees, crs="EPSG:4326", kind=truth)
    assert judge(map_path, reference, field="kind")["figures"]["overall_accuracy"] == 1


def far(tmp_path):
    return points(tmp_path, ["water"], [9000], [9000])


def empty(tmp_path):
    return points(tmp_path, [None, None], [1, 2], [1, 2])


def foreign(tmp_path):
    return points(tmp_path, ["roof", "snow"], [1, 2], [1, 2])


@pytest.mark.parametrize(
    ("make", "options", "error", "says"),
    [
        (far, {"field": "kind"}, EmptyArea, "do not overlap"),
        (empty, {"field": "kind"}, LabelsInvalid, "is empty"),
        (foreign, {"field": "kind"}, LabelsInvalid, "roof, snow; the map has 1 .Open water"),
        (foreign, {"field": "none"}, LabelsInvalid, "has no field 'none'"),
        (foreign, {}, LabelsInvalid, "needs the field"),
        (lambda path: path / "missing.gpkg", {"field": "kind"}, VectorUnreadable, "does not exist"),
    ],
    ids=["outside", "empty", "unmatched", "field", "no field", "missing"],
)
def test_bad_references(tmp_path, map_path, make, options, error, says):
    report = tmp_path / "report.html"
    with pytest.raises(error, match=says):
        judge(map_path, make(tmp_path), output_report=str(report), **options)
    assert not report.exists()
    assert not list(tmp_path.glob(".spectralgpt-*"))


def test_bad_maps(tmp_path):
    reference = points(tmp_path, ["water"], [1], [1])
    decimal = write_map(tmp_path / "decimal.tif", VALUES.astype(np.float32))
    with pytest.raises(LabelsInvalid, match="decimal numbers"):
        judge(decimal, reference, field="kind")
    blank = write_map(tmp_path / "blank.tif", np.zeros_like(VALUES))
    with pytest.raises(EmptyArea, match="no class"):
        judge(blank, reference, field="kind")
    with pytest.raises(RasterUnreadable, match="does not exist"):
        judge(str(tmp_path / "none.tif"), reference, field="kind")


@pytest.mark.parametrize(
    ("bands", "dtype", "most"),
    [(9, "uint16", 10_000), (3, "uint8", 9), (4, "float32", 2), (1, "uint8", 250)],
    ids=["sensor", "colours", "reflectance", "one band"],
)
def test_an_image_in_place_of_a_map(tmp_path, bands, dtype, most):
    values = np.random.default_rng(4).uniform(1, most, (bands, 40, 50)).astype(dtype)
    image = rasters.write(tmp_path / "image.tif", values, names=(), transform=TRANSFORM)
    reference = points(tmp_path, ["water", "land"], [1, 30], [1, 30])
    given = rf"image.tif is an image \(bands: {bands}, {dtype}\), but a class map.*and the model"
    with pytest.raises(LabelsInvalid, match=given):
        judge(image, reference, field="kind")


def test_of_several_bands_the_first_is_judged_with_a_warning(tmp_path):
    """Classes of several years, perhaps; or an image that happens to have the references' numbers."""
    years = rasters.write(
        tmp_path / "years.tif", np.stack([VALUES] * 3), names=(), transform=TRANSFORM
    )
    rows, columns = np.divmod(np.arange(100), 50)
    reference = points(tmp_path, VALUES[rows, columns].astype(str), rows, columns)
    result = judge(years, reference, field="kind")
    assert result["figures"]["overall_accuracy"] == 1
    assert any("has several bands" in text for text in result["warnings"])


def test_nothing_is_left_of_a_cancelled_evaluation(tmp_path, map_path, sampled):
    labelled, *_ = sampled
    before = sorted(tmp_path.iterdir())
    asked = iter(range(100))
    with pytest.raises(Cancelled):
        judge(
            map_path,
            labelled,
            Progress(lambda: next(asked) > 1),
            output_report=str(tmp_path / "r.html"),
        )
    assert sorted(tmp_path.iterdir()) == before


def test_a_model_is_judged_by_the_map_it_makes(tmp_path, monkeypatch):
    from tests.engine.assess.models import brightest_band_model, write_image

    image = np.random.default_rng(12).random((3, 40, 50)).astype(np.float32)
    source = write_image(tmp_path / "image.tif", image)
    model = brightest_band_model(tmp_path / "model.onnx")
    expected = np.array([1, 2, 4])[image.argmax(axis=0)]
    rows, columns = np.divmod(np.arange(0, 2000, 9), 50)
    names = {1: "bluish", 2: "Greenish", 4: "reddish"}
    truth = [names[v] for v in expected[rows, columns]]
    truth[:6] = ["bluish"] * 6
    before = {path.name for path in tmp_path.iterdir()} | {"points.gpkg"}
    result = judge(
        source,
        points(tmp_path, truth, rows, columns),
        field="kind",
        model=model,
        device="cpu",
        threads=1,
    )
    right = np.ones(len(rows), bool)
    right[:6] = expected[rows[:6], columns[:6]] == 1
    assert result["figures"]["overall_accuracy"] == pytest.approx(right.mean(), abs=1e-6)
    assert {path.name for path in tmp_path.iterdir()} == before


def test_only_the_surroundings_of_the_references_are_mapped():
    from rasterio.crs import CRS

    from engine.assess.references import References
    from engine.data.grid import Grid

    none = np.zeros(2)
    references = References("points", (), (), np.array([1000, 1100]), np.array([50, 900]),
                            none, none, none, None, ())  # fmt: skip
    grid = Grid(CRS.from_epsg(32631), TRANSFORM, 5000, 5000)
    window = module._around(references, grid)
    assert (window.col_off, window.row_off) == (0, 1000 - 256)
    assert (window.width, window.height) == (901 + 256, 101 + 512)
