"""Sentences about what a training will do."""

from __future__ import annotations

import pytest

from spectralgpt_qgis.gui.training.expected_time import MANY_LABELS, Run, likely_method
from spectralgpt_qgis.gui.training.plan_words import plan


def told(asked, task="segmentation", labels=20, base="tiny"):
    run = Run(task, likely_method(asked, task, labels), "auto", labels, 0, 0, 0.0)
    return plan(asked, run, base)


def test_with_few_labels_automatic_keeps_the_base():
    text = told("auto")
    assert "'tiny' is not changed" in text and "(quick)" in text
    assert text.endswith(f"fewer than {MANY_LABELS} labels; there are 20.")


def test_with_many_labels_automatic_lets_it_learn_and_promises_no_gpu():
    text = told("auto", labels=MANY_LABELS)
    assert text.startswith(
        f"Decided automatically: with {MANY_LABELS} labels, 'tiny' is trained as well"
    )
    assert "with a working GPU" in text and "(adapters)" in text


def test_change_keeps_the_base_however_many_labels_there_are():
    for labels in (0, 20, MANY_LABELS):
        assert "only a last layer is trained (quick)" in told("auto", "change", labels)


def test_before_there_are_labels_nothing_is_decided():
    assert told("auto", labels=0).startswith("Starts from 'tiny'. How much of it is trained")


@pytest.mark.parametrize("method", ["quick", "adapters", "full"])
def test_what_the_user_chose_is_named_by_its_word(method):
    text = told(method, labels=MANY_LABELS)
    assert f"({method})" in text and "automatically" not in text


def test_without_a_base_nothing_is_said():
    assert told("auto", base="") == ""


def test_a_name_with_braces_is_only_a_name():
    assert "'my {base}' is not changed" in told("quick", base="my {base}")
