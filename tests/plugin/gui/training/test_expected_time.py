"""Expected times from measured ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from spectralgpt_qgis import settings
from spectralgpt_qgis.gui.training.expected_time import (
    KEPT,
    PUBLISHED,
    Run,
    duration,
    expected_time,
    keep_run,
    kept_runs,
    likely_method,
)

QUICK = Run("segmentation", "quick", "auto", 20, 4000, 0, 28.0)


@pytest.fixture
def no_runs(qgis_app):
    settings.set_value("training_runs", "")
    yield
    settings.set_value("training_runs", "")


def test_runs_are_kept_and_the_oldest_dropped(no_runs):
    assert kept_runs() == []
    for seconds in range(KEPT + 5):
        keep_run(replace(QUICK, seconds=float(seconds)))
    assert [run.seconds for run in kept_runs()] == [float(n) for n in range(5, KEPT + 5)]


@pytest.mark.parametrize("text", ["{", '[{"method": "quick"}]', "3"])
def test_what_another_version_wrote_is_left_out(no_runs, text):
    settings.set_value("training_runs", text)
    assert kept_runs() == []


def test_a_run_of_this_machine_scales_with_the_labels():
    # 8 s to start, and 20 s for 20 labels: 40 labels take 8 + 40 = 48 s, rounded to 50.
    told = expected_time(replace(QUICK, labels=40), [QUICK])
    assert (
        told == "Expected time: about 50 s, based on an earlier training on this computer (30 s)."
    )


def test_the_run_of_the_nearest_size_is_believed():
    far = replace(QUICK, labels=400, seconds=90.0)
    assert "about 30 s" in expected_time(replace(QUICK, labels=21), [QUICK, far])


def test_rounds_are_what_other_methods_take_time_for():
    full = Run("segmentation", "full", "cpu", 50, 900, 10, 108.0)
    # 8 s to start, and 10 s per round: 20 rounds take 208 s.
    assert "about 3 min" in expected_time(replace(full, rounds=20), [full])


def test_the_published_figure_is_told_as_that_of_another_machine():
    told = expected_time(replace(QUICK, labels=10), [])
    assert "another computer" in told
    assert "about 25 s" in told
    assert "about 4 min" in expected_time(replace(QUICK, method="full", labels=500), [])
    assert [run.seconds for run in PUBLISHED] == [23, 223, 223]


@pytest.mark.parametrize(
    "wanted",
    [
        replace(QUICK, method="full", rounds=5),
        replace(QUICK, task="scenes"),
        replace(QUICK, task="change"),
    ],
)
def test_what_was_never_measured_is_not_known(wanted):
    assert "not known" in expected_time(wanted, [QUICK])


def test_auto_is_quick_for_few_labels_and_for_change():
    assert likely_method("auto", "scenes", 199) == "quick"
    assert likely_method("auto", "scenes", 200) == "adapters"
    assert likely_method("auto", "segmentation", 199) == "quick"
    assert likely_method("auto", "segmentation", 200) == "adapters"
    assert likely_method("auto", "change", 5000) == "quick"
    assert likely_method("full", "scenes", 3) == "full"


def test_that_is_what_the_engine_does():
    source = (settings.paths.ENGINE / "train" / "method.py").read_text(encoding="utf-8")
    assert "MANY_PLACES = 200" in source


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "1 s"), (7.4, "7 s"), (16.9, "15 s"), (70, "70 s"), (100, "2 min"), (4000, "1 h 7 min")],
)
def test_times_are_no_more_exact_than_estimates(seconds, text):
    assert duration(seconds) == text
