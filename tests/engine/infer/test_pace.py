"""What earlier runs took, by model and by what is counted."""

import json

from engine.infer import pace
from engine.infer.pace import Pace


def test_half_of_the_latest_and_half_of_what_was_known():
    """0.2, then 0.4: 0.2 / 2 + 0.4 / 2 = 0.3; then 0.1: 0.3 / 2 + 0.1 / 2 = 0.2."""
    told = Pace("a model")
    assert told.rate("window") is None
    seen = []
    for rate in (0.2, 0.4, 0.1):
        told.learn({"window": rate})
        seen.append(round(told.rate("window"), 6))
    assert seen == [0.2, 0.3, 0.2]
    assert Pace("another").rate("window") is None
    assert told.rate("finish") is None


def test_the_oldest_are_forgotten(monkeypatch):
    monkeypatch.setattr(pace, "_MOST", 2)
    told = Pace("m")
    for name in ("first", "second", "first", "third"):
        told.learn({name: 1.0})
    assert [told.rate(name) for name in ("first", "second", "third")] == [1.0, None, 1.0]


def test_a_damaged_file_tells_nothing_and_is_replaced():
    pace.KEPT.write_text("[1, 2")
    told = Pace("m")
    assert told.rate("window") is None
    told.learn({"window": 3.0})
    assert json.loads(pace.KEPT.read_text()) == {"m | window": 3.0}


def test_where_nothing_can_be_kept_nothing_fails(monkeypatch, tmp_path):
    monkeypatch.setattr(pace, "KEPT", tmp_path / "absent" / "pace.json")
    told = Pace("m")
    told.learn({"window": 3.0})
    assert told.rate("window") is None
