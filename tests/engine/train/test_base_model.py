"""What may be trained from, and what is said of what may not."""

import dataclasses
import shutil

import pytest
import torch

from engine.cards import ModelClass
from engine.checkpoint import save
from engine.errors import ModelInvalid
from engine.model.pixel_context import NINE_BANDS
from engine.model.tuned_segmentation import TunedSegmentation
from engine.model_file import verify
from engine.train.base_model import open_base
from tests.engine.train import land

CLASSES = tuple(ModelClass(k, f"c{k}", f"C{k}") for k in (1, 2))


@pytest.fixture
def tuned(tmp_path):
    """A model of one's own, with its .safetensors."""
    torch.manual_seed(0)
    network = TunedSegmentation(land.CONFIG, 2, NINE_BANDS)
    card = dataclasses.replace(land.CARD, name="mine", task="segmentation", classes=CLASSES)
    save(tmp_path / "mine.safetensors", network, card)
    return network


def test_a_backbone(tmp_path):
    path = land.backbone(tmp_path / "small.safetensors")
    base = open_base(path)
    assert (str(base.path), base.sha256) == (path, verify(path))
    assert base.card.name == "small"
    assert (base.config.dim, base.config.image_size) == (16, 32)
    fresh = TunedSegmentation(base.config, 2, NINE_BANDS)
    fresh.encoder.load_backbone(base.weights)
    kept = fresh.encoder.state_dict()
    assert all(torch.equal(value, base.weights[name]) for name, value in kept.items())


def test_of_an_onnx_the_safetensors_beside_it_is_taken(tmp_path, tuned):
    (tmp_path / "mine.onnx").write_bytes(b"only its name counts here")
    base = open_base(str(tmp_path / "mine.onnx"))
    assert base.path == tmp_path / "mine.safetensors"
    assert base.weights.keys() == tuned.encoder.state_dict().keys()


def test_an_onnx_alone_can_only_predict(tmp_path):
    (tmp_path / "mine.onnx").write_bytes(b"")
    with pytest.raises(
        ModelInvalid,
        match=r"can only make predictions.*no mine\.safetensors next to it.*Choose a backbone",
    ):
        open_base(str(tmp_path / "mine.onnx"))


def test_by_name_the_file_with_weights_comes_first(tmp_path, tuned, monkeypatch):
    folder = tmp_path / "models"
    folder.mkdir()
    shutil.copy(tmp_path / "mine.safetensors", folder)
    (folder / "mine.onnx").write_bytes(b"")
    monkeypatch.setenv("SPECTRALGPT_MODELS", str(folder))
    assert open_base("mine").path == folder / "mine.safetensors"
    assert open_base("mine.safetensors").path == folder / "mine.safetensors"


def test_what_is_not_there(monkeypatch, tmp_path):
    monkeypatch.setenv("SPECTRALGPT_MODELS", str(tmp_path))
    with pytest.raises(ModelInvalid, match="There is no model 'nobody'"):
        open_base("nobody")


def test_a_network_without_an_encoder(tmp_path, tuned, monkeypatch):
    monkeypatch.setattr(
        "engine.train.base_model.load", lambda path: (torch.nn.Linear(1, 1), land.CARD)
    )
    with pytest.raises(ModelInvalid, match=r"no SpectralGPT encoder.*Choose a backbone"):
        open_base(str(tmp_path / "mine.safetensors"))
