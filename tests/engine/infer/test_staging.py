import errno
import os
import subprocess
import sys

import pytest

from engine.errors import DiskFull, InvalidParameter, OutputNotWritable
from engine.infer.staging import (
    CSV,
    GEOPACKAGE,
    GEOTIFF,
    SCRATCH_PREFIX,
    StagedOutputs,
    write_error,
)


def test_outputs_appear_at_the_end(tmp_path):
    with StagedOutputs() as outputs:
        staged = outputs.stage(str(tmp_path / "map.tif"), GEOTIFF)
        staged.write_text("map")
        staged.with_name("map.tif.aux.xml").write_text("names")
        assert not (tmp_path / "map.tif").exists()
    assert (tmp_path / "map.tif").read_text() == "map"
    assert {p.name for p in tmp_path.iterdir()} == {"map.tif", "map.tif.aux.xml"}


def test_the_hidden_folder_carries_the_process_id(tmp_path):
    """So that whoever kills the process can remove what it left."""
    with StagedOutputs() as outputs:
        staged = outputs.stage(str(tmp_path / "map.tif"), GEOTIFF)
        staged.write_text("map")
        assert staged.parent.parent == tmp_path
        assert staged.parent.name.startswith(f"{SCRATCH_PREFIX}{os.getpid()}-")


def test_what_a_killed_process_left_goes_and_what_others_work_in_stays(tmp_path):
    """Of three hidden folders one is of a process that has ended, one of a living one, one of another machine."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with StagedOutputs() as outputs:
        own = outputs.stage(str(tmp_path / "other.tif"), GEOTIFF).parent
        machine = own.suffix
        dead, far = (
            tmp_path / f"{SCRATCH_PREFIX}{ended.pid}-abcd{ending}" for ending in (machine, ".0000")
        )
        living = tmp_path / f"{SCRATCH_PREFIX}{os.getppid()}-abcd{machine}"
        for folder in (dead, far, living):
            folder.mkdir()
            (folder / "map.tif").write_text("half")
        with StagedOutputs() as second:
            second.stage(str(tmp_path / "map.tif"), GEOTIFF).write_text("map")
            assert own.exists() and living.exists() and far.exists()
            assert not dead.exists()
        outputs.forget()


def test_an_error_leaves_the_folder_as_it_was(tmp_path):
    (tmp_path / "map.tif").write_text("older")
    with pytest.raises(RuntimeError), StagedOutputs() as outputs:
        outputs.stage(str(tmp_path / "map.tif"), GEOTIFF).write_text("half")
        outputs.stage(str(tmp_path / "areas.csv"), CSV).write_text("half")
        raise RuntimeError
    assert [p.name for p in tmp_path.iterdir()] == ["map.tif"]
    assert (tmp_path / "map.tif").read_text() == "older"


def test_relative_names_and_links_to_an_input_are_recognised(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.tif").write_text("input")
    (tmp_path / "link.tif").symlink_to("in.tif")
    for name in ("in.tif", "./in.tif", "link.tif"):
        with (
            pytest.raises(InvalidParameter, match="is also an input"),
            StagedOutputs([str(tmp_path / "in.tif")]) as outputs,
        ):
            outputs.stage(name, GEOTIFF)
    with pytest.raises(InvalidParameter), StagedOutputs(["in.tif|layername=x"]) as outputs:
        outputs.stage("in.tif", GEOTIFF)


@pytest.mark.parametrize("name", ["n" * 217 + ".tif", "水" * 73 + ".tif"])
def test_a_name_that_is_too_long_is_refused(tmp_path, name):
    with (
        StagedOutputs() as outputs,
        pytest.raises(InvalidParameter, match=r"22\d bytes, but at most"),
    ):
        outputs.stage(str(tmp_path / name), GEOTIFF)
    assert not list(tmp_path.iterdir())


def test_a_geopackage_that_gdal_would_call_otherwise_is_refused(tmp_path):
    with (
        StagedOutputs() as outputs,
        pytest.raises(InvalidParameter, match="but that of the output"),
    ):
        outputs.stage(str(tmp_path / "a;b.gpkg"), GEOPACKAGE)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_what_the_system_calls_a_full_disk(tmp_path, number):
    error = write_error(tmp_path / "map.tif", OSError(number, os.strerror(number)))
    assert isinstance(error, DiskFull)
    assert "Free some space" in error.message


def test_any_other_failure_to_write(tmp_path):
    error = write_error(tmp_path / "map.tif", OSError(errno.EACCES, "Permission denied"))
    assert isinstance(error, OutputNotWritable)
    assert "Permission denied" in error.details


def test_the_place_that_is_told_is_the_users(tmp_path):
    """Not the hidden folder, where the file is written first."""
    with StagedOutputs() as outputs:
        staged = outputs.stage(str(tmp_path / "map.gpkg"), (".gpkg",))
        error = write_error(staged, RuntimeError("GDAL says no"))
    assert error.message.startswith(f"'{tmp_path / 'map.gpkg'}' cannot be written.")


def test_a_users_file_is_never_written_to_find_out(tmp_path):
    (tmp_path / "map.tif").write_text("precious")
    write_error(tmp_path / "map.tif", RuntimeError("GDAL says no"))
    assert (tmp_path / "map.tif").read_text() == "precious"
