import psutil
import pytest
import torch

from engine.errors import InvalidParameter
from engine.model.config import preset
from engine.train.stages import (
    Outline,
    StageDefaults,
    batch_for,
    default_outlines,
    device_memory,
    parse_stages,
    plan_stages,
    select,
)

TINY = preset("tiny")


def test_every_part_of_a_stage_is_read():
    assert parse_stages("64:20:1e-3; 128:10:5e-4:0.9:/data/*:x.tif;") == [
        Outline(64, 20, 1e-3),
        Outline(128, 10, 5e-4, 0.9, "/data/*:x.tif"),
    ]


def test_parts_in_the_middle_may_be_empty():
    assert parse_stages("96:2::0.75") == [Outline(96, 2, None, 0.75)]
    assert parse_stages("96:2:::summer*") == [Outline(96, 2, None, None, "summer*")]
    assert parse_stages("") == []


@pytest.mark.parametrize("text", ["64", "64:x", "64:1:fast", "a:1", " ; ; ", "64:1.5"])
def test_what_is_no_stage_is_refused_with_the_form(text):
    with pytest.raises(InvalidParameter, match="WINDOW:EPOCHS"):
        parse_stages(text)


@pytest.mark.parametrize("text", ["0:5", "64:0", "64:5:0", "64:5:2", "64:5:1e-3:1", "64:5::-0.1"])
def test_numbers_out_of_range_are_refused(text):
    with pytest.raises(InvalidParameter, match="at least 1"):
        parse_stages(text)


def plan(outlines, pixels=None, **more):
    defaults = StageDefaults(**{"mask_ratio": 0.9, "fresh": True, **more})
    return plan_stages(outlines, TINY, pixels or [10**6] * len(outlines), defaults)


def test_a_window_that_is_no_multiple_of_the_patch_is_refused_with_those_beside_it():
    with pytest.raises(InvalidParameter, match=r"multiple.*8 px\. Use 96 or 104"):
        plan([Outline(100, 1)])
    with pytest.raises(InvalidParameter, match="Use 8 or 16"):
        plan([Outline(4, 1)])


def test_a_mask_that_leaves_nothing_to_see_is_refused():
    with pytest.raises(InvalidParameter, match="px window, so none stays"):
        plan([Outline(16, 1)])  # 4 tokens, of which 90 % are hidden
    assert plan([Outline(16, 1, None, 0.75)])[0].mask_ratio == 0.75


def test_an_epoch_covers_the_imagery_once_within_bounds():
    pixels = [64**2 * 4 * 100, 1, 10**12]
    steps = [stage.steps for stage in plan([Outline(64, 1)] * 3, pixels, batch=4)]
    assert steps == [100, 20, 500]


def test_what_the_job_says_counts():
    (stage,) = plan([Outline(64, 9, 1e-4)], epochs=2, batch=3, steps=5)
    assert (stage.epochs, stage.batch, stage.steps, stage.learning_rate) == (2, 3, 5, 1e-4)


def test_later_stages_and_learned_networks_learn_more_slowly():
    fresh = plan([Outline(32, 1), Outline(64, 1)])
    learned = plan([Outline(32, 1), Outline(64, 1)], fresh=False)
    assert fresh[0].learning_rate == 2 * fresh[1].learning_rate == 2 * learned[0].learning_rate


@pytest.mark.parametrize(("side", "windows"), [(1000, [32, 64, 128]), (70, [16, 32, 64])])
def test_default_windows_grow_up_to_what_network_and_imagery_allow(side, windows):
    stages = default_outlines(TINY, side, 0.9, fresh=True)
    assert [stage.window for stage in stages] == windows
    assert stages[-1].mask_ratio == 0.9


@pytest.mark.parametrize("side", [5, 16, 23, 40, 96, 333])
@pytest.mark.parametrize("fresh", [True, False])
def test_default_stages_can_always_be_planned(side, fresh):
    assert plan(default_outlines(TINY, side, 0.95, fresh), fresh=fresh)


def test_less_memory_gives_smaller_batches_but_never_none():
    sizes = [batch_for(preset("base"), 128, 0.9, memory) for memory in (1 << 20, 8 << 30, 1 << 40)]
    assert sizes[0] == 1
    assert sizes == sorted(sizes)
    assert sizes[-1] == 8


def test_a_memory_limit_counts_as_the_memory_of_the_machine(monkeypatch):
    monkeypatch.delenv("SPECTRALGPT_MEMORY", raising=False)
    free = device_memory(torch.device("cpu"))
    assert free == psutil.virtual_memory().total // 2
    monkeypatch.setenv("SPECTRALGPT_MEMORY", "512")
    assert device_memory(torch.device("cpu")) == 256 << 20


def test_a_pattern_takes_whole_names_or_their_last_part():
    names = ["/a/summer_1.tif", "/a/winter_1.tif", "/b/summer_2.tif"]
    assert select(names, "") == [0, 1, 2]
    assert select(names, "summer*") == [0, 2]
    assert select(names, "/a/*") == [0, 1]
    with pytest.raises(InvalidParameter, match=r"autumn.*winter_1\.tif"):
        select(names, "autumn*")
