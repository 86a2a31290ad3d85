"""The watch of a run: seconds of its parts, and how long processors worked for them."""

import time

from engine.infer.report import Stopwatch


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
