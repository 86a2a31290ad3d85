"""The client with the real engine."""

from __future__ import annotations

import os
import signal
import time

import pytest

from spectralgpt_qgis import engine_access
from spectralgpt_qgis.engine_client import EngineCancelled, EngineClient, EngineFailed


@pytest.fixture
def real():
    python = engine_access.status().python
    if python is None:
        pytest.fail("There is no engine to test with: run `make setup`, or set SPECTRALGPT_PYTHON.")
    return EngineClient(python)


def test_the_real_engine_answers(real):
    fractions = []
    result = real.run(
        "doctor", {"tier": "inference"}, on_progress=lambda fraction, *_: fractions.append(fraction)
    )
    assert "CPUExecutionProvider" in result["providers"]
    assert fractions == sorted(fractions)


def test_the_real_engine_refuses_a_wrong_parameter(real):
    with pytest.raises(EngineFailed) as failure:
        real.run("doctor", {"teir": "inference"})
    assert failure.value.kind == "InvalidParameter"
    assert "teir" in failure.value.message


def test_the_real_engine_killed_in_the_middle(real, started):
    """After kill -9 from outside, there is a readable error, nothing is left behind, and the next job runs."""
    with pytest.raises(EngineFailed) as failure:
        real.run("doctor", {}, on_progress=lambda *_: os.kill(started[0].pid, signal.SIGKILL))
    assert "ran out of memory or was terminated by the system" in failure.value.message
    assert real.run("models", {})["models"] is not None


def test_the_real_engine_is_cancelled_within_two_seconds(real):
    asked = []

    def cancel(*_):
        if not asked:
            asked.append(time.monotonic())
            real.cancel()

    with pytest.raises(EngineCancelled):
        real.run("doctor", {}, on_progress=cancel)
    assert time.monotonic() - asked[0] < 2
