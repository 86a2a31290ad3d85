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


@pytest.mark.parametrize("weights", [10, 10 * LARGE])
def test_maps_are_learned_by_a_head_where_there_is_no_gpu(weights):
    found = choose_method("auto", 10 * MANY_PLACES, weights, False, "segmentation")
    assert found.name == "quick" and "no GPU: in the minutes" in found.reason
    assert choose_method("full", 3, weights, False, "segmentation") == Method("full", "")


@pytest.mark.parametrize("task", ["segmentation", "scene-classification"])
@pytest.mark.parametrize("gpu", [True, False])
def test_few_places_are_learned_by_a_head(task, gpu):
    found = choose_method("auto", MANY_PLACES - 1, 10, gpu, task)
    assert found.name == "quick" and f"{MANY_PLACES - 1} labelled places are few" in found.reason


@pytest.mark.parametrize("task", ["segmentation", "scene-classification"])
def test_many_places_and_a_gpu_train_all_weights(task):
    found = choose_method("auto", MANY_PLACES, 10 * LARGE, True, task)
    assert found.name == "full" and "and a GPU: all weights" in found.reason


@pytest.mark.parametrize(
    ("weights", "name", "words"),
    [
        (LARGE, "adapters", "no GPU: few weights"),
        (86_000_000, "quick", "86 million weights and there is no GPU"),
    ],
)
def test_many_scenes_go_by_the_size_of_the_backbone(weights, name, words):
    found = choose_method("auto", MANY_PLACES, weights, False, "scene-classification")
    assert found.name == name
    assert words in found.reason
