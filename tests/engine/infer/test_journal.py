"""The file in which finished work waits: what counts, what goes, and who may use it."""

import os
import time

import numpy as np
import pytest

from engine.errors import ClientGone, DiskFull
from engine.infer.journal import KEPT_PREFIX, OLDEST, Journal

RECORDS = [b"first", bytes(range(256)), b"t"]
# header, then each record: 8 bytes for its size, 4 for its checksum
ENDS = list(np.cumsum([1 << 14] + [12 + len(record) for record in RECORDS]))


@pytest.fixture
def output(tmp_path):
    return str(tmp_path / "map.tif")


@pytest.fixture
def file(tmp_path):
    return tmp_path / f"{KEPT_PREFIX}map.tif"


def write(output, key="one", scratch=(), end=ClientGone):
    """A run that ends with an exception after three records."""
    with pytest.raises(end), Journal(output, True) as journal:
        journal.take_up(key, scratch)
        list(journal.replay())
        for record in RECORDS:
            journal.append(record)
        raise end("")


def read(output, key="one", resume=True):
    """What the next run gets; it loses its client too."""
    with pytest.raises(ClientGone), Journal(output, resume) as journal:
        journal.take_up(key)
        records = list(journal.replay())
        raise ClientGone()
    return records


def test_records_come_back_as_they_were(output):
    write(output)
    assert read(output) == RECORDS


def test_a_run_goes_on_after_the_records_it_found(output):
    write(output)
    write(output)
    assert read(output) == RECORDS * 2


@pytest.mark.parametrize("left", range(4))
@pytest.mark.parametrize("more", [0, 1, 8, 11, 12, 13])
def test_a_torn_record_does_not_count(output, file, left, more):
    """Cut after `left` whole records and `more` bytes of the next one."""
    if left == 2 and more == 13:
        return  # the third record is that long
    write(output)
    whole = file.read_bytes()
    if left == 3 and more:
        whole += bytes(more)  # as a file system leaves it when the power failed
    file.write_bytes(whole[: ENDS[left] + more])
    assert read(output) == RECORDS[:left]
    assert file.stat().st_size == ENDS[left]


@pytest.mark.parametrize("at", [0, 7, 8, 12, 100, -1])
def test_nor_does_a_record_with_a_flipped_bit(output, file, at):
    write(output)
    data = bytearray(file.read_bytes())
    data[(ENDS[1] if at >= 0 else ENDS[2]) + at] ^= 1
    file.write_bytes(data)
    assert read(output) == RECORDS[:1]


def test_another_jobs_records_go(output):
    write(output)
    assert read(output, "two") == []
    assert read(output, "one") == []


@pytest.mark.parametrize("damage", [b"", b"{", b"[1]", b"\xff" * 20000])
def test_a_damaged_file_begins_anew(output, file, damage):
    file.write_bytes(damage)
    assert read(output) == []


def test_a_job_without_a_key_keeps_nothing(output, file):
    write(output, key="")
    assert not file.exists()


def test_nothing_is_kept_or_taken_up_where_that_is_not_wanted(output, file):
    write(output)
    assert read(output, resume=False) == []
    assert not file.exists()


@pytest.mark.parametrize("end", [DiskFull, KeyboardInterrupt, ValueError])
def test_an_orderly_end_removes_the_file(output, file, end):
    write(output, end=end)
    assert not file.exists()


def test_so_does_success(output, file):
    with Journal(output, True) as journal:
        journal.take_up("one")
        journal.append(RECORDS[0])
        assert file.exists()
    assert not file.exists()


def test_a_second_run_at_the_same_time_has_no_part_in_it(output, file):
    with Journal(output, True) as first:
        first.take_up("one")
        first.append(RECORDS[0])
        with Journal(output, True) as second:
            second.take_up("one")
            assert list(second.replay()) == []
            second.append(RECORDS[1])
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
    with Journal(str(tmp_path / "busy.tif"), True) as busy:
        busy.take_up("one")
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

    with Journal(output, True) as journal:
        journal.take_up("one")
        journal._file = Full(journal._file)
        journal.append(RECORDS[0])
        assert not file.exists()
        journal.append(RECORDS[1])


def test_a_disk_that_fails_ends_the_replay_and_not_the_run(output, file):
    """The second record cannot be read, as of a drive that went away."""

    class Failing:
        def __init__(self, real):
            self.real, self.left = real, 2  # the first record's head, and the record

        def __getattr__(self, name):
            return getattr(self.real, name)

        def read(self, size):
            self.left -= 1
            if self.left < 0:
                raise OSError(5, "Input/output error")
            return self.real.read(size)

    write(output)
    with Journal(output, True) as journal:
        journal.take_up("one")
        journal._file = Failing(journal._file)
        assert list(journal.replay()) == RECORDS[:1]
        assert not file.exists()
        journal.append(RECORDS[1])
