"""What a run will take, in words, and what is done where the machine has less."""

import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from engine.errors import DiskFull
from engine.infer import estimate
from engine.infer.estimate import Estimate, in_bytes, in_minutes, tell

GB, MB = 10**9, 10**6
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def machine(monkeypatch):
    """A disk and memory of given sizes."""

    def make(disk=50 * GB, memory=8 * GB, held=0):
        monkeypatch.setattr(estimate, "resident_bytes", lambda: held)
        monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(0, 0, disk))
        monkeypatch.setattr(estimate, "free_bytes", lambda: memory)

    return make


def test_an_estimate_in_words(machine, recorder, tmp_path):
    machine()
    progress = recorder()
    tell(Estimate(1764, 194.0, 1_130 * MB, 240 * MB), tmp_path, progress)
    assert progress.texts("log") == [
        "Estimate: 1764 windows, 3 min, 1.1 GB of memory, 240 MB of disk space (50.0 GB free)"
    ]
    assert progress.texts("warning") == []


def test_no_time_is_told_where_other_machines_compute(machine, recorder, tmp_path):
    machine()
    progress = recorder()
    tell(Estimate(4, None, GB, MB), tmp_path, progress)
    assert "Estimate: 4 windows, 1.0 GB of memory" in progress.texts("log")[0]


def test_a_small_disk_is_warned_of(machine, recorder, tmp_path):
    machine(disk=200 * MB)
    progress = recorder()
    tell(Estimate(4, 1.0, GB, 240 * MB, scratch=150 * MB), tmp_path, progress)
    (warning,) = progress.texts("warning")
    assert "has 200 MB of free space, but the run may need 240 MB" in warning


def test_a_disk_without_room_for_what_is_sure_ends_the_run(machine, recorder, tmp_path):
    machine(disk=100 * MB)
    with pytest.raises(DiskFull, match="has 100 MB of free space, but the run needs 150 MB"):
        tell(Estimate(4, 1.0, GB, 240 * MB, scratch=150 * MB), tmp_path, recorder())


@pytest.fixture
def two_disks(machine, monkeypatch, tmp_path):
    """Folders `map` and `table` on disks of 200 MB and 30 MB."""
    machine()
    for name in ("map", "table"):
        (tmp_path / name).mkdir()
    room = {"map": 200 * MB, "table": 30 * MB}
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(0, 0, room[folder.name]))
    plain = Path.stat

    def stat(path, **options):
        device = namedtuple("Stat", "st_dev")(path.name == "table")
        return device if path.name in room else plain(path, **options)

    monkeypatch.setattr(Path, "stat", stat)
    return tmp_path


def test_each_disk_is_told_with_its_share(two_disks, recorder):
    """100 MB, of which 10 and 20 go to the other disk: 70 and 30."""
    table, progress = two_disks / "table", recorder()
    told = Estimate(4, 1.0, GB, 100 * MB, outputs=((table, 10 * MB), (table, 20 * MB)))
    tell(told, two_disks / "map", progress)
    assert progress.texts("log") == [
        "Estimate: 4 windows, 1 s, 1.0 GB of memory, 70 MB of disk space (200 MB free)",
        f"Estimate: 30 MB of disk space in '{table}' (30 MB free)",
    ]
    assert progress.texts("warning") == []


def test_the_disk_that_is_too_small_is_named(two_disks, recorder):
    progress = recorder()
    told = Estimate(4, 1.0, GB, 100 * MB, outputs=((two_disks / "table", 40 * MB),))
    tell(told, two_disks / "map", progress)
    (warning,) = progress.texts("warning")
    assert warning.startswith(f"The folder '{two_disks / 'table'}' has 30 MB of free space")
    assert "may need 40 MB" in warning


def test_folders_on_one_disk_share_its_room(two_disks, recorder):
    """150 MB here and 60 MB in a folder beside it are more than 200 MB."""
    progress, beside = recorder(), two_disks / "map"
    told = Estimate(4, 1.0, GB, 210 * MB, outputs=((beside, 60 * MB),))
    tell(told, two_disks / "map", progress)
    assert "may need 210 MB" in progress.texts("warning")[0]


def test_the_folder_that_is_named_is_the_users(machine, recorder, tmp_path):
    """Outputs are written in a hidden folder first, which means nothing to a user."""
    machine(disk=100 * MB)
    hidden = tmp_path / ".spectralgpt-4711-abcd"
    hidden.mkdir()
    with pytest.raises(DiskFull) as caught:
        tell(Estimate(4, 1.0, GB, 240 * MB, scratch=150 * MB), hidden, recorder())
    assert caught.value.message.startswith(f"The folder '{tmp_path}' has 100 MB")


def test_little_memory_is_warned_of(machine, recorder, tmp_path):
    machine(memory=900 * MB)
    progress = recorder()
    tell(Estimate(4, 1.0, GB, MB), tmp_path, progress)
    assert progress.texts("warning")[0].startswith("900 MB of memory is free")


def test_memory_that_the_engine_has_already_is_no_shortage(machine, recorder, tmp_path):
    """Of 1000 MB it has 450 already: 550 more are needed, and 600 are free."""
    machine(memory=600 * MB, held=450 * MB)
    progress = recorder()
    tell(Estimate(4, 1.0, GB, MB), tmp_path, progress)
    assert progress.texts("warning") == []


def test_a_limit_counts_as_well(machine, recorder, tmp_path, monkeypatch):
    """The engine may take 500 x 2^20 bytes, 524 MB."""
    machine()
    monkeypatch.setenv("SPECTRALGPT_MEMORY", "500")
    progress = recorder()
    tell(Estimate(4, 1.0, GB, MB), tmp_path, progress)
    assert progress.texts("warning")[0].startswith("524 MB of memory is free")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (99, "99 s"), (100, "2 min"), (5940, "99 min"), (7800, "2 h 10 min")],
)
def test_times(seconds, words):
    assert in_minutes(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [(80_000, "0.1 MB"), (3.4e6, "3 MB"), (9.99e8, "999 MB"), (1.25e9, "1.2 GB")],
)
def test_sizes(count, words):
    assert in_bytes(count) == words


def test_as_the_protocol_reports_it():
    told = Estimate(7, 12.34, 1_234_567_890, 2_345_678).to_result()
    expected = {"windows": 7, "seconds": 12.3, "memory_mb": 1235, "disk_mb": 2.346}
    assert told == {"outputs": {}, "estimate": expected}
