"""Pixels without labels: drawn in few windows, the surest taken under the head's own labels."""

import dataclasses

import numpy as np
import pytest

from engine.errors import EmptyArea
from engine.train import self_training
from engine.train.labelled_ground import UNLABELLED
from engine.train.light import REFLECTANCE
from engine.train.linear_scores import LinearScores
from engine.train.pixel_features import PixelSamples, extract
from engine.train.quick_head import ANYWHERE, HERE, fit_linear, for_change
from engine.train.self_training import (
    Unlabelled,
    unlabelled_grounds,
    with_neighbours,
    with_surest,
    without_neighbours,
)
from tests.engine.train import land

BLOCKS = [(2, 1.0)]


def samples_of(features, label):
    """Samples at one place, of one polygon a class."""
    count = len(label)
    position = np.arange(count)
    label = np.asarray(label, np.int64)
    features = np.asarray(features, np.float32)[None]
    return PixelSamples(features, label, position, position, label, np.zeros(count, np.int64))


def test_pixels_are_drawn_in_few_windows(monkeypatch):
    monkeypatch.setattr(self_training, "WINDOWS", 4)
    monkeypatch.setattr(self_training, "PIXELS", 40)
    grounds = [land.ground(), land.ground(seed=1, place=1)]
    drawn = unlabelled_grounds(grounds, 32, seed=0)
    assert [ground.place for ground in drawn] == [0, 1]
    for ground, source in zip(drawn, grounds):
        assert len(list(ground.windows(32))) == 2  # four windows of two rasters
        assert len(ground.pixels) == 20
        assert ground.read is source.read
        places = ground.pixels.row * ground.shape[1] + ground.pixels.column
        assert len(np.unique(places)) == 20
    again = unlabelled_grounds(grounds, 32, seed=0)
    assert np.array_equal(again[0].pixels.row, drawn[0].pixels.row)


def test_a_small_raster_gives_what_it_has(monkeypatch):
    monkeypatch.setattr(self_training, "PIXELS", 10**6)
    ground = land.ground()
    (drawn,) = unlabelled_grounds([ground], 32, seed=0)
    assert len(drawn.pixels) == ground.shape[0] * ground.shape[1]


def test_a_large_raster_gives_as_many_from_as_few_windows():
    ground = dataclasses.replace(land.ground(), shape=(9_000, 11_000))
    (drawn,) = unlabelled_grounds([ground], 128, seed=0)
    assert len(list(drawn.windows(128))) == self_training.WINDOWS
    assert 0.6 * self_training.PIXELS < len(drawn.pixels) <= self_training.PIXELS
    assert drawn.pixels.row.max() < 9_000
    assert drawn.pixels.column.max() < 11_000
    assert np.ptp(drawn.pixels.row) > 4_500  # not from one corner


def test_a_strip_narrower_than_a_window():
    ground = dataclasses.replace(land.ground(), shape=(40, 60_000))
    (drawn,) = unlabelled_grounds([ground], 128, seed=0)
    assert len(drawn.pixels) > 100
    assert drawn.pixels.row.max() < 40
    assert drawn.pixels.column.max() < 60_000


def test_the_surest_are_taken_by_the_number_of_labels(monkeypatch):
    monkeypatch.setattr(self_training, "SURE", 0.5)
    samples = samples_of([[-1, 0]] * 4 + [[1, 0]] * 8, [0] * 4 + [1] * 8)
    chosen = np.ones(12, bool)
    chosen[:2] = False  # two labels of the first class are held back
    # The score is the first feature: sure of -4 and -3, and of 1 to 8 surest of 5 to 8.
    line = np.array([-1, -2, -3, -4, 1, 2, 3, 4, 5, 6, 7, 8], np.float32)
    unlabelled = np.stack([line, 0 * line], 1)
    scores = LinearScores(np.zeros(2), np.ones(2), np.array([[-1, 0], [1, 0]]), np.zeros(2), 99)
    together, taken = with_surest(samples, chosen, unlabelled[None], scores, 0.5)
    new = together.features[0, 12:, 0]
    assert taken.tolist() == chosen.tolist() + [True] * 5
    assert set(new[together.label[12:] == 0]) <= {-4, -3}
    assert len(new[together.label[12:] == 0]) == 1  # half of two labels
    assert sorted(new[together.label[12:] == 1]) == [5, 6, 7, 8]  # half of eight, of four sure ones
    assert not set(together.unit[12:]) & set(samples.unit)


def test_a_head_learns_what_its_classes_look_like_elsewhere():
    """Two classes along parallel lines .3 apart, labelled at opposite ends only: the border turns towards the lines."""
    use, every = dataclasses.replace(HERE, context=1.0), np.ones(80, bool)
    gains = []
    for seed in range(5):
        generator = np.random.default_rng(seed)

        def line(count, across, start, end, generator=generator):
            along = generator.uniform(start, end, count)
            exact = np.stack([along, np.full(count, across)], 1)
            return exact + 0.1 * generator.normal(size=(count, 2))

        polygons = np.concatenate([line(40, 0.3, -1, -0.9), line(40, 0.0, 0.9, 1)])
        samples = samples_of(polygons, [0] * 40 + [1] * 40)
        image = np.concatenate([line(400, 0.3, -1, 0.4), line(400, 0.0, -0.4, 1)])
        image, truth = image.astype(np.float32), np.repeat([0, 1], 400)
        alone, taught = (
            (fit_linear(samples, BLOCKS, every, use, unlabelled=more)(image).argmax(1) == truth)
            for more in (None, Unlabelled(anywhere=image[None]))
        )
        gains.append(taught.mean() - alone.mean())
    assert min(gains) > 0
    assert np.mean(gains) > 0.005


def test_change_does_without():
    assert HERE.rounds > 0 and ANYWHERE.teacher is HERE
    assert for_change(HERE).rounds == 0
    assert for_change(ANYWHERE).teacher is None


@pytest.mark.parametrize("most", [3000, 20])
def test_neighbours_come_from_the_windows_of_labels(monkeypatch, most):
    """Two squares in opposite corners: nothing is drawn in between, and no other window is looked at."""
    monkeypatch.setattr(self_training, "PIXELS", most)
    ground = land.ground(places=[(12, 12), (84, 84)])
    (shown,) = with_neighbours([ground], 32, seed=0)
    windows = [(at.row_off, at.col_off) for at, _ in ground.windows(32)]
    assert [(at.row_off, at.col_off) for at, _ in shown.windows(32)] == windows
    position = shown.pixels.row * ground.shape[1] + shown.pixels.column
    assert (np.diff(position) > 0).all()  # ascending, none twice
    labelled = shown.pixels.label != UNLABELLED
    for name in ("row", "column", "label", "unit"):
        kept = getattr(shown.pixels, name)[labelled]
        assert np.array_equal(kept, getattr(ground.pixels, name))
    assert len(windows) == 2 and 10 <= (~labelled).sum() <= most


def test_neighbours_are_parted_from_labels_again():
    ground = land.ground(places=land.middles()[:6])
    settings = {"copies": 2, "light": REFLECTANCE, "seed": 0}
    alone = extract(land.predictor(), [ground], **settings)
    shown = with_neighbours([ground], 32, seed=0)
    labelled, others = without_neighbours(extract(land.predictor(), shown, **settings))
    for field in dataclasses.fields(alone):
        one, other = getattr(alone, field.name), getattr(labelled, field.name)
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)
    assert others.shape[0] == 3 and others.shape[1] > 100


def test_neighbours_do_not_stand_in_for_labels():
    """A window in which every label is no-data is left out, whatever is drawn beside them."""
    ground = land.ground(places=[(12, 12)], invalid=np.s_[8:16, 8:16])
    shown = with_neighbours([ground], 32, seed=0)
    with pytest.raises(EmptyArea, match="no-data"):
        extract(land.predictor(), shown, copies=0, light=REFLECTANCE, seed=0)


def test_a_pupil_sees_under_every_light_what_its_teacher_found_in_one():
    """The second feature tells the classes in the image alone, the first under another light too, but
    is the same in all that is labelled: only from the teacher can the pupil learn what it is worth."""
    generator = np.random.default_rng(0)
    truth = np.arange(400) % 2
    sign = 2 * truth - 1
    plain = np.stack([sign, sign], 1) + 0.3 * generator.normal(size=(400, 2))
    relit = np.stack([plain[:, 0], 3 * generator.normal(size=400)], 1)
    image = np.stack([plain, relit]).astype(np.float32)
    around = Unlabelled(image, image[:1])
    labelled = image[:, :20].copy()
    labelled[:, :, 0] = 0
    samples = dataclasses.replace(samples_of(plain[:20], truth[:20]), features=labelled)
    every = np.ones(20, bool)
    right = [
        (fit_linear(samples, BLOCKS, every, ANYWHERE, unlabelled=more)(relit).argmax(1) == truth)
        for more in (None, around)
    ]
    assert np.mean(right[0]) < 0.7 and np.mean(right[1]) > 0.9


def test_a_teacher_learns_from_the_whole_raster_what_it_tells_of_the_neighbours():
    """Labels at one end of two parallel lines, neighbours at the other: what lies between leads there."""
    generator = np.random.default_rng(0)
    truth = np.repeat([0, 1], 200)

    def lines(start, end):
        along = generator.uniform(start, end, 400)
        both = np.stack([along, 0.3 * (1 - truth)], 1) + 0.05 * generator.normal(size=(400, 2))
        return both.astype(np.float32)[None]

    labelled = lines(-1, -0.9)
    labelled[0, truth == 1] += [0.2, 0]
    samples = dataclasses.replace(samples_of(labelled[0], truth), features=labelled)
    around, anywhere, every = lines(0.8, 1), lines(-1, 1), np.ones(400, bool)
    alone, taught = (
        fit_linear(samples, BLOCKS, every, ANYWHERE, unlabelled=Unlabelled(around, more))(around[0])
        for more in (None, anywhere)
    )
    assert (taught.argmax(1) == truth).mean() > (alone.argmax(1) == truth).mean() + 0.02


def test_where_there_are_no_neighbours_labels_alone_decide():
    generator = np.random.default_rng(1)
    samples = samples_of(generator.normal(size=(20, 2)), np.arange(20) % 2)
    every, none = np.ones(20, bool), Unlabelled(np.zeros((1, 0, 2), np.float32))
    plain, empty = (
        fit_linear(samples, BLOCKS, every, ANYWHERE, unlabelled=more) for more in (None, none)
    )
    assert np.array_equal(plain.weight, empty.weight)


@pytest.mark.parametrize("rounds", [0, 2])
def test_rounds_alone_decide(rounds):
    generator = np.random.default_rng(1)
    samples = samples_of(generator.normal(size=(20, 2)), np.arange(20) % 2)
    unlabelled = Unlabelled(anywhere=generator.normal(size=(1, 50, 2)).astype(np.float32))
    use = dataclasses.replace(HERE, rounds=rounds)
    plain = fit_linear(samples, BLOCKS, np.ones(20, bool), use)
    taught = fit_linear(samples, BLOCKS, np.ones(20, bool), use, unlabelled=unlabelled)
    assert np.array_equal(plain.weight, taught.weight) == (rounds == 0)
