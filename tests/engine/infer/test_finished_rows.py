"""The file in which finished rows wait: what counts, what goes, and who may use it."""

import os
import time

import numpy as np
import pytest

from engine.errors import ClientGone, DiskFull
from engine.infer.finished_rows import KEPT_PREFIX, OLDEST, FinishedRows
from engine.infer.mosaic import Tally

WIDTH = 5
DTYPES = ("uint8", "float32")
RNG = np.random.default_rng(0)


def strip(rows):
    return (
        RNG.integers(0, 255, (rows, WIDTH), np.uint8),
        RNG.random((rows, WIDTH), np.float32),
    )


STRIPS = [strip(rows) for rows in (3, 1, 4)]
# header, then each strip: 8 + 8 + 8 + 1 + 4 bytes and 5 bytes a pixel
ENDS = list(np.cumsum([1 << 14] + [29 + len(layers[0]) * WIDTH * 5 for layers in STRIPS]))


@pytest.fixture
def output(tmp_path):
    return str(tmp_path / "map.tif")


@pytest.fixture
def file(tmp_path):
    return tmp_path / f"{KEPT_PREFIX}map.tif"


def write(output, key="one", scratch=(), end=ClientGone):
    """A run that ends with an exception after three strips."""
    with pytest.raises(end), FinishedRows(output, True) as kept:
        kept.take_up(key, WIDTH, DTYPES, scratch)
        list(kept.replay())
        for index, layers in enumerate(STRIPS, 1):
            kept.append(layers, Tally(run=10 * index, pixels=100 * index))
        raise end("")


def read(output, key="one", resume=True):
    """What the next run gets; it loses its client too."""
    with pytest.raises(ClientGone), FinishedRows(output, resume) as kept:
        kept.take_up(key, WIDTH, DTYPES)
        strips = list(kept.replay())
        earlier = kept.earlier
        raise ClientGone()
    return strips, earlier


def same(strips, expected):
    assert len(strips) == len(expected)
    for layers, wanted in zip(strips, expected):
        for layer, array in zip(layers, wanted):
            assert layer.dtype == array.dtype
            np.testing.assert_array_equal(layer, array)


def test_rows_come_back_as_they_were_with_what_was_counted(output):
    write(output)
    strips, earlier = read(output)
    same(strips, STRIPS)
    assert (earlier.rows, earlier.pixels) == (8, 300)
    assert earlier.run == {3: 10, 4: 20, 8: 30}


def test_a_run_goes_on_after_the_rows_it_found(output):
    write(output)
    with pytest.raises(ClientGone), FinishedRows(output, True) as kept:
        kept.take_up("one", WIDTH, DTYPES)
        same(list(kept.replay()), STRIPS)
        kept.append(STRIPS[1], Tally(run=40, pixels=400))
        raise ClientGone()
    strips, earlier = read(output)
    same(strips, [*STRIPS, STRIPS[1]])
    assert (earlier.rows, earlier.pixels) == (9, 400)


@pytest.mark.parametrize("left", range(4))
@pytest.mark.parametrize("more", [0, 1, 28, 29, 40])
def test_a_torn_record_does_not_count(output, file, left, more):
    """Cut after `left` whole records and `more` bytes of the next one."""
    write(output)
    whole = file.read_bytes()
    if left == 3 and more:
        whole += bytes(more)  # as a file system leaves it when the power failed
    file.write_bytes(whole[: ENDS[left] + more])
    strips, earlier = read(output)
    same(strips, STRIPS[:left])
    assert earlier.rows == sum(len(layers[0]) for layers in STRIPS[:left])
    assert file.stat().st_size == ENDS[left]


@pytest.mark.parametrize("at", [0, 8, 16, 24, 25, 29, -1])
def test_nor_does_a_record_with_a_flipped_bit(output, file, at):
    write(output)
    data = bytearray(file.read_bytes())
    data[(ENDS[1] if at >= 0 else ENDS[2]) + at] ^= 1
    file.write_bytes(data)
    same(read(output)[0], STRIPS[:1])


def test_rows_without_data_take_no_room(output, file):
    """29 + 1 + 4 bytes for a million rows."""
    nothing = (
        np.full((1_000_000, WIDTH), 255, np.uint8),
        np.full((1_000_000, WIDTH), -1, np.float32),
    )
    with pytest.raises(ClientGone), FinishedRows(output, True) as kept:
        kept.take_up("one", WIDTH, DTYPES)
        kept.append(nothing, Tally())
        kept.append(STRIPS[0], Tally())
        raise ClientGone()
    assert file.stat().st_size == (1 << 14) + 34 + 29 + 3 * WIDTH * 5
    same(read(output)[0], [nothing, STRIPS[0]])


def test_another_jobs_rows_go(output):
    write(output)
    assert read(output, "two")[0] == []
    assert read(output, "one")[0] == []


@pytest.mark.parametrize("damage", [b"", b"{", b"[1]", b"\xff" * 20000])
def test_a_damaged_file_begins_anew(output, file, damage):
    file.write_bytes(damage)
    assert read(output)[0] == []


def test_a_job_without_a_key_keeps_nothing(output, file):
    write(output, key="")
    assert not file.exists()


def test_nothing_is_kept_or_taken_up_where_that_is_not_wanted(output, file):
    write(output)
    assert read(output, resume=False)[0] == []
    assert not file.exists()


@pytest.mark.parametrize("end", [DiskFull, KeyboardInterrupt, ValueError])
def test_an_orderly_end_removes_the_file(output, file, end):
    write(output, end=end)
    assert not file.exists()


def test_so_does_success(output, file):
    with FinishedRows(output, True) as kept:
        kept.take_up("one", WIDTH, DTYPES)
        kept.append(STRIPS[0], Tally())
        assert file.exists()
    assert not file.exists()


def test_a_second_run_at_the_same_time_has_no_part_in_it(output, file):
    with FinishedRows(output, True) as first:
        first.take_up("one", WIDTH, DTYPES)
        first.append(STRIPS[0], Tally())
        with FinishedRows(output, True) as second:
            second.take_up("one", WIDTH, DTYPES)
            assert list(second.replay()) == []
            second.append(STRIPS[1], Tally())
        assert file.stat().st_size == ENDS[1]


def test_what_a_killed_run_left_is_removed_and_nothing_else(output, tmp_path):
    left, others = tmp_path / ".spectralgpt-1-x", tmp_path / "data"
    left.mkdir()
    others.mkdir()
    write(output, scratch=[left, others])
    read(output)
    assert not left.exists()
    assert others.exists()


def test_files_that_nobody_took_up_go_after_a_week(output, tmp_path, file):
    def make(name, age):
        path = tmp_path / f"{KEPT_PREFIX}{name}"
        write(str(tmp_path / name))
        os.utime(path, (time.time() - age,) * 2)
        return path

    old, young = make("old.tif", OLDEST + 60), make("young.tif", OLDEST - 60)
    with FinishedRows(str(tmp_path / "busy.tif"), True) as busy:
        busy.take_up("one", WIDTH, DTYPES)
        running = tmp_path / f"{KEPT_PREFIX}busy.tif"
        os.utime(running, (1, 1))
        write(output)
        assert not old.exists()
        assert young.exists()
        assert running.exists()
        assert file.exists()


def test_a_disk_that_is_full_ends_the_keeping_and_not_the_run(output, file):
    class Full:
        def __init__(self, real):
            self.real = real

        def __getattr__(self, name):
            return getattr(self.real, name)

        def write(self, data):
            raise OSError(28, "No space left on device")

    with FinishedRows(output, True) as kept:
        kept.take_up("one", WIDTH, DTYPES)
        kept._file = Full(kept._file)
        kept.append(STRIPS[0], Tally())
        assert not file.exists()
        kept.append(STRIPS[1], Tally())
