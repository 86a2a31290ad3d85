"""The record of a training run."""

from spectralgpt_qgis.gui.training.run_record import ClassScore, RunRecord

CLASSES = [{"title": "Water", "color": "#2266cc"}, {"title": "Land", "color": "#7a9a3a"}]


def record(**series):
    made = RunRecord()
    made.describe({"classes": CLASSES, "rounds": 12, "parts": 5})
    for name, values in series.items():
        for step, value in values.items():
            made.measure(name.replace("__", "/"), step, value)
    return made


def test_the_first_of_equally_good_rounds_is_the_best():
    found = record(loss={1: 0.9, 2: 0.7, 3: 0.6}, val_miou={0: 0.5, 1: 0.6, 2: 0.7, 3: 0.7})
    assert found.best_round() == (2, 0.7)
    assert (found.rounds, found.round_done) == (12, 3)


def test_the_head_before_the_first_round_may_be_the_best():
    assert record(val_miou={0: 0.5, 1: 0.5, 2: 0.4}).best_round() == (0, 0.5)


def test_scenes_are_judged_by_what_the_engine_judges_them_by():
    assert record(val_accuracy={0: 0.5, 1: 0.6}).score_name == "val_accuracy"
    assert record(val_accuracy={0: 0.9}, val_miou={0: 0.5}).best_round() == (0, 0.5)
    assert record(val_map={0: 0.25}).best_round() == (0, 0.25)


def test_without_held_back_labels_no_round_is_the_best():
    found = record(loss={1: 0.9})
    assert found.best_round() is None and found.score_name == ""


def test_each_class_shows_its_latest_figure_of_the_rounds_before_that_of_the_parts():
    parts = record(part_iou__Water={1: 0.5, 2: 0.75}, part_accuracy={1: 0.5, 2: 0.75})
    assert parts.class_scores() == [
        ClassScore("Water", "#2266cc", 0.75),
        ClassScore("Land", "#7a9a3a", None),
    ]
    assert parts.judged_parts == 2
    parts.measure("val_iou/Land", 0, 0.25)
    assert [score.iou for score in parts.class_scores()] == [None, 0.25]


def test_nothing_is_known_at_first():
    empty = RunRecord()
    assert (empty.rounds, empty.parts, empty.round_done, empty.judged_parts) == (0, 0, 0, 0)
    assert empty.class_scores() == [] and not empty.keeps
    empty.describe({"keeps": True})
    assert empty.keeps
