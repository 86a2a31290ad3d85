import numpy as np
import pytest
import torch

from engine.benchmark.protocols import ChangePair
from engine.benchmark.siamese import IGNORED, Siamese, SiameseDifference, _Place, standardised
from engine.train.metrics import average_precision


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def pair(seed, size=48):
    random = np.random.default_rng(seed)
    before = random.normal(0.2, 0.02, (9, size, size)).astype(np.float32)
    after = before + random.normal(0, 0.002, before.shape).astype(np.float32)
    truth = np.zeros((size, size), np.uint8)
    row, column = random.integers(4, size - 20, 2)
    truth[row : row + 14, column : column + 14] = 1
    after[:, truth == 1] += 0.15
    return ChangePair(before, after, np.ones((size, size), bool), truth)


def weights(bands):
    return sum(parameter.numel() for parameter in SiameseDifference(bands).parameters())


def test_it_is_as_large_as_published():
    """1.35 million; one more band adds 16 filters of 3 x 3."""
    assert weights(3) == 1_350_146
    assert weights(9) == 1_350_146 + 6 * 16 * 9


def test_any_multiple_of_sixteen_gives_its_own_size():
    network = SiameseDifference(9).eval()
    image = torch.zeros(1, 9, 32, 48)
    assert network(image, image).shape == (1, 2, 32, 48)


def test_a_bright_square_is_learned_and_the_same_seed_gives_the_same_model():
    method = Siamese(patch=32, batch=8, steps=25, threads=1, device="cpu")
    training, test = [pair(0), pair(1)], pair(2)
    model, again = (method.fit(training, 0, 1.0) for _ in range(2))
    score = model.predict(*test[:3])
    assert score.shape == test.truth.shape
    assert average_precision(test.truth, score) > 0.6
    assert 0 < model.threshold < 1
    assert np.array_equal(score, again.predict(*test[:3]))
    assert model.threshold == again.threshold


def test_training_ends_with_the_time():
    method = Siamese(patch=32, batch=2, threads=1, device="cpu")
    model = method.fit([pair(0)], 0, 0.01)
    assert np.isfinite(model.predict(*pair(1)[:3])).all()


def test_a_scene_of_any_size_is_predicted():
    given = pair(0)
    model = Siamese(patch=32, batch=2, steps=1, threads=1, device="cpu").fit([given], 0, 1.0)
    part = [layer[..., :37, :21] for layer in given[:3]]
    assert model.predict(*part).shape == (37, 21)


def test_a_small_place_is_filled_with_pixels_that_do_not_count():
    given = pair(0, size=40)
    place = _Place.of(given, 48)
    assert place.target.shape == (48, 48)
    assert place.before.shape == (9, 48, 48)
    assert (place.target == IGNORED).sum() == 48 * 48 - 40 * 40
    assert np.array_equal(place.changed, np.argwhere(given.truth == 1))


def test_invalid_pixels_do_not_move_the_mean():
    image = np.array([[[1.0, 3.0, 100.0]]], np.float32)
    valid = np.array([[True, True, False]])
    assert standardised(image, valid)[0, 0] == pytest.approx([-1, 1, 0], abs=1e-4)
