"""Our model file: what is saved comes back, and anything else is refused."""

import dataclasses
import json

import pytest
import safetensors.torch
import torch

from engine import checkpoint
from engine.cards import Band, Card, ModelClass
from engine.errors import InvalidParameter, ModelInvalid, OutputNotWritable
from engine.model.change import ChangeNetwork
from engine.model.classifier import SceneClassifier
from engine.model.config import SpectralGPTConfig
from engine.model.masked_autoencoder import MaskedAutoencoder
from engine.model.segmentation import SegmentationNetwork
from engine.model_file import CARD_KEY, SEAL_KEY, UNSEALED, read_card, seal, verify

CONFIG = SpectralGPTConfig(bands=9, image_size=32, dim=16, depth=1, heads=2, decoder_dim=16)
NETWORKS = [
    lambda: MaskedAutoencoder(CONFIG),
    lambda: SceneClassifier(CONFIG, 3, pooling="mean-after-first"),
    lambda: SegmentationNetwork(CONFIG, 3, width=16),
    lambda: ChangeNetwork(CONFIG, width=16),
]


def card(**fields):
    return Card(
        name="test",
        task="backbone",
        bands=tuple(Band(f"B{n}") for n in range(9)),
        classes=(ModelClass(1, "water", "Water", "#0000ff"),),
        **fields,
    )


@pytest.mark.parametrize("make", NETWORKS)
def test_network_and_card_come_back(tmp_path, make):
    path, network = tmp_path / "model.safetensors", make()
    sha256 = checkpoint.save(path, network, card(architecture={"appended_means": 2}))
    again, its_card = checkpoint.load(path)
    assert type(again) is type(network)
    assert not again.training
    for key, value in network.state_dict().items():
        assert torch.equal(again.state_dict()[key], value), key
    assert its_card == card(architecture={"appended_means": 2, **network.architecture()})
    assert read_card(path) == its_card
    assert verify(path) == sha256
    assert list(tmp_path.iterdir()) == [path]


def test_saving_over_a_model_replaces_it(tmp_path):
    path = tmp_path / "model.safetensors"
    for name in ("first", "second"):
        checkpoint.save(path, NETWORKS[0](), dataclasses.replace(card(), name=name))
    assert checkpoint.load(path)[1].name == "second"


def test_a_model_saved_twice_is_the_same_file(tmp_path):
    """Eight times: two keys in random order would agree in all of them once in 128."""
    network = NETWORKS[0]()
    files = [tmp_path / f"{number}.safetensors" for number in range(8)]
    for file in files:
        checkpoint.save(file, network, card(description="Wälder"))
    assert len({file.read_bytes() for file in files}) == 1


def test_others_may_read_a_saved_model_as_they_may_the_user_s_other_files(tmp_path):
    (tmp_path / "other").touch()
    path = tmp_path / "model.safetensors"
    checkpoint.save(path, MaskedAutoencoder(CONFIG), card())
    assert path.stat().st_mode == (tmp_path / "other").stat().st_mode


def test_file_that_was_changed_is_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    checkpoint.save(path, NETWORKS[0](), card())
    content = bytearray(path.read_bytes())
    content[-10] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelInvalid, match="changed or damaged"):
        checkpoint.load(path)


@pytest.mark.parametrize("length", [0, 4, 200, -100])
def test_file_that_is_cut_short_is_refused(tmp_path, length):
    path = tmp_path / "model.safetensors"
    checkpoint.save(path, NETWORKS[0](), card())
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ModelInvalid):
        checkpoint.load(path)


def sealed(path, tensors, architecture):
    item = card(architecture=architecture).to_stac()
    metadata = {CARD_KEY: json.dumps(item), SEAL_KEY: UNSEALED}
    safetensors.torch.save_file(tensors, path, metadata)
    seal(path)
    return path


def test_weights_must_be_exactly_the_network_s(tmp_path):
    network = NETWORKS[0]()
    tensors = {key: value.contiguous() for key, value in network.state_dict().items()}
    tensors["extra"] = torch.zeros(1)
    tensors["norm.weight"] = torch.zeros(17)
    del tensors["mask_token"]
    path = sealed(tmp_path / "model.safetensors", tensors, network.architecture())
    with pytest.raises(
        ModelInvalid, match=r"3 weights are missing.*\(extra, mask_token, norm\.weight\)"
    ):
        checkpoint.load(path)


def test_network_unknown_here_is_refused(tmp_path):
    path = sealed(tmp_path / "m.safetensors", {"a": torch.zeros(1)}, {"network": "future"})
    with pytest.raises(ModelInvalid, match="'future'"):
        checkpoint.load(path)


def test_safetensors_of_others_are_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    safetensors.torch.save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(ModelInvalid, match="no SpectralGPT card"):
        checkpoint.load(path)


def test_onnx_holds_nothing_to_train_from(tmp_path):
    with pytest.raises(ModelInvalid, match=r"a \.safetensors model is needed"):
        checkpoint.load(tmp_path / "model.onnx")


def test_places_that_cannot_be_written(tmp_path):
    with pytest.raises(InvalidParameter, match=r"must end in \.safetensors"):
        checkpoint.save(tmp_path / "model.pth", NETWORKS[0](), card())
    with pytest.raises(OutputNotWritable, match="does not exist"):
        checkpoint.save(tmp_path / "no" / "model.safetensors", NETWORKS[0](), card())
    assert not list(tmp_path.iterdir())
