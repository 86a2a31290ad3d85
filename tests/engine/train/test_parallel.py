"""Alone; what several processes do together is tested where they train (test_pretraining)."""

import pytest
import torch
from torch import nn

from engine.errors import Cancelled
from engine.progress import Progress
from engine.train.parallel import Alone, Quiet, join_workers


def test_without_torchrun_a_process_is_alone(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert type(join_workers("cpu")) is Alone
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert type(join_workers("cpu")) is Alone


def test_alone_everything_is_its_own():
    workers, model = Alone(), nn.Linear(2, 2)
    assert workers.main
    assert workers.wrap(model) is model
    assert workers.mean(torch.tensor(2.5)) == 2.5
    assert [workers.any(True), workers.any(False)] == [True, False]


def test_a_quiet_process_says_nothing_but_is_cancelled_with_the_others():
    told = []

    class Loud(Progress):
        def emit(self, event):
            told.append(event)

    quiet = Quiet(Loud(lambda: True))
    quiet.log("x")
    assert told == []
    with pytest.raises(Cancelled):
        quiet.update(0.5)
