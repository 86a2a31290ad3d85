import dataclasses
import json
import struct

import pytest

from engine.cards import Band, Card, ModelClass, Normalisation
from engine.errors import ModelInvalid, ModelTaskMismatch
from engine.model_file import (
    CARD_KEY,
    SEAL_KEY,
    UNSEALED,
    find_model,
    installed_models,
    read_card,
    read_metadata,
    seal,
    verify,
)

CARD = Card(
    name="toy",
    task="segmentation",
    title="Toy",
    bands=(
        Band("B04", "red", 0.665, 0.03),
        Band("B08", "nir", 0.842, 0.1),
        Band("B11", "swir16", 1.61, 0.09),
    ),
    normalisation=Normalisation("statistics", (0.1, 0.2, 0.3), (1.0, 2.0, 3.0)),
    optional_groups=(0,),
    classes=(ModelClass(1, "water", "Water", "#0000ff"), ModelClass(2, "land", "Land", "#00ff00")),
    threshold={"method": "fixed", "value": 0.4},
    architecture={"network": "toy", "dim": 8},
    training={"data": ["a"]},
    accuracy={"miou": 0.5},
    licence="CC-BY-4.0",
)


def varint(number):
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def field(number, payload):
    """A length-delimited protocol-buffers field."""
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def onnx_bytes(metadata, weights=b"\1\2\3"):
    """ir_version 8, then a graph (field 7), then metadata_props (field 14) of key (1) and value (2)."""
    entries = [
        field(14, field(1, key.encode()) + field(2, value.encode()))
        for key, value in metadata.items()
    ]
    return varint(1 << 3) + varint(8) + field(7, weights) + b"".join(entries)


def safetensors_bytes(metadata, weights=b"\0" * 64):
    header = json.dumps({"__metadata__": metadata}).encode()
    return struct.pack("<Q", len(header)) + header + weights


METADATA = {CARD_KEY: json.dumps(CARD.to_stac()), SEAL_KEY: UNSEALED}


@pytest.fixture(params=["onnx", "safetensors"])
def model(request, tmp_path):
    path = tmp_path / f"toy.{request.param}"
    path.write_bytes((onnx_bytes if request.param == "onnx" else safetensors_bytes)(METADATA))
    return path


def test_the_card_comes_back_as_it_went_in(model):
    assert read_card(model) == CARD


def test_a_card_without_classes_and_with_zero_class():
    backbone = dataclasses.replace(CARD, task="backbone", classes=())
    assert Card.from_stac(json.loads(json.dumps(backbone.to_stac()))) == backbone
    assert backbone.nodata == 0
    assert dataclasses.replace(CARD, classes=(ModelClass(0, "unchanged"),)).nodata == 255


def test_a_sealed_file_verifies_and_any_changed_byte_shows(model):
    digest = seal(model)
    assert verify(model) == digest
    content = bytearray(model.read_bytes())
    for place in (len(content) - 1, content.index(b"water")):
        changed = bytearray(content)
        changed[place] ^= 1
        model.write_bytes(bytes(changed))
        with pytest.raises(ModelInvalid, match="changed or damaged"):
            verify(model)


def test_the_seal_is_found_across_read_blocks(tmp_path, monkeypatch):
    path = tmp_path / "toy.onnx"
    path.write_bytes(onnx_bytes(METADATA, weights=b"\7" * 5000))
    whole = seal(path)
    for chunk in (300, 301, 4096):
        monkeypatch.setattr("engine.model_file._CHUNK", chunk)
        assert verify(path) == whole


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.onnx", b""),
        ("text.onnx", b"this is not a model at all"),
        ("cut.onnx", onnx_bytes(METADATA, b"\1" * 900)[:500]),
        ("text.safetensors", b"this is not a model at all"),
        ("short.safetensors", b"abc"),
        ("list.safetensors", struct.pack("<Q", 20) + b'{"__metadata__": []}'),
        ("deep.safetensors", struct.pack("<Q", 10**6) + b"[" * 10**6),
    ],
)
def test_a_file_that_is_no_model_is_told_so(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelInvalid, match="cannot be read as a model"):
        read_card(tmp_path / name)


def test_a_card_of_lists_in_lists_is_told_so(tmp_path):
    (tmp_path / "deep.onnx").write_bytes(onnx_bytes({CARD_KEY: "[" * 10**6}))
    with pytest.raises(ModelInvalid, match=r"card in .* is damaged"):
        read_card(tmp_path / "deep.onnx")


def test_other_suffixes_and_missing_cards_are_told_apart(tmp_path):
    (tmp_path / "model.pth").write_bytes(b"x")
    with pytest.raises(ModelInvalid, match=r"must end in \.onnx or \.safetensors"):
        read_card(tmp_path / "model.pth")
    (tmp_path / "plain.onnx").write_bytes(onnx_bytes({"producer": "x"}))
    assert read_metadata(tmp_path / "plain.onnx") == {"producer": "x"}
    with pytest.raises(ModelInvalid, match="has no SpectralGPT card"):
        read_card(tmp_path / "plain.onnx")


def test_models_are_found_by_name_and_by_task(tmp_path, monkeypatch):
    monkeypatch.setenv("SPECTRALGPT_MODELS", str(tmp_path))
    monkeypatch.setattr("engine.model_folders.shipped_models", lambda: tmp_path / "none")
    (tmp_path / "toy.onnx").write_bytes(onnx_bytes(METADATA))
    assert installed_models() == [tmp_path / "toy.onnx"]
    assert find_model("toy", "segmentation") == tmp_path / "toy.onnx"
    assert find_model(str(tmp_path / "toy.onnx")) == tmp_path / "toy.onnx"
    with pytest.raises(ModelInvalid, match=r"no model 'tory'.*installed model \(toy\)"):
        find_model("tory")
    with pytest.raises(
        ModelTaskMismatch, match="is for segmentation, but a model for change-detection"
    ):
        find_model("toy", "change-detection")
