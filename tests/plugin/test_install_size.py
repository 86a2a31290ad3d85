"""The size of an installation, from the record of the pinned requirements, and the free disk space."""

from __future__ import annotations

import json

import pytest

from spectralgpt_qgis import install_size
from spectralgpt_qgis.requirement_files import ACCELERATORS, TIERS


@pytest.fixture
def record(tmp_path):
    file = tmp_path / "sizes.json"
    sizes = {"linux-x86_64": {"inference-cpu": {"download": 100, "unpacked": 200}}}
    file.write_text(json.dumps({"date": "2026-11-25", "systems": sizes}))
    return file


def test_the_disk_needs_the_downloads_and_what_they_unpack_to(record):
    size = install_size.install_size("inference", "cpu", system="linux-x86_64", sizes=record)
    assert (size.download, size.recorded) == (100, "2026-11-25")
    assert size.disk == 330  # 100 + 1.15 x 200


@pytest.mark.parametrize(
    ("tier", "accelerator", "disk"),
    [("inference", "cpu", 900e6), ("training", "cpu", 3e9), ("inference", "cuda", 12e9)],
)
def test_an_unrecorded_system_claims_no_download_and_asks_for_much_room(
    record, tier, accelerator, disk
):
    size = install_size.install_size(tier, accelerator, system="plan9-mips", sizes=record)
    assert (size.download, size.disk, size.recorded) == (None, disk, "")


def test_a_damaged_record_is_as_none(tmp_path):
    file = tmp_path / "sizes.json"
    file.write_text("{")
    assert install_size.install_size("inference", "cpu", sizes=file).download is None


@pytest.mark.parametrize(
    ("system", "machine", "key"),
    [
        ("win32", "AMD64", "win32-x86_64"),
        ("darwin", "arm64", "darwin-aarch64"),
        ("linux", "aarch64", "linux-aarch64"),
    ],
)
def test_a_machine_has_one_name_on_all_systems(system, machine, key):
    assert install_size.system_key(system, machine) == key


def test_what_is_recorded_grows_with_what_is_asked_for():
    systems = json.loads(install_size.SIZES.read_text(encoding="utf-8"))["systems"]
    assert {"linux-x86_64", "win32-x86_64", "darwin-aarch64"} <= set(systems)
    for sizes in systems.values():
        assert set(sizes) <= {f"{tier}-{kind}" for tier in TIERS for kind in ACCELERATORS}
        assert all(size["download"] < size["unpacked"] for size in sizes.values())
        if "training-cpu" in sizes:
            assert sizes["training-cpu"]["download"] > sizes["inference-cpu"]["download"]
        if "inference-cuda" in sizes:
            assert sizes["inference-cuda"]["download"] > 1e9  # CUDA's own libraries


def test_free_space_of_a_folder_that_is_not_there_yet(tmp_path):
    deep = tmp_path / "not" / "yet"
    assert install_size.free_space(deep) > 0
    assert not deep.exists()
