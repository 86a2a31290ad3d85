"""The trash: the files of a model are moved there together, and restored to where they were."""

from __future__ import annotations

import pytest

from spectralgpt_qgis.gui.models import trash


@pytest.fixture
def bin(tmp_path, monkeypatch):
    """A trash as in the freedesktop.org specification; moving a file called "stuck" fails."""
    place, info = tmp_path / "Trash" / "files", tmp_path / "Trash" / "info"
    place.mkdir(parents=True)
    info.mkdir()

    class File:
        @staticmethod
        def moveToTrash(name):
            from pathlib import Path

            file = Path(name)
            if file.stem == "stuck":
                return False, ""
            file.rename(place / file.name)
            (info / f"{file.name}.trashinfo").touch()
            return True, str(place / file.name)

    monkeypatch.setattr(trash, "QFile", File)
    return tmp_path / "Trash"


def files(folder, *names):
    made = [folder / name for name in names]
    for file in made:
        file.write_text(file.name)
    return made


def test_there_and_back(bin, tmp_path):
    model = files(tmp_path, "a.onnx", "a.safetensors")
    trashed = trash.move_to_trash(model)
    assert not any(file.exists() for file in model)
    trash.restore(trashed)
    assert [file.read_text() for file in model] == ["a.onnx", "a.safetensors"]
    assert list((bin / "info").iterdir()) == []


def test_what_does_not_go_whole_stays_whole(bin, tmp_path):
    model = files(tmp_path, "a.onnx", "stuck.onnx")
    with pytest.raises(OSError, match="stuck"):
        trash.move_to_trash(model)
    assert all(file.exists() for file in model)


def test_a_new_file_is_not_overwritten(bin, tmp_path):
    model = files(tmp_path, "a.onnx")
    trashed = trash.move_to_trash(model)
    model[0].write_text("newer")
    with pytest.raises(FileExistsError):
        trash.restore(trashed)
    assert model[0].read_text() == "newer"
