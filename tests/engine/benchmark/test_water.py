import numpy as np
import pytest

from engine.benchmark.water import Date, draw_patches, measure
from engine.benchmark.water_index import WaterIndex
from engine.errors import EmptyArea
from engine.progress import Progress


def date(shore):
    """Water left of the shore: NDWI above 0 there, below it elsewhere."""
    water = np.zeros((60, 60), bool)
    water[:, :shore] = True
    image = np.full((9, 60, 60), 0.1, np.float32)
    image[6] = np.where(water, 0.05, 0.3)
    return Date(image, np.ones_like(water), water)


def test_patches_are_squares_of_one_class_away_from_the_shore():
    given = date(30)
    drawn = draw_patches(given.water, given.valid, 10, seed=3)
    assert drawn.row.size == 2 * 10 * 25
    assert np.unique(drawn.unit).size == 20
    assert np.array_equal(given.water[drawn.row, drawn.column], drawn.label == 1)
    # Columns 28 and 29 are the last of the water, 30 and 31 the first of the land.
    assert not np.isin(drawn.column, [28, 29, 30, 31]).any()
    pixels = set(zip(drawn.row.tolist(), drawn.column.tolist()))
    assert len(pixels) == drawn.row.size
    for unit in range(20):
        own = drawn.unit == unit
        assert np.ptp(drawn.row[own]) == np.ptp(drawn.column[own]) == 4


def test_patches_hold_valid_pixels_only():
    given = date(30)
    valid = given.valid.copy()
    valid[:30] = False
    assert draw_patches(given.water, valid, 5, seed=0).row.min() >= 32


def test_a_mask_without_room_is_refused():
    with pytest.raises(EmptyArea, match="no room for 10 patches"):
        draw_patches(date(30).water[:12], date(30).valid[:12], 10, seed=0)


def test_the_same_seed_draws_the_same_patches():
    given = date(30)
    first, again, other = (draw_patches(given.water, given.valid, 3, s) for s in (4, 4, 5))
    assert np.array_equal(first.row, again.row)
    assert not np.array_equal(first.row, other.row)


def test_training_pixels_do_not_count_on_their_own_date():
    """A model that finds only what it was trained on has IoU 0 there, and above 0 on the other."""

    class Memory:
        def fit(self, scene, seed):
            self.found = np.zeros(scene.valid.shape, bool)
            water = scene.label == 1
            self.found[scene.row[water], scene.column[water]] = True
            return self

        def predict(self, image, valid):
            return np.stack([~self.found, self.found]).astype(np.float32)

    dates = {"spring": date(30), "autumn": date(30)}
    rows = measure(None, [("memory", Memory())], 1, Progress(), dates).summary()
    values = {(row["experiment"], row["place"]): row["mean"] for row in rows}
    assert values["10 patches a class", "spring to itself"] == 0
    # 250 of the 1800 pixels of water.
    assert values["10 patches a class", "spring to autumn"] == round(250 / 1800, 4)
    assert len(values) == 2 * 4


def test_draws_go_on_from_the_first():
    seeds = []

    class Seeds(WaterIndex):
        def fit(self, scene, seed):
            patches = draw_patches(given.water, given.valid, scene.unit.max() // 2 + 1, seed)
            assert np.array_equal(scene.row, patches.row)
            seeds.append(seed)
            return super().fit(scene, seed)

    given = date(30)
    measure(None, [("seeds", Seeds())], 2, Progress(), {"spring": given}, first=7)
    assert seeds == [7, 8, 7, 8]


def test_the_index_finds_all_water_on_both_dates():
    dates = {"spring": date(30), "autumn": date(24)}
    rows = measure(None, [("NDWI", WaterIndex(None))], 2, Progress(), dates).summary()
    assert all(row["values"] == [1, 1] for row in rows)
