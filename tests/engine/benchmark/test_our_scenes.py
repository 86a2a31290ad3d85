from __future__ import annotations

import numpy as np
import pytest

from engine.benchmark.our_scenes import TunedScenes
from engine.train import scene_samples
from engine.train.base_model import open_base
from tests.engine.train import land


@pytest.fixture
def method(tmp_path, monkeypatch):
    monkeypatch.setattr(scene_samples, "PATTERNS", 8)
    return TunedScenes(open_base(land.backbone(tmp_path / "b.safetensors")))


def chips(count, seed):
    """Classes 0 and 2 of three: dark and bright chips in turn."""
    labels = np.arange(count) % 2 * 2
    random = np.random.default_rng(seed)
    level = np.where(labels == 0, 0.1, 0.3)[:, None, None, None]
    return (level + random.normal(0, 0.02, (count, 9, 32, 32))).astype(np.float32), labels


def test_bright_and_dark_chips_are_told_apart_and_the_absent_class_is_never_meant(method):
    test, labels = chips(6, 1)
    first, again = (method.fit(*chips(8, 0), 3, 5).predict(test) for _ in range(2))
    assert first.shape == (6, 3)
    assert not first[:, 1].any()
    assert np.array_equal(first.argmax(1), labels)
    assert np.array_equal(first, again)
