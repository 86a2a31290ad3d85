"""Memory of this process and of the machine."""

import psutil

from engine.infer.memory_use import free_bytes, peak_bytes, resident_bytes

SIZE = 200_000_000


def test_the_peak_stays_when_memory_is_given_back():
    before = resident_bytes()
    held = bytearray(b"x" * SIZE)
    assert resident_bytes() > before + SIZE / 2
    peak = peak_bytes()
    assert peak >= before + SIZE / 2
    del held
    assert peak_bytes() >= peak


def test_no_more_is_free_than_the_machine_has():
    assert 0 < free_bytes() <= psutil.virtual_memory().total
