"""Sentences of the panel about a run."""

from spectralgpt_qgis.gui.training.run_record import RunRecord
from spectralgpt_qgis.gui.training.run_words import elapsed, ended, judged_on, kept_by_cancel


def record(facts=None, **series):
    made = RunRecord()
    made.describe(facts or {})
    for name, values in series.items():
        for step, value in enumerate(values, 1 if name == "loss" else 0):
            made.measure(name, step, value)
    return made


def test_time_as_on_a_clock():
    assert [elapsed(s) for s in (7.9, 750, 3723)] == ["0:07", "12:30", "1:02:03"]


def test_what_a_cancel_keeps_is_said_before_it():
    assert "nothing" in kept_by_cancel(record(), False)
    keeps = {"keeps": True, "rounds": 9}
    assert kept_by_cancel(record(keeps), False) == "If you cancel, the model is kept as it is now."
    better = record(keeps, loss=[1, 1, 1], val_miou=[0.5, 0.6, 0.8, 0.7])
    assert "epoch 2 " in kept_by_cancel(better, False)
    worse = record(keeps, loss=[1], val_miou=[0.5, 0.4])
    assert "before the first epoch" in kept_by_cancel(worse, False)
    assert "Stop now" in kept_by_cancel(better, True)
    assert kept_by_cancel(record(), True) == ""


def test_how_it_ended():
    assert ended(record(), False, 61) == "Done in 1:01."
    full = record({"rounds": 3}, loss=[1, 1, 1], val_miou=[0.5, 0.6, 0.8, 0.7])
    assert "epoch 2" in ended(full, False, 61)
    assert "epoch 2" in ended(full, True, 61) and "Stopped early" in ended(full, True, 61)
    assert "before the first epoch" in ended(record(val_miou=[0.5]), True, 1)
    assert "before the first epoch" in ended(record(), True, 1), "cancelled while it was written"
    assert "last epoch" in ended(record(loss=[1, 1]), True, 1)


def test_where_figures_come_from():
    assert judged_on(record()) == "No results on held-back labels yet."
    parts = RunRecord()
    parts.describe({"parts": 5})
    parts.measure("part_accuracy", 2, 0.5)
    assert "2 of 5 parts" in judged_on(parts)
    assert "before the first epoch" in judged_on(record(val_miou=[0.5]))
    full = record({"rounds": 12}, loss=[1], val_miou=[0.5, 0.6])
    assert "epoch 1 of at most 12" in judged_on(full)
