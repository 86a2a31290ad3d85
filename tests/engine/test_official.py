"""Published checkpoints: every container, every size, and files that are none."""

import argparse
import io
import os
import pickle
import zipfile

import pytest
import torch

from engine.errors import CheckpointMismatch
from engine.model.config import preset
from engine.model.masked_autoencoder import MaskedAutoencoder
from engine.model.segmentation import SegmentationNetwork
from engine.official import load_official
from tests.engine.official_weights import SHAPES

KINDS = {
    "pretrain_96": "backbone",
    "pretrain_128": "backbone",
    "classification_128": "scene-classification",
    "segmentation_128": "segmentation",
    "change_128": "change-detection",
}


def blank(shapes):
    """Weights that take no room: every tensor shows one stored number."""
    return {key: torch.zeros(()).expand(tuple(shape)) for key, shape in shapes.items()}


def saved(path, content, **options):
    torch.save(content, path, **options)
    return path


def pretrained(**changes):
    return {**blank(SHAPES["pretrain_128"]), **changes}


@pytest.mark.parametrize("variant", KINDS)
def test_kind_and_sizes_are_told_from_the_weights(tmp_path, variant):
    path = saved(tmp_path / "weights.pth", {"model": blank(SHAPES[variant])})
    network, kind = load_official(path)
    assert kind == KINDS[variant]
    assert network.config == preset("base", image_size=int(variant.split("_")[1]))
    assert not network.training
    assert {k: list(v.shape) for k, v in network.state_dict().items()} == SHAPES[variant]


@pytest.mark.parametrize("size", ["large", "huge"])
def test_larger_networks(tmp_path, size):
    with torch.device("meta"):
        shapes = {k: v.shape for k, v in MaskedAutoencoder(preset(size)).state_dict().items()}
    network, _ = load_official(saved(tmp_path / "weights.pth", blank(shapes)))
    assert network.config == preset(size)


def test_ten_bands_in_pairs(tmp_path):
    config = preset("base", bands=10, spectral_patch=2)
    with torch.device("meta"):
        shapes = {k: v.shape for k, v in MaskedAutoencoder(config).state_dict().items()}
    assert load_official(saved(tmp_path / "w.pth", blank(shapes)))[0].config == config


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("container", ["model", "training", "bare", "module"])
def test_containers(tmp_path, container, legacy):
    weights = pretrained(**{"norm.weight": torch.full((768,), 0.5)})
    content = {
        "model": {"model": weights},
        "training": {
            "model": weights,
            "optimizer": {"state": {0: {"exp_avg": torch.ones(3)}}, "param_groups": [{"lr": 1}]},
            "epoch": 199,
            "scaler": {},
            "args": argparse.Namespace(model="mae", mask_ratio=0.9, nested={"a": [1, None]}),
        },
        "bare": weights,
        "module": {f"module.{key}": value for key, value in weights.items()},
    }[container]
    path = saved(tmp_path / "w.pth", content, _use_new_zipfile_serialization=not legacy)
    network, _ = load_official(path)
    assert (network.norm.weight == 0.5).all()
    assert not network.norm.bias.any()


def test_half_precision_becomes_single(tmp_path):
    weights = {key: value.half() for key, value in pretrained().items()}
    network, _ = load_official(saved(tmp_path / "w.pth", weights))
    assert {value.dtype for value in network.state_dict().values()} == {torch.float32}


def test_missing_extra_and_misshaped_weights_are_named(tmp_path):
    weights = pretrained(**{"head.weight": torch.zeros(10, 768), "norm.bias": torch.zeros(767)})
    del weights["mask_token"], weights["blocks.11.mlp.fc2.bias"]
    with pytest.raises(CheckpointMismatch) as caught:
        load_official(saved(tmp_path / "w.pth", {"model": weights}))
    message = caught.value.message
    assert "2 missing (mask_token, blocks.11.mlp.fc2.bias)" in message
    assert "1 not expected (head.weight)" in message
    assert "1 misshaped (norm.bias 767 instead of 768)" in message
    assert "271 weights" in message


def test_many_missing_weights_are_counted_and_all_in_the_details(tmp_path):
    weights = {k: v for k, v in pretrained().items() if not k.startswith("blocks.11.")}
    with pytest.raises(
        CheckpointMismatch, match=r"16 missing \(blocks\.11\.norm1\.weight.*\.\.\.\)"
    ) as e:
        load_official(saved(tmp_path / "w.pth", weights))
    assert e.value.details.count("blocks.11.") == 16


def test_fused_attention_of_the_later_public_code_is_refused(tmp_path):
    weights = pretrained(**{"blocks.0.attn.to_qkv.weight": torch.zeros(1).expand(2304, 768)})
    del weights["blocks.0.attn.q.weight"]
    with pytest.raises(CheckpointMismatch, match=r"to_qkv"):
        load_official(saved(tmp_path / "w.pth", weights))


def test_kind_may_be_forced(tmp_path):
    with torch.device("meta"):
        shapes = {
            k: v.shape for k, v in SegmentationNetwork(preset("base"), 2).state_dict().items()
        }
    path = saved(tmp_path / "w.pth", blank(shapes))
    assert load_official(path)[1] == "change-detection"
    network, kind = load_official(path, "segmentation")
    assert (kind, network.architecture()["classes"]) == ("segmentation", 2)
    with pytest.raises(CheckpointMismatch, match=r"backbone network .*missing \(mask_token"):
        load_official(path, "backbone")


@pytest.mark.parametrize(
    "content, words",
    [
        ({"a": torch.zeros(3)}, r"patch_embed\.proj\.weight: missing.*1 weights \(a\)"),
        ({"model": {}}, "contains dict, but a dictionary of weights"),
        ([torch.zeros(3)], "contains list"),
        (torch.zeros(3), "contains Tensor"),
        ({"a": torch.zeros(3), "epoch": 3}, r"1 entries that are not weights \(epoch\)"),
        ({"a": torch.zeros(3, dtype=torch.int64)}, r"not weights \(a\)"),
        ({"a": torch.zeros(3, 3).to_sparse()}, r"not weights \(a\)"),
        ({7: torch.zeros(3)}, r"not weights \(7\)"),
    ],
)
def test_other_contents_are_refused(tmp_path, content, words):
    with pytest.raises(CheckpointMismatch, match=words):
        load_official(saved(tmp_path / "w.pth", content))


@pytest.mark.parametrize(
    "key, shape, words",
    [
        ("patch_embed.proj.weight", (768, 192), "patch_embed.proj.weight: 768x192"),
        ("patch_embed.proj.weight", (500, 1, 3, 8, 8), r"width 500 .* 768 \(base\)"),
        ("pos_embed_spatial", (1, 255, 768), "at 255 positions"),
        ("pos_embed_temporal", (1, 0, 768), "Use one of the published"),
    ],
)
def test_shapes_of_no_published_size_are_refused(tmp_path, key, shape, words):
    weights = pretrained(**{key: torch.zeros(1).expand(shape)})
    with pytest.raises(CheckpointMismatch, match=words):
        load_official(saved(tmp_path / "w.pth", weights))


def test_encoder_alone_is_refused(tmp_path):
    weights = {k: v for k, v in pretrained().items() if "decoder" not in k and k != "mask_token"}
    with pytest.raises(CheckpointMismatch, match="neither its decoder"):
        load_official(saved(tmp_path / "w.pth", weights))


class Attack:
    """Pickles as a call of os.system."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


@pytest.mark.parametrize("legacy", [False, True])
def test_code_in_the_file_is_named_and_never_run(tmp_path, legacy):
    marker = tmp_path / "ran"
    content = {"model": pretrained(), "args": Attack(marker)}
    path = saved(tmp_path / "w.pth", content, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(CheckpointMismatch) as caught:
        load_official(path)
    assert not marker.exists()
    assert "1 type(s) of Python object that could execute code (posix.system)" in str(caught.value)
    assert "weights_only" not in caught.value.message + caught.value.details


def test_bare_pickle_with_code_is_never_run(tmp_path):
    marker, path = tmp_path / "ran", tmp_path / "w.pth"
    path.write_bytes(pickle.dumps({"model": Attack(marker)}, protocol=2))
    with pytest.raises(CheckpointMismatch):
        load_official(path)
    assert not marker.exists()


def test_namespace_is_allowed_only_while_loading(tmp_path):
    path = saved(tmp_path / "w.pth", {"model": pretrained(), "args": argparse.Namespace(a=1)})
    load_official(path)
    with pytest.raises(pickle.UnpicklingError):
        torch.load(path, weights_only=True)


def _zip():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("readme.txt", "no weights here")
    return buffer.getvalue()


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"\x80\x02.", _zip()])
def test_files_of_another_kind_are_refused(tmp_path, content):
    path = tmp_path / "SpectralGPT.pth"
    path.write_bytes(content)
    with pytest.raises(CheckpointMismatch, match=r"'SpectralGPT.pth' cannot be read") as caught:
        load_official(path)
    assert caught.value.details
    assert "weights_only" not in caught.value.details


def test_incomplete_download_is_refused(tmp_path):
    path = saved(tmp_path / "w.pth", pretrained())
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(CheckpointMismatch, match="incomplete, damaged"):
        load_official(path)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(CheckpointMismatch, match="There is no file"):
        load_official(tmp_path / "none.pth")
