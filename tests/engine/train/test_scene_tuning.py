"""Fine-tuning for scenes from end to end, on scenes that are easy to tell apart."""

from __future__ import annotations

import dataclasses

import numpy as np
import onnxruntime
import pytest
import torch

from engine.cards import ModelClass
from engine.errors import LabelsInvalid
from engine.export.onnx import export_onnx
from engine.progress import Progress
from engine.train import scene_samples
from engine.train.base_model import open_base
from engine.train.rounds import Rounds
from engine.train.scene_chips import array_chips
from engine.train.scene_tuning import EXPORT_TOLERANCE, tune_scenes
from tests.engine.infer.conftest import Recorder
from tests.engine.train import land


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return open_base(land.backbone(tmp_path_factory.mktemp("base") / "b.safetensors"))


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(scene_samples, "PATTERNS", 8)


def scenes(count=18, multi=False, seed=0):
    """Chips of one ground each, or, of several labels, of one or two."""
    random = np.random.default_rng(seed)
    label = np.arange(count) % 3
    spectra = land.SPECTRA.astype(np.float32) / 10000
    images = np.repeat(spectra[label][:, :, None], 32 * 32, 2).reshape(count, 9, 32, 32)
    given = label
    if multi:
        given = np.eye(3, dtype=np.float32)[label]
        second = random.integers(3, size=count)
        images[:, :, 16:] = spectra[second][:, :, None, None]
        given[np.arange(count), second] = 1
    images = images + random.normal(0, 0.004, images.shape)
    return array_chips(images, given, 3, (0, 1, 2))


def card(base, **changes):
    classes = tuple(ModelClass(k + 1, f"c{k}") for k in range(3))
    return dataclasses.replace(base.card, task="scene-classification", classes=classes, **changes)


def predicted(tuned, chips):
    inputs = (torch.from_numpy(chips.image), torch.from_numpy(chips.valid), torch.arange(3))
    with torch.no_grad():
        return tuned.predictor(*inputs).numpy()


def test_quick_tells_the_grounds_apart_and_says_how_well(base):
    tuned = tune_scenes(base, card(base), scenes())
    assert (predicted(tuned, scenes(seed=1)).argmax(1) == np.arange(18) % 3).all()
    assert tuned.matrix.tolist() == [[6, 0, 0], [0, 6, 0], [0, 0, 6]]
    assert "held back" in tuned.measure
    assert tuned.judged.folds == 5
    assert tuned.accuracy.value == tuned.accuracy.high == 1
    assert 0.8 < tuned.accuracy.low < 1, "18 scenes do not prove that all are right"
    assert tuned.places == 18


def test_what_is_exported_predicts_the_same(base, tmp_path):
    tuned = tune_scenes(base, card(base), scenes())
    path = tmp_path / "scenes.onnx"
    export_onnx(tuned.predictor, tuned.predictor.card, path, tolerance=EXPORT_TOLERANCE, quick=True)
    session = onnxruntime.InferenceSession(str(path))
    chips = scenes(5, seed=2)
    feeds = {"image": chips.image, "valid": chips.valid, "groups": np.array([0, 2])}
    chips.image[:, 3:6] = 0
    inputs = (torch.from_numpy(chips.image), torch.from_numpy(chips.valid), torch.tensor([0, 2]))
    with torch.no_grad():
        expected = tuned.predictor(*inputs).numpy()
    np.testing.assert_allclose(session.run(None, feeds)[0], expected, atol=2e-3)


def test_several_labels_a_scene(base):
    given = scenes(36, multi=True)
    tuned = tune_scenes(base, card(base, multilabel=True), given)
    assert tuned.matrix is None
    assert max(tuned.judged.mean_iou.values()) > 0.8
    fresh = scenes(36, multi=True, seed=3)
    assert ((predicted(tuned, fresh) > 0.5) == (fresh.label > 0)).mean() > 0.85


@pytest.mark.parametrize("method", ["adapters", "full"])
def test_the_encoder_learns_and_never_makes_it_worse(base, method):
    told = Recorder()
    tuned = tune_scenes(
        base, card(base), scenes(30), rounds=Rounds(method == "adapters", 1, 2, 4), progress=told
    )
    assert tuned.matrix.trace() == tuned.matrix.sum() == 30, (
        "of all scenes, as it was trained on all"
    )
    assert len(tuned.history) == 1 and not tuned.improved
    quick = tune_scenes(base, card(base), scenes(30)).predictor.network.state_dict()
    for name, value in tuned.predictor.network.state_dict().items():
        assert torch.equal(value, quick[name])
    assert any("did not improve" in text for text in told.texts("warning"))
    seen = [(e["name"], e["step"]) for e in told.events if e["event"] == "metric"]
    for name in ("accuracy", "iou/c0", "iou/c2"):
        assert [step for other, step in seen if other == f"val_{name}"] == [0, 1]
    assert ("part_accuracy", 5) in seen
    keeps = [event["rounds"] for event in told.events if event.get("keeps")]
    assert keeps == [1], "from the head on, a cancel keeps a model"
    names = tuned.predictor.network.state_dict()
    assert not any("parametrizations" in name for name in names)


def test_a_cancel_before_the_first_round_ends_keeps_the_head(base):
    told = Recorder()
    told._is_cancelled = lambda: any(event.get("keeps") for event in told.events)
    tuned = tune_scenes(base, card(base), scenes(30), rounds=Rounds(False, 3, 2, 4), progress=told)
    assert tuned.cancelled and tuned.history == ()
    encoder = tuned.predictor.network.encoder.state_dict()
    assert all(torch.equal(value, base.weights[name]) for name, value in encoder.items())


def test_a_class_without_scenes_is_refused(base):
    given = scenes()
    with pytest.raises(LabelsInvalid, match="c2"):
        tune_scenes(base, card(base), given.only(given.label != 2))


def test_few_scenes_are_warned_of(base):
    told = Recorder()
    tune_scenes(base, card(base), scenes(9), progress=told)
    assert any("fewer than 5 scenes" in text for text in told.texts("warning"))


def test_scenes_in_one_place_give_a_model_without_figures(base):
    given = scenes()
    together = dataclasses.replace(given, row=np.zeros(18, np.int64))
    tuned = tune_scenes(base, card(base), together, progress=Progress())
    assert tuned.matrix is None
    assert tuned.judged.warning
    assert (predicted(tuned, scenes(seed=1)).argmax(1) == np.arange(18) % 3).all()
