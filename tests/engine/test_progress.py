import time

import pytest

from engine.errors import Cancelled
from engine.progress import Progress, Unstoppable


class Recorder(Progress):
    def __init__(self, is_cancelled=None):
        super().__init__(is_cancelled)
        self.events = []

    def emit(self, event):
        self.events.append(event)

    @property
    def fractions(self):
        return [event["fraction"] for event in self.events]


def test_a_part_maps_its_share_onto_the_whole():
    whole = Recorder()
    second_half = whole.part(0.5, 1.0)
    second_half.update(0.5)  # 0.5 + 0.5 * 0.5
    second_half.part(0.5, 1.0).update(1.0)
    assert whole.fractions == [0.75, 1.0]


def test_progress_never_goes_back_nor_past_one():
    progress = Recorder()
    for fraction in (0.4, 0.2, 1.7):
        progress.update(fraction)
    assert progress.fractions == [0.4, 0.4, 1.0]


def test_cancel_takes_effect_at_the_next_update_also_inside_a_part():
    cancelled = []
    progress = Recorder(lambda: bool(cancelled))
    part = progress.part(0, 0.5)
    part.update(0.1)
    cancelled.append(True)
    with pytest.raises(Cancelled):
        part.update(0.2)


def test_parts_pass_on_warnings_and_metrics():
    progress = Recorder()
    part = progress.part(0, 1)
    part.warning("no georeference")
    part.metric("loss", 3, 0.25)
    assert progress.events == [
        {"event": "warning", "message": "no georeference"},
        {"event": "metric", "name": "loss", "step": 3, "value": 0.25},
    ]


def test_facts_are_told_as_they_are():
    progress = Recorder()
    progress.part(0, 1).state(keeps=True, rounds=12)
    assert progress.events == [{"event": "state", "keeps": True, "rounds": 12}]


def test_what_cannot_be_stopped_still_tells():
    told = Recorder(lambda: True)
    with pytest.raises(Cancelled):
        told.update(0.9)
    last = Unstoppable(told)
    last.update(0.95, "Writing")
    last.part(0, 1).check()
    assert told.fractions == [0.95]


def test_what_an_earlier_run_did_says_nothing_about_the_time_left(monkeypatch):
    """0.1 + 0.8 x 0.75 = 0.7 was done before; from there to 0.8 took 10 s, so the last 0.2 take 20 s."""
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    progress = Recorder()
    progress.part(0.1, 0.9).skip(0.75)
    now[0] = 10.0
    progress.update(0.8)
    assert progress.events[-1]["eta_s"] == 20
