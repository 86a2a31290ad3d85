import pytest

from engine.errors import CheckpointMismatch
from engine.train.stages import Stage
from engine.train.unfinished_run import UnfinishedRun

STAGES = (Stage(16, 8, 5, 2, 1e-3, 0.5, "a*"), Stage(32, 4, 5, 1))


def test_a_run_is_taken_up_with_the_stages_it_was_planned_with(tmp_path):
    folder = tmp_path / "run"
    new = UnfinishedRun(str(folder), {"seed": 1, "inputs": ("a", "b")})
    assert new.stages is None
    new.write(STAGES)
    new.shrink(1, 2)
    again = UnfinishedRun(str(folder), {"seed": 1, "inputs": ("a", "b")})
    assert again.stages == (STAGES[0], Stage(32, 2, 5, 1))


def test_rasters_that_are_others_than_then_are_named(tmp_path):
    """One that is no file, as a name of GDAL's, cannot be told from what it was."""
    one, two = tmp_path / "one.tif", tmp_path / "two.tif"
    one.write_bytes(b"1")
    two.write_bytes(b"2")
    rasters, folder = [str(one), str(two), "/vsicurl/three.tif"], str(tmp_path / "run")
    UnfinishedRun(folder, {"seed": 1}, rasters).write(STAGES)
    assert UnfinishedRun(folder, {"seed": 1}, rasters).changed == ()
    two.write_bytes(b"22")
    assert UnfinishedRun(folder, {"seed": 1}, rasters).changed == (str(two),)


def test_another_run_is_refused_by_what_differs(tmp_path):
    UnfinishedRun(str(tmp_path), {"seed": 1, "base": "x"}).write(STAGES)
    with pytest.raises(CheckpointMismatch, match=r"\(seed\)"):
        UnfinishedRun(str(tmp_path), {"seed": 2, "base": "x"})


def test_a_damaged_folder_is_told(tmp_path):
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(CheckpointMismatch, match="cannot be read"):
        UnfinishedRun(str(tmp_path), {})


def test_removing_leaves_what_is_not_its_own(tmp_path):
    for name in ("stage1.pt", "mine.txt"):
        (tmp_path / name).touch()
    run = UnfinishedRun(str(tmp_path), {})
    run.write(STAGES)
    run.remove()
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    (tmp_path / "mine.txt").unlink()
    run.remove()
    assert not tmp_path.exists()
