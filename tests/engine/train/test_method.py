"""Which method is taken, and what the user is told about it."""

import pytest

from engine.train.method import LARGE, MANY_PLACES, Method, choose_method


@pytest.mark.parametrize("asked", ["quick", "adapters", "full"])
def test_what_was_asked_is_done_without_a_word(asked):
    assert choose_method(asked, 3, 10 * LARGE, gpu=False) == Method(asked, "")


@pytest.mark.parametrize("gpu", [True, False])
def test_change_is_learned_by_a_head_however_many_labels_there_are(gpu):
    found = choose_method("auto", 10 * MANY_PLACES, 10, gpu, "change-detection")
    assert found.name == "quick" and "change in other places" in found.reason
    assert choose_method("full", 3, 10, gpu, "change-detection") == Method("full", "")


@pytest.mark.parametrize(
    ("places", "weights", "gpu", "name", "words"),
    [
        (MANY_PLACES - 1, 10, True, "quick", f"only {MANY_PLACES - 1} labelled places"),
        (MANY_PLACES, 10 * LARGE, True, "full", "places and a GPU, all"),
        (MANY_PLACES, LARGE, False, "adapters", "labelled places and no GPU"),
        (MANY_PLACES, 86_000_000, False, "quick", "86 million weights in the backbone and no GPU"),
    ],
)
def test_auto_goes_by_labels_and_machine_and_says_why(places, weights, gpu, name, words):
    found = choose_method("auto", places, weights, gpu)
    assert found.name == name
    assert words in found.reason
