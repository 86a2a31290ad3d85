"""Another card in a model file: the rest stays byte for byte, and the file is sealed again."""

import dataclasses
import json
import struct

import onnx
import pytest

from engine.card_editing import copy_file, write_with_card
from engine.errors import Cancelled, ModelInvalid
from engine.model_file import CARD_KEY, SEAL_KEY, read_card, read_metadata, verify
from engine.progress import Progress
from tests.engine.test_model_file import CARD, METADATA, onnx_bytes, safetensors_bytes

NEW = dataclasses.replace(CARD, name="ours", title="Ünsere Wälder, längerer Titel als zuvor")


@pytest.fixture(params=["onnx", "safetensors"])
def model(request, tmp_path):
    """A model whose metadata also hold something that is not ours."""
    path = tmp_path / f"toy.{request.param}"
    make = onnx_bytes if request.param == "onnx" else safetensors_bytes
    path.write_bytes(make({"made": "here", **METADATA}))
    return path


def test_the_new_card_is_in_and_everything_else_stays(model, tmp_path):
    target = tmp_path / f"new{model.suffix}"
    sha256 = write_with_card(model, target, NEW, Progress())
    assert read_card(target) == NEW
    assert verify(target) == sha256
    assert read_metadata(target)["made"] == "here"
    assert set(read_metadata(target)) == {"made", CARD_KEY, SEAL_KEY}


def test_tensors_stay_aligned_and_equal(tmp_path):
    weights = bytes(range(64))
    source, target = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    source.write_bytes(safetensors_bytes(METADATA, weights))
    write_with_card(source, target, NEW, Progress())
    content = target.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    assert length % 8 == 0
    assert content[8 + length :] == weights
    json.loads(content[8 : 8 + length])


def test_a_real_graph_stays_the_same(tmp_path):
    from tests.engine.test_listing import TINY

    target = tmp_path / "b.onnx"
    write_with_card(TINY / "landcover.onnx", target, NEW, Progress())
    old, new = onnx.load(TINY / "landcover.onnx"), onnx.load(target)
    assert old.graph == new.graph
    assert old.opset_import[0].version == new.opset_import[0].version


def test_what_is_no_model_is_refused(tmp_path):
    source = tmp_path / "a.onnx"
    source.write_bytes(b"\x77\x77")
    with pytest.raises(ModelInvalid, match="is damaged"):
        write_with_card(source, tmp_path / "b.onnx", NEW, Progress())


def test_a_copy_can_be_cancelled(model, tmp_path):
    with pytest.raises(Cancelled):
        copy_file(model, tmp_path / "copy", Progress(lambda: True))
