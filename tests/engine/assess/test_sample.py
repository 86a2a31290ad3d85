import numpy as np
import pytest

from engine.assess import class_raster
from engine.assess.sample import draw_sample
from engine.errors import Cancelled, EmptyArea, InvalidParameter, LabelsInvalid
from engine.jobs import SampleJob
from engine.progress import Progress
from tests.engine.assess.maps import CLASSES, TRANSFORM, read_vector, write_map

RNG = np.random.default_rng(3)
VALUES = RNG.choice([0, 1, 2, 5], (60, 40), p=[0.1, 0.2, 0.69, 0.01]).astype(np.uint8)


def draw(tmp_path, values=VALUES, *, seed=0, name="points.gpkg", **options):
    source = write_map(tmp_path / "map.tif", values, classes=CLASSES)
    output = tmp_path / name
    job = SampleJob(input=source, output=str(output), seed=seed, **options)
    return draw_sample(job, Progress()), *read_vector(output)


def places(geometries):
    columns, rows = zip(*(~TRANSFORM @ (point.x, point.y) for point in geometries))
    return np.array(rows), np.array(columns)


def test_points_lie_at_centres_of_pixels_of_their_class(tmp_path):
    result, points, fields = draw(tmp_path, size=100, minimum=20)
    rows, columns = places(points)
    np.testing.assert_allclose(rows % 1, 0.5)
    np.testing.assert_allclose(columns % 1, 0.5)
    np.testing.assert_array_equal(VALUES[rows.astype(int), columns.astype(int)], fields["stratum"])
    assert len({(r, c) for r, c in zip(rows, columns)}) == len(points) == result["size"]
    titles = {item.value: item.title for item in CLASSES}
    assert all(titles[v] == n for v, n in zip(fields["stratum"], fields["stratum_name"]))
    np.testing.assert_allclose(fields["x"], [point.x for point in points])
    assert all(value is None for value in fields["reference"])
    assert fields["id"].tolist() == list(range(1, len(points) + 1))


def test_weights_give_back_the_pixels_of_each_class(tmp_path):
    result, _, fields = draw(tmp_path, size=90, minimum=10)
    for item in result["classes"]:
        own = fields["stratum"] == item["value"]
        assert own.sum() == item["points"]
        assert fields["weight"][own].sum() == pytest.approx(item["pixels"])
        assert item["pixels"] == np.count_nonzero(item["value"] == VALUES)
    assert result["classes"][0]["area_m2"] == pytest.approx((VALUES == 1).sum() * 100, rel=2e-3)


def test_a_seed_is_a_sample_however_the_map_is_read(tmp_path, monkeypatch):
    _, first, _ = draw(tmp_path, size=50, minimum=5)
    monkeypatch.setattr(class_raster, "_STRIP", 3 * 40)
    _, again, _ = draw(tmp_path, size=50, minimum=5, name="again.gpkg")
    _, other, _ = draw(tmp_path, size=50, minimum=5, seed=1, name="other.gpkg")
    assert (first == again).all()
    assert not (first == other).all()


def test_the_order_is_random(tmp_path):
    _, points, fields = draw(tmp_path, size=200, minimum=5)
    rows, _ = places(points)
    assert (np.diff(rows) < 0).sum() > 50
    assert 0 < (fields["stratum"][:50] == 1).sum() < 30


def test_every_pixel_has_the_same_chance(tmp_path):
    """4 pixels of 8, 80 seeds: 40 draws each expected, standard deviation 4.5."""
    values = np.ones((2, 4), np.uint8)
    drawn = np.zeros(values.shape)
    for seed in range(80):
        _, points, _ = draw(tmp_path, values, size=4, minimum=1, seed=seed, name="p.gpkg")
        rows, columns = places(points)
        drawn[rows.astype(int), columns.astype(int)] += 1
    assert np.abs(drawn - 40).max() < 20


def test_a_rare_class_is_taken_whole_with_a_warning(tmp_path):
    result, _, fields = draw(tmp_path, size=200, minimum=50)
    rare = int((VALUES == 5).sum())
    assert (fields["stratum"] == 5).sum() == rare < 50
    assert any("5 (Ice)" in text and "All of them are used" in text for text in result["warnings"])


def test_the_size_follows_the_wanted_standard_error(tmp_path):
    result, *_ = draw(tmp_path, standard_error=0.03, expected_accuracy=0.9, minimum=1)
    assert result["size"] == 100  # (0.3 / 0.03)^2


def test_negative_values_and_many_bits_are_classes_too(tmp_path):
    values = np.where(VALUES == 1, -7, 70_000).astype(np.int32)
    _, _, fields = draw(tmp_path, values, size=40, minimum=5)
    assert set(fields["stratum"]) == {-7, 70_000}


@pytest.mark.parametrize(
    ("values", "error", "says"),
    [
        (VALUES.astype(np.float32), LabelsInvalid, "decimal numbers"),
        (np.zeros_like(VALUES), EmptyArea, "every pixel is no-data"),
        (np.arange(2400, dtype=np.uint16).reshape(60, 40), LabelsInvalid, "more than 1000"),
    ],
    ids=["decimal", "empty", "measurements"],
)
def test_what_is_no_class_map(tmp_path, values, error, says):
    with pytest.raises(error, match=says):
        draw(tmp_path, values)
    assert not (tmp_path / "points.gpkg").exists()


def test_fewer_points_than_classes(tmp_path):
    with pytest.raises(InvalidParameter, match="2 points cannot cover 3 classes"):
        draw(tmp_path, size=2)


def test_nothing_is_left_of_a_cancelled_draw(tmp_path):
    source = write_map(tmp_path / "map.tif", VALUES)
    asked = iter(range(100))
    progress = Progress(lambda: next(asked) > 2)
    with pytest.raises(Cancelled):
        draw_sample(SampleJob(input=source, output=str(tmp_path / "p.gpkg")), progress)
    assert [path.name for path in tmp_path.iterdir()] == ["map.tif"]
