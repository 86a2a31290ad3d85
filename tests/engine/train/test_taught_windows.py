"""What a teacher says of every pixel is learned under another light."""

import dataclasses

import numpy as np
import pytest
import torch

from engine.train.base_model import open_base
from engine.train.encoder_tuning import confusion, tune_weights
from engine.train.head_tuning import HeadTuner, build
from engine.train.labelled_windows import WholeWindows
from engine.train.light import REFLECTANCE
from engine.train.pixel_features import tuned_network
from engine.train.rounds import Rounds
from engine.train.supervised import IGNORE
from engine.train.taught_windows import LABELS, RELIT, TAUGHT, TaughtLoss, TaughtWindows
from tests.engine.train import land

CARD = dataclasses.replace(land.CARD, name="mine", task="segmentation", classes=land.CLASSES)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return open_base(land.backbone(tmp_path_factory.mktemp("base") / "small.safetensors"))


@pytest.fixture(scope="module")
def head(base):
    return HeadTuner(base, CARD, copies=1).tune([land.ground()])


def one_batch(light=REFLECTANCE, count=64, **more):
    return next(iter(TaughtWindows([land.ground(**more)], 32, count, 1, light)))


def test_some_windows_are_seen_under_another_light_and_the_teacher_sees_none_of_it():
    """Of 64 windows three quarters: 48, with a deviation of 3.5."""
    batch, still = one_batch(), one_batch(light=None)
    changed = (batch["image"] != batch[TAUGHT]).flatten(1).any(1)
    assert abs(int(changed.sum()) - 64 * RELIT) < 14
    assert torch.equal(still["image"], still[TAUGHT])


def test_half_of_the_windows_lie_where_nobody_labelled():
    """The only label lies in a corner, which a window anywhere holds once in hundreds."""
    batch = one_batch(places=[(2, 2)])
    labelled = (batch["label"] != IGNORE).flatten(1).any(1)
    assert 16 < int(labelled.sum()) < 48


def test_a_raster_smaller_than_a_window_is_read_from_its_corner():
    ground = dataclasses.replace(land.ground(places=[(2, 2)]), shape=(20, 96))
    batch = next(iter(TaughtWindows([ground], 32, 8, 1, None)))
    assert batch["image"].shape == (8, 9, 32, 32)


def blank(base, head):
    """The same network with a head that says nothing."""
    predictor = build(base, CARD, head.judged.hidden)
    predictor.load_state_dict(head.predictor.state_dict())
    network = tuned_network(predictor)
    network.head.set_linear(torch.zeros(3, network.head.fine.in_channels + 16), torch.zeros(3))
    return dataclasses.replace(head, predictor=predictor)


def test_the_loss_is_least_for_the_teacher_itself(base, head):
    """By its own words alone it is right, and a head that says nothing is not. What is no-data does not count."""
    batch = one_batch(light=None, count=4)
    batch["label"] = torch.full_like(batch["label"], IGNORE)
    loss, other = (
        TaughtLoss(head.predictor, [land.ground()]),
        blank(base, head).predictor.requires_grad_(False),
    )
    assert float(loss(head.predictor, batch).detach()) == pytest.approx(0, abs=1e-5)
    assert float(loss(other, batch)) > 0.1
    assert float(loss(other, {**batch, "valid": torch.zeros_like(batch["valid"])})) == 0


def test_of_the_labels_every_class_counts_alike(base, head):
    """A head that says nothing is wrong about all alike: by the labels it has the loss of three equal chances."""
    batch = one_batch(light=None, count=4)
    other = blank(base, head).predictor.requires_grad_(False)
    unlabelled = {**batch, "label": torch.full_like(batch["label"], IGNORE)}
    loss = TaughtLoss(other, [land.ground()])
    assert float(loss(other, batch) - loss(other, unlabelled)) == pytest.approx(
        LABELS * np.log(3), abs=0.01
    )
    few = TaughtLoss(other, [land.ground(places=[(12, 12), (12, 36), (36, 12), (12, 60)])])
    counts = np.bincount(land.class_map()[[12, 12, 36, 12], [12, 36, 12, 60]], minlength=3)
    assert few._weight.tolist() == pytest.approx((4 / counts / 3).tolist())


@pytest.mark.parametrize("adapters", [True, False])
def test_a_head_that_says_nothing_learns_what_the_teacher_says(base, head, adapters):
    """From three labels: of the others it hears from the teacher alone."""
    first = blank(base, head)
    learn = [land.ground(places=[(12, 12), (12, 36), (12, 60)])]
    judge = WholeWindows([land.ground()], 32, 4)
    before = np.trace(confusion(first.predictor, judge, 3))
    rounds = Rounds(adapters, epochs=2, steps=10, batch=4, device="cpu")
    found = tune_weights(base, first, learn, [], rounds, teacher=head.predictor)
    matrix = confusion(found.predictor, judge, 3)
    assert before < 0.5 * matrix.sum() and np.trace(matrix) > 0.8 * matrix.sum()
    assert found.predictor.network.encoder.config.drop_path == 0
    encoder = found.predictor.network.encoder.state_dict()
    assert any(not torch.equal(value, base.weights[name]) for name, value in encoder.items())
