"""Heads, adapters and all weights, on land in memory."""

import dataclasses

import numpy as np
import pytest
import torch

from engine.errors import Cancelled, EmptyArea
from engine.model.tuned_segmentation import TunedSegmentation
from engine.progress import Progress
from engine.train import encoder_tuning, head_tuning, judging, quick_head, rounds
from engine.train.base_model import open_base
from engine.train.encoder_tuning import confusion, places_of, tune_weights
from engine.train.head_tuning import HeadTuner, build, copies_for, light_of
from engine.train.labelled_windows import WholeWindows
from engine.train.light import REFLECTANCE, STANDARDISED, UNKNOWN_BANDS
from engine.train.quick_head import ANYWHERE, HERE
from engine.train.rounds import Rounds
from engine.train.supervised import predict
from tests.engine.infer.conftest import Recorder
from tests.engine.train import land

CARD = dataclasses.replace(land.CARD, name="mine", task="segmentation", classes=land.CLASSES)
HELD = [(12, 12), (12, 36), (12, 60)]
LEARN = [place for place in land.middles() if place not in HELD]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return open_base(land.backbone(tmp_path_factory.mktemp("base") / "small.safetensors"))


@pytest.fixture(scope="module")
def head(base):
    return HeadTuner(base, CARD, copies=1).tune([land.ground()])


def weights(tuned):
    return tuned.predictor.network.state_dict()


def same(one, other):
    return all(torch.equal(value, other[name]) for name, value in one.items())


def train(base, held=None, seed=0, progress=None, **more):
    """A head on frozen features, then the encoder."""
    told, learn = progress or Progress(), [land.ground(places=LEARN)]
    held = [land.ground(places=HELD)] if held is None else held
    first = HeadTuner(base, CARD, seed=seed).tune(learn, told.part(0.0, 0.2))
    given = {"adapters": False, "epochs": 2, "steps": 2, "batch": 2, "device": "cpu", **more}
    part = told.part(0.2, 1.0)
    return tune_weights(base, first, learn, held, Rounds(**given), seed=seed, progress=part)


def test_a_network_is_built_on_the_bases_encoder(base):
    predictor = build(base, CARD, hidden=4)
    assert isinstance(predictor.network, TunedSegmentation)
    assert (predictor.network.head.hidden, predictor.network.head.classes) == (4, 3)
    encoder = predictor.network.encoder.state_dict()
    assert same(encoder, base.weights)
    assert not predictor.network.training


def test_a_head_maps_the_land_and_is_judged_by_every_label(base, head):
    assert head.matrix.sum() == 16 * 16
    assert np.trace(head.matrix) > 240
    assert same(head.predictor.network.encoder.state_dict(), base.weights)
    assert (head.history, head.cancelled) == ((), False)
    assert f"labels of {head.judged.blocks} places" in head.measure
    other = land.ground(seed=7, places=[(6, 6), (30, 80), (80, 30), (50, 50)])
    matrix = confusion(head.predictor, WholeWindows([other], 32, 4), 3)
    assert np.trace(matrix) > 0.9 * matrix.sum()


def test_a_head_is_the_same_every_time(base, head):
    assert same(weights(HeadTuner(base, CARD, copies=1).tune([land.ground()])), weights(head))
    other = HeadTuner(base, CARD, copies=1, seed=1).tune([land.ground()])
    assert not same(weights(other), weights(head))


def test_of_very_many_pixels_some_are_enough(base, monkeypatch):
    monkeypatch.setattr(head_tuning, "PIXELS", 64)
    found = HeadTuner(base, CARD, copies=1).tune([land.ground()])
    assert found.matrix.sum() == 64
    assert found.matrix.sum(1).min() >= 20


def test_a_head_can_be_cancelled(base):
    with pytest.raises(Cancelled):
        HeadTuner(base, CARD).tune([land.ground()], Recorder(cancel_after=3))


@pytest.mark.parametrize("adapters", [True, False])
def test_weights_learn_from_what_is_not_held_back(base, adapters, monkeypatch):
    """Every epoch counts as better than the start, so the last one is kept."""
    figures = iter([0.1, 0.2, 0.3, 0.4])
    monkeypatch.setattr(
        encoder_tuning, "figure", lambda model, windows: {"miou": next(figures), "accuracy": 0.5}
    )
    found = train(base, adapters=adapters)
    assert [entry["val_miou"] for entry in found.history] == [0.2, 0.3]
    assert found.matrix.sum() == 3 * 16  # of the held-back places alone
    assert sorted(found.predictor.network.state_dict()) == sorted(
        build(base, CARD, found.judged.hidden).network.state_dict()
    )
    encoder = found.predictor.network.encoder.state_dict()
    changed = {
        name for name, value in encoder.items() if not torch.equal(value, base.weights[name])
    }
    if adapters:
        assert changed
        assert all(name.endswith((".q.weight", ".v.weight")) for name in changed)
    else:
        assert len(changed) > 10
    assert found.predictor.network.encoder.config.drop_path == (0 if adapters else rounds.DROP_PATH)


def test_weights_are_the_same_every_time(base):
    one, other = (train(base, held=[]) for _ in range(2))
    assert same(weights(one), weights(other))
    assert one.history == other.history
    assert not same(weights(train(base, held=[], seed=1)), weights(one))


def test_what_does_not_help_is_not_kept(base, monkeypatch):
    figures = iter([0.9, 0.2, 0.3])
    monkeypatch.setattr(
        encoder_tuning, "figure", lambda model, windows: {"miou": next(figures), "accuracy": 0.5}
    )
    told = Recorder()
    found = train(base, progress=told)
    assert same(found.predictor.network.encoder.state_dict(), base.weights)
    assert any("did not improve" in text for text in told.texts("warning"))
    assert len(found.history) == 2


def test_without_held_back_labels_there_is_no_matrix(base):
    found = train(base, held=[])
    assert found.matrix is None
    assert all("val_miou" not in entry for entry in found.history)


def test_a_cancel_keeps_the_best_so_far(base, monkeypatch):
    """The second of three epochs is the best; the fourth is not completed."""
    given, states = iter([0.1, 0.3, 0.5, 0.2]), []

    def figure(model, windows):
        states.append({name: value.clone() for name, value in model.network.state_dict().items()})
        return {"miou": next(given), "accuracy": 0.5}

    monkeypatch.setattr(encoder_tuning, "figure", figure)
    told = Recorder()
    told._is_cancelled = lambda: len(states) == 4
    found = train(base, epochs=9, progress=told)
    assert found.cancelled
    assert len(states) == 4 and len(found.history) >= 2
    assert same(weights(found), states[2])


def test_the_light_goes_by_the_unit():
    lit = light_of(CARD)
    assert lit.wavelengths == tuple(band.center_wavelength for band in CARD.bands)
    assert dataclasses.replace(lit, wavelengths=()) == REFLECTANCE
    blind = tuple(dataclasses.replace(band, center_wavelength=0.0) for band in CARD.bands[:1])
    assert light_of(dataclasses.replace(CARD, bands=blind + CARD.bands[1:])) is UNKNOWN_BANDS
    assert light_of(dataclasses.replace(CARD, unit="raw")) is STANDARDISED
    standard = dataclasses.replace(CARD.normalisation, kind="scene-statistics")
    assert light_of(dataclasses.replace(CARD, normalisation=standard)) is STANDARDISED


def test_large_encoders_look_less_often(base):
    sizes = [(6, 128), (12, 768), (32, 1280)]
    bases = [
        dataclasses.replace(base, config=dataclasses.replace(base.config, depth=d, dim=w))
        for d, w in sizes
    ]
    assert [copies_for(item) for item in bases] == [8, 4, 2]


def test_progress_ends(base):
    told = Recorder()
    HeadTuner(base, CARD, copies=0).tune([land.ground()], told.part(0.2, 0.8))
    assert told.fractions == sorted(told.fractions)
    assert told.fractions[0] >= 0.2 and told.fractions[-1] <= 0.8
    assert isinstance(told, Progress)


def metrics(told):
    return [(e["name"], e["step"]) for e in told.events if e["event"] == "metric"]


def test_every_part_and_every_round_is_told_with_each_class(base):
    told = Recorder()
    train(base, progress=told)
    seen = metrics(told)
    titles = [item.title for item in CARD.classes]
    for name in ("accuracy", "miou", *(f"iou/{title}" for title in titles)):
        assert [step for told_name, step in seen if told_name == f"val_{name}"] == [0, 1, 2]
    parts = next(event["parts"] for event in told.events if "parts" in event)
    assert [step for name, step in seen if name == "part_miou"][:parts] == [*range(1, parts + 1)]
    assert [step for name, step in seen if name == "loss"] == [1, 2]


def test_from_when_a_cancel_keeps_something(base):
    """After the head, before the first round."""
    told = Recorder()
    train(base, progress=told)
    keeps = next(i for i, event in enumerate(told.events) if event.get("keeps"))
    assert told.events[keeps]["rounds"] == 2
    names = [
        [event.get("name") for event in part] for part in (told.events[:keeps], told.events[keeps:])
    ]
    assert "part_miou" in names[0] and "loss" not in names[0]
    assert "loss" in names[1]


@pytest.mark.parametrize("held", [None, []])
def test_a_cancel_before_the_first_round_ends_keeps_the_head(base, held):
    told = Recorder()
    told._is_cancelled = lambda: any(event.get("keeps") for event in told.events)
    found = train(base, held, progress=told)
    assert found.cancelled and found.history == ()
    assert same(found.predictor.network.encoder.state_dict(), base.weights)
    assert not any("did not improve" in text for text in told.texts("warning"))


def test_places_come_in_the_order_of_what_is_predicted(base, head):
    """Each held-back place is a square of 4 x 4 pixels; its pixels come with its own label."""
    held = [land.ground(places=HELD)]
    place = places_of(held, CARD.window, 2)
    _, label = predict(head.predictor, WholeWindows(held, CARD.window, 2))
    assert len(place) == len(label)
    assert len(np.unique(place)) == len(HELD)
    assert all(len(np.unique(label[place == number])) == 1 for number in np.unique(place))


def test_how_sure_the_accuracy_is(base, head):
    """Three places say little: the interval is wide, and holds the share that is right."""
    low, high = head.interval["interval_95"]
    share = np.trace(head.matrix) / head.matrix.sum()
    assert 0 <= low < share <= high <= 1
    assert head.interval["places"] == head.judged.blocks
    found = train(base)
    assert found.interval["places"] == len(HELD)
    wide_low, wide_high = found.interval["interval_95"]
    assert wide_high - wide_low > high - low
    assert train(base, held=[]).interval == {}


@pytest.mark.parametrize(
    ("use", "tried"), [(ANYWHERE, {"linear"}), (HERE, {"linear", "hidden layer"})]
)
def test_a_hidden_layer_is_tried_only_for_the_same_rasters(base, monkeypatch, use, tried):
    """Labels of one date cannot tell how it does on another."""
    monkeypatch.setattr(quick_head, "STEPS", 2)
    monkeypatch.setattr(judging, "ENOUGH_BLOCKS", 1)
    found = HeadTuner(base, CARD, copies=0, use=use).tune([land.ground()])
    assert set(found.judged.mean_iou) == tried


def test_rasters_with_nothing_but_labels_do_without_further_pixels(base, monkeypatch):
    """Where all that is drawn without labels is no-data, the labels alone decide."""

    def nothing(*_, **__):
        raise EmptyArea("no-data")

    real = head_tuning.extract

    def extract(*arguments, every_class=True, **options):
        return (real if every_class else nothing)(*arguments, **options)

    use = dataclasses.replace(HERE, hidden=False)
    ground = [land.ground()]
    plain = HeadTuner(base, CARD, use=dataclasses.replace(use, rounds=0)).tune(ground)
    taught = HeadTuner(base, CARD, use=use).tune(ground)
    monkeypatch.setattr(head_tuning, "extract", extract)
    empty = HeadTuner(base, CARD, use=use).tune(ground)
    assert same(weights(empty), weights(plain))
    assert not same(weights(taught), weights(plain))


def test_to_work_anywhere_other_windows_are_looked_at_once_and_only_as_they_are(base, monkeypatch):
    looks = []
    real = head_tuning.extract

    def extract(predictor, grounds, **options):
        (ground,) = grounds
        looks.append((len(list(ground.windows(CARD.window))), options["copies"]))
        return real(predictor, grounds, **options)

    monkeypatch.setattr(head_tuning, "extract", extract)
    ground = [land.ground(places=[(12, 12), (12, 36), (36, 36)])]
    taught = HeadTuner(base, CARD, copies=1).tune(ground)
    plain = HeadTuner(base, CARD, copies=1, use=dataclasses.replace(ANYWHERE, teacher=None)).tune(
        ground
    )
    assert not same(weights(taught), weights(plain))
    labelled, every = len(list(ground[0].windows(CARD.window))), 16
    assert labelled < every and looks == [(labelled, 1), (every, 0), (labelled, 1)]
