"""A few windows, spread over all, tell of the rest."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rasterio.windows import Window

from engine.infer import survey
from engine.infer.survey import MOST, Survey, _spread, seconds_a_window, survey_windows


def at(place):
    return Window(place, 0, 1, 1)


def look(window):
    """Every fourth window is empty."""
    if window.col_off % 4 == 0:
        return None
    return {"image": np.full((1, 1, 1), window.col_off, np.float32), "groups": np.arange(2)}


def test_few_windows_are_all_looked_at(monkeypatch):
    monkeypatch.setattr(survey, "PATIENCE_S", 60)
    told = survey_windows(20, at, look)
    assert told.share == 15 / 20
    assert [feeds["image"].item() for feeds in told.found[:3]] == [1, 2, 3]


def test_of_many_some_tell(monkeypatch):
    """A quarter is empty; of 64 spread over 10,000 windows between 8 and 24 are."""
    monkeypatch.setattr(survey, "PATIENCE_S", 60)
    told = survey_windows(10_000, at, look)
    assert 40 / 64 <= told.share <= 56 / 64
    assert len(told.found) == 24  # enough to compute some


def test_at_most_so_many_are_looked_at(monkeypatch):
    monkeypatch.setattr(survey, "PATIENCE_S", 60)
    seen = []
    survey_windows(10_000, at, seen.append, 6)
    assert len(seen) == 6


def test_patience_ends_the_look(monkeypatch):
    monkeypatch.setattr(survey, "PATIENCE_S", 0.0)
    seen = []
    survey_windows(10_000, at, seen.append)
    assert len(seen) == 1


def test_an_area_without_windows():
    assert survey_windows(0, at, look) == Survey(0.0, 0.0, ())


@given(st.integers(1, 200_000))
def test_places_are_inside_apart_and_all_over(windows):
    places = _spread(windows)
    assert len(set(places)) == len(places) <= MOST
    assert all(0 <= place < windows for place in places)
    if windows >= 1000:  # a quarter of the raster has its quarter of the places, give or take two
        quarters = np.bincount([4 * place // windows for place in places], minlength=4)
        assert quarters.min() >= MOST / 4 - 2


class Counting:
    """A backend that remembers the batches."""

    def __init__(self, batch, lanes):
        self.batch, self.lanes, self.seen = batch, lanes, []
        self._lock = threading.Lock()

    def predict(self, feeds):
        with self._lock:
            self.seen.append(feeds)


@pytest.mark.parametrize(("batch", "lanes"), [(1, 2), (4, 1)])
def test_the_model_is_run_in_its_own_batches(monkeypatch, batch, lanes):
    monkeypatch.setattr(survey, "PATIENCE_S", 0.0)
    backend = Counting(batch, lanes)
    found = tuple(look(at(place)) for place in (1, 2, 3))
    assert seconds_a_window(backend, Survey(1.0, 0.0, found)) > 0
    assert (
        len(backend.seen) == 1 + lanes + 1
    )  # one to compile; then until each lane had one, and one more
    shapes = {feeds["image"].shape for feeds in backend.seen}
    assert shapes == {(batch, 1, 1, 1)}
    assert all(feeds["groups"].shape == (2,) for feeds in backend.seen)


def test_reading_may_be_what_takes_time(monkeypatch):
    """A window that takes 10 s to read takes no less, however fast the model; 5 % more for the rest."""
    monkeypatch.setattr(survey, "PATIENCE_S", 0.0)
    found = (look(at(1)),)
    assert seconds_a_window(Counting(1, 1), Survey(1.0, 10.0, found)) == pytest.approx(10.5)


def test_nothing_found_takes_no_time():
    assert seconds_a_window(Counting(1, 1), Survey(0.0, 1.0, ())) == 0.0
