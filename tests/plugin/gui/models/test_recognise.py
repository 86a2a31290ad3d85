"""Which dropped files are recognised as models; all others are left to QGIS."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import pytest

from spectralgpt_qgis.gui.models.drop import ModelDropHandler
from spectralgpt_qgis.gui.models.recognise import is_our_model

ROOT = Path(__file__).resolve().parents[4]
MODELS = ROOT / "resources" / "models"
NAMES = ("patch_embed.proj.weight", "blocks.0.attn.q.weight", "pos_embed_spatial")


def checkpoint(path, names, prefix=""):
    """An archive as PyTorch writes it, with the names of the tensors in data.pkl."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({prefix + name: 0 for name in names}))
        archive.writestr("archive/data/0", b"\0" * 100)
    return path


@pytest.mark.parametrize("file", sorted(MODELS.iterdir()), ids=lambda file: file.name)
def test_models_of_ours(file):
    assert is_our_model(file)


@pytest.mark.parametrize("prefix", ["", "module."])
def test_checkpoints_of_spectralgpt(tmp_path, prefix):
    assert is_our_model(checkpoint(tmp_path / "a.pth", NAMES, prefix))
    (tmp_path / "old.pth").write_bytes(pickle.dumps(dict.fromkeys(NAMES)))
    assert is_our_model(tmp_path / "old.pth")


def test_everything_else_is_somebody_elses(tmp_path):
    plain = (MODELS / "scenes.onnx").read_bytes().replace(b"spectralgpt:card", b"other:card......")
    (tmp_path / "foreign.onnx").write_bytes(plain)
    (tmp_path / "empty.onnx").touch()
    (tmp_path / "empty.safetensors").touch()
    (tmp_path / "no.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    (tmp_path / "text.pth").write_text("patch_embed.proj.weight")
    checkpoint(tmp_path / "resnet.pth", ("conv1.weight", "fc.bias"))
    (tmp_path / "model.tif").write_bytes(b"spectralgpt:card")
    for file in tmp_path.iterdir():
        assert not is_our_model(file), file.name
    assert not is_our_model(tmp_path / "gone.onnx")
    assert not is_our_model(tmp_path)


def test_the_handler_takes_ours_and_leaves_the_rest(qgis_app, tmp_path):
    taken = []
    handler = ModelDropHandler(taken.append)
    (tmp_path / "foreign.onnx").write_bytes(b"something")
    assert not handler.handleFileDrop(str(tmp_path / "foreign.onnx"))
    assert not handler.handleFileDrop(str(ROOT / "resources" / "sample" / "LICENSE.txt"))
    assert taken == []
    assert handler.handleFileDrop(str(MODELS / "scenes.onnx"))
    assert taken == [MODELS / "scenes.onnx"]
