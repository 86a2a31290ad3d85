"""The watch of a run: seconds of its parts, and how long processors worked for them; what a run tells first."""

import time

import numpy as np
import pytest

from engine.infer.run_report import Stopwatch
from engine.infer.segment import segment
from engine.jobs import SegmentJob


def test_a_part_lasts_from_asking_for_the_first_item_to_the_end_of_the_last_ones_use():
    watch = Stopwatch()
    time.sleep(0.1)  # belongs to no part

    def items():
        for item in range(3):
            time.sleep(0.02)
            yield item

    for _ in watch.during("windows", items()):
        time.sleep(0.02)
    assert 0.12 <= watch.marks["windows"] <= watch.seconds - 0.1


def test_waiting_is_no_work():
    watch = Stopwatch()
    until = time.process_time() + 0.1
    while time.process_time() < until:
        pass
    watch.mark("working")
    time.sleep(0.2)
    watch.mark("waiting")
    assert watch.work["working"] >= 0.1
    assert watch.marks["waiting"] >= 0.2 > watch.work["waiting"] + 0.1


@pytest.mark.parametrize(
    ("pixel", "told"),
    [(10.0, ""), (14.0, ""), (30.0, "pixels are 30 m wide"), (0.05, "are 0.05 m")],
)
def test_pixels_of_another_size_than_learned_from_are_told(
    segmenter, make_raster, folder, recorder, pixel, told
):
    """The model learned from 10 m; half as much again is as good."""
    progress = recorder()
    job = SegmentJob(
        input=make_raster(np.full((3, 16, 16), 0.2, np.float32), pixel=pixel), model=segmenter(),
        output=str(folder / "map.tif"), device="cpu",
    )  # fmt: skip
    segment(job, progress)
    warnings = [text for text in progress.texts("warning") if "trained on pixels of 10 m" in text]
    assert len(warnings) == bool(told) and all(told in text for text in warnings)
