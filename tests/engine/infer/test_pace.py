"""What earlier runs took, by model and by what is counted."""

import json

from engine.infer import pace
from engine.infer.pace import Pace


def test_half_of_the_latest_and_half_of_what_was_known():
    """0.2, then 0.4: 0.2 / 2 + 0.4 / 2 = 0.3; then 0.1: 0.3 / 2 + 0.1 / 2 = 0.2."""
    assert _learned("memory", 0.2, 0.4, 0.1) == [0.2, 0.3, 0.2]


def test_a_faster_run_counts_at_once():
    """A run beside other work took twice the time; the next one, alone, shows what the machine can do."""
    assert _learned("window", 0.2, 0.4, 0.1, 0.3) == [0.2, 0.3, 0.1, 0.2]


def test_what_one_model_took_tells_nothing_of_another():
    Pace("a model").learn({"window": 0.2})
    assert Pace("another").rate("window") is None
    assert Pace("a model").rate("finish") is None


def _learned(name, *rates):
    told, seen = Pace("a model"), []
    assert told.rate(name) is None
    for rate in rates:
        told.learn({name: rate})
        seen.append(round(told.rate(name), 6))
    return seen


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
