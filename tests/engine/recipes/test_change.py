from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.model.config import SpectralGPTConfig
from engine.model.pixel_change import PixelChange
from engine.model_file import read_card
from engine.progress import Progress
from engine.recipes import change
from engine.recipes.synthetic_change import ChangeSampler, Place

SHIPPED = Path(__file__).parents[3] / "resources" / "models" / "change.onnx"
SMALL = SpectralGPTConfig(
    bands=9,
    image_size=128,
    dim=16,
    depth=1,
    heads=2,
    decoder_dim=16,
    decoder_depth=1,
    decoder_heads=2,
)


def place() -> Place:
    """Bare ground and fields, two noisy dates."""
    images = np.full((2, 9, 64, 80), 0.25, np.float32)
    images[:, :3, :, 40:] = 0.05
    images[:, 3:, :, 40:] = 0.5
    images += np.random.default_rng(0).normal(0, 0.01, images.shape).astype(np.float32)
    return Place.of("made up", images)


def test_batches_leave_the_red_edge_out_at_times_and_repeat() -> None:
    loader = change.PairLoader(ChangeSampler([place()], size=32), batch=2, steps=30)
    batches = list(loader)
    assert batches[0]["before"].shape == (2, 9, 32, 32)
    assert batches[0]["target"].shape == (2, 32, 32)
    assert {tuple(batch["groups"].tolist()) for batch in batches} == {(0, 1, 2), (0, 2)}
    again = next(iter(loader))
    assert torch.equal(again["after"], batches[0]["after"])
    loader.set_epoch(1)
    assert not torch.equal(next(iter(loader))["after"], batches[0]["after"])


def test_loss_of_an_undecided_network_is_log_two() -> None:
    class Undecided(torch.nn.Module):
        def forward(self, before: torch.Tensor, *rest: torch.Tensor) -> torch.Tensor:
            return torch.zeros(len(before), 2, *before.shape[2:])

    batch = next(iter(change.PairLoader(ChangeSampler([place()], size=32), 2, 1)))
    assert change.change_loss(Undecided(), batch).item() == pytest.approx(np.log(2), rel=1e-5)


def test_fitting_lowers_the_loss() -> None:
    torch.manual_seed(0)
    network = PixelChange(SMALL, (4, 6, 8, 10))
    batch = next(iter(change.PairLoader(ChangeSampler([place()], size=32), 8, 1)))
    untrained = change.change_loss(network.eval(), batch).item()
    change.fit(network, [place()], [], (change.Stage(32, 4, 30, 5e-3),), Progress())
    assert change.change_loss(network, batch).item() < untrained


def test_the_shipped_model_is_above_vector_analysis_in_every_city() -> None:
    card = read_card(SHIPPED)
    assert SHIPPED.stat().st_size < 4e6
    cities = card.accuracy["oscd"]
    assert len(cities) == 10
    assert all(city["roc_auc"] > city["roc_auc_cva"] for city in cities.values())
    assert card.accuracy["mean"]["roc_auc"] >= 0.88
    assert "unlabelled" in card.training["method"] and card.licence
