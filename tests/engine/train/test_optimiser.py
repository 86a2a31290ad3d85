import pytest
import torch
from torch import nn

from engine.train.optimiser import build_optimiser, is_decayed, layer_index, set_learning_rate


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.pos_embed_spatial = nn.Parameter(torch.zeros(1, 4, 2))
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(1, 2, 1)})
        self.blocks = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2)])
        self.norm = nn.LayerNorm(2)
        self.head = nn.Linear(2, 3)


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("pos_embed_spatial", 0),
        ("encoder.pos_embed_temporal", 0),
        ("patch_embed.proj.weight", 0),
        ("blocks.0.attn.q.weight", 1),
        ("encoder.blocks.11.norm1.bias", 12),
        ("norm.weight", 13),
        ("head.weight", 13),
        ("decoder_blocks.0.mlp.fc1.weight", 13),
        ("decoder_pos_embed_spatial", 13),
    ],
)
def test_layer_of_each_parameter(name, layer):
    assert layer_index(name, depth=12) == layer


@pytest.mark.parametrize(
    ("name", "shape", "decayed"),
    [
        ("blocks.0.attn.q.weight", (2, 2), True),
        ("blocks.0.attn.q.bias", (2,), False),
        ("pos_embed_spatial", (1, 4, 2), False),
        ("decoder_pos_embed_temporal", (1, 4, 2), False),
        ("mask_token", (1, 1, 2), False),
        ("encoder.pos_embed_spatial", (1, 4, 2), False),
    ],
)
def test_decay_spares_vectors_and_embeddings(name, shape, decayed):
    assert is_decayed(name, torch.zeros(shape)) is decayed


def test_learning_rate_halves_from_layer_to_layer():
    """Depth 2: head and norm 1, block 1 1/2, block 0 1/4, tokens and positions 1/8."""
    model = Network()
    optimiser = build_optimiser(model, 0.8, layer_decay=0.5)
    rates = {
        id(parameter): group["lr"]
        for group in optimiser.param_groups
        for parameter in group["params"]
    }
    expected = {
        "head.weight": 0.8,
        "norm.bias": 0.8,
        "blocks.1.weight": 0.4,
        "blocks.0.bias": 0.2,
        "patch_embed.proj.weight": 0.1,
        "pos_embed_spatial": 0.1,
    }
    named = dict(model.named_parameters())
    assert {name: rates[id(named[name])] for name in expected} == pytest.approx(expected)
    assert len(rates) == len(named)


def test_what_is_below_the_topmost_layer_may_learn_more_slowly_besides():
    """A tenth: head and norm 1, block 1 1/20, block 0 1/40, tokens 1/80."""
    optimiser = build_optimiser(Network(), 0.8, layer_decay=0.5, below=0.1)
    rates = sorted({round(group["lr"], 6) for group in optimiser.param_groups})
    assert rates == pytest.approx([0.01, 0.02, 0.04, 0.8])


def test_set_learning_rate_keeps_the_layers_apart_and_frozen_parameters_out():
    model = Network()
    model.patch_embed.requires_grad_(False)
    optimiser = build_optimiser(model, 1.0, layer_decay=0.5)
    set_learning_rate(optimiser, 0.08)
    assert sorted({round(group["lr"], 6) for group in optimiser.param_groups}) == [
        0.01,
        0.02,
        0.04,
        0.08,
    ]
    held = {id(parameter) for group in optimiser.param_groups for parameter in group["params"]}
    assert not held & {id(parameter) for parameter in model.patch_embed.parameters()}
