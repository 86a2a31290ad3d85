"""The verb `rename`: a title, a name, both files of a model together, and what is refused."""

import shutil
from pathlib import Path

import pytest

from engine.errors import InvalidParameter, ModelInvalid
from engine.model_file import read_card, verify
from engine.model_jobs import RenameJob
from engine.progress import Progress
from engine.renaming import rename_model

TINY = Path(__file__).parents[1] / "data" / "models"
SHIPPED = Path(__file__).parents[2] / "resources" / "models"


@pytest.fixture
def own(tmp_path):
    """A model in both formats, and another one."""
    for ending in ("onnx", "safetensors"):
        shutil.copy(SHIPPED / f"change.{ending}", tmp_path)
    shutil.copy(TINY / "scenes.onnx", tmp_path)
    return tmp_path


def rename(path, **changes):
    return rename_model(RenameJob(str(path), **changes), Progress())


def test_another_name_for_both_files(own):
    result = rename(own / "change.onnx", name="my change", title="My change")
    assert sorted(path.name for path in own.iterdir()) == [
        "my change.onnx",
        "my change.safetensors",
        "scenes.onnx",
    ]
    assert result["model"] == {"name": "my change", "title": "My change"}
    assert set(result["outputs"]) == {"onnx", "safetensors"}
    for path in result["outputs"].values():
        card = read_card(Path(path))
        assert (card.name, card.title) == ("my change", "My change")
        verify(Path(path))


def test_another_title_alone_keeps_the_file(own):
    rename(own / "scenes.onnx", title="Szenen")
    assert read_card(own / "scenes.onnx").title == "Szenen"
    assert read_card(own / "scenes.onnx").name == "scenes"
    assert len(list(own.iterdir())) == 3


def test_an_ending_in_capitals_stays(own):
    (own / "scenes.onnx").rename(own / "SCENES.ONNX")
    result = rename(own / "SCENES.ONNX", name="labels")
    assert result["outputs"] == {"onnx": str(own / "labels.ONNX")}
    assert not (own / "SCENES.ONNX").exists()


def test_what_is_no_model_is_refused(own):
    (own / "scene.tif").write_bytes(b"")
    with pytest.raises(ModelInvalid, match="' is not a SpectralGPT"):
        rename(own / "scene.tif", name="other")
    assert not (own / "other.tif").exists()


def test_capitals_are_a_change_too(own):
    rename(own / "scenes.onnx", name="Scenes")
    assert "Scenes.onnx" in {path.name for path in own.iterdir()}
    assert len(list(own.iterdir())) == 3


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("change", "already a model 'change'"),
        ("a/b", "' cannot be used as"),
        ("../up", "' cannot be used as"),
        ("name.", "' cannot be used as"),
        (" name", "' cannot be used as"),
    ],
)
def test_a_name_that_cannot_be_is_refused(own, name, told):
    before = (own / "scenes.onnx").read_bytes()
    with pytest.raises(InvalidParameter, match=told):
        rename(own / "scenes.onnx", name=name)
    assert (own / "scenes.onnx").read_bytes() == before
    assert len(list(own.iterdir())) == 3


def test_what_ships_keeps_its_name():
    with pytest.raises(ModelInvalid, match="comes with the plugin"):
        rename(SHIPPED / "scenes.onnx", title="Mine")


def test_a_damaged_model_is_not_made_whole_by_a_new_seal(own):
    path = own / "scenes.onnx"
    content = bytearray(path.read_bytes())
    content[60] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelInvalid):
        rename(path, title="Fine again")
