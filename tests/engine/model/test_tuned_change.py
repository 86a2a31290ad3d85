from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from engine.export.onnx import export_onnx
from engine.model.pixel_change import PixelChange
from engine.model.predictor import Predictor
from engine.model.registry import build_network
from engine.model.tuned_change import TunedChange
from tests.engine.small_change import CARD, SMALL

LEVELS = (4, 6, 8, 10)


@pytest.fixture(
    params=[((), False), (LEVELS, False), (LEVELS, True)],
    ids=["of a backbone", "of a change model", "with surroundings"],
)
def network(request: pytest.FixtureRequest) -> TunedChange:
    torch.manual_seed(0)
    levels, surroundings = request.param
    return TunedChange(SMALL, levels=levels, surroundings=surroundings).eval()


def pair(batch: int = 2, side: int = 32) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(1)
    before, after = (torch.randn(batch, 9, side, side, generator=random) for _ in range(2))
    return before, after, torch.ones(batch, 1, side, side)


@torch.no_grad()
def test_the_order_of_the_dates_does_not_matter(network: TunedChange) -> None:
    before, after, valid = pair()
    logits = network(before, after, valid)
    assert logits.shape == (2, 2, 32, 32) and logits.std() > 0
    torch.testing.assert_close(logits, network(after, before, valid))


@torch.no_grad()
def test_a_missing_group_has_no_influence(network: TunedChange) -> None:
    before, after, valid = pair()
    groups = torch.tensor([0, 2])
    other = before.clone()
    other[:, 3:6] = 5.0
    expected = network(before, after, valid, groups)
    torch.testing.assert_close(expected, network(other, after, valid, groups))
    assert not torch.allclose(expected, network(before, after, valid))


@torch.no_grad()
def test_what_is_invalid_has_no_influence(network: TunedChange) -> None:
    before, after, valid = pair()
    valid[..., :10, :12] = 0
    other = torch.where(valid > 0, before, torch.full_like(before, 7.0))
    torch.testing.assert_close(network(before, after, valid), network(other, after, valid))


@torch.no_grad()
def test_features_fill_the_blocks(network: TunedChange) -> None:
    features = network.features(*pair(1))
    assert features.shape[1] == sum(width for width, _ in network.blocks())


@torch.no_grad()
def test_is_built_again_from_its_description(network: TunedChange) -> None:
    again = build_network(network.architecture()).eval()
    again.load_state_dict(network.state_dict())
    torch.testing.assert_close(again(*pair()), network(*pair()))


def test_files_from_before_there_were_surroundings_have_none(network: TunedChange) -> None:
    told = network.architecture()
    del told["surroundings"]
    assert TunedChange.from_architecture(told).surroundings is None


@torch.no_grad()
def test_the_verdict_of_a_change_model_is_a_feature() -> None:
    torch.manual_seed(0)
    model = PixelChange(SMALL, LEVELS).eval()
    torch.manual_seed(1)
    network = TunedChange(SMALL, levels=LEVELS).eval()
    network.take_change_model(model)
    network.encoder.load_backbone(model.encoder.state_dict())
    verdict = network.features(*pair())[:, sum(network.widths) - 1]
    torch.testing.assert_close(verdict, model(*pair())[:, 1])


def exported(network: TunedChange, path: Path, **options: bool) -> float:
    """The difference that an export finds: of a sample and several, holes, without the optional group."""
    torch.manual_seed(3)
    torch.nn.init.normal_(network.head.fine.weight, std=0.2)
    card = dataclasses.replace(CARD, architecture=network.architecture())
    return export_onnx(Predictor(network, card), card, path, **options).difference


def test_exports_with_the_same_probabilities(network: TunedChange, tmp_path: Path) -> None:
    """As a training does."""
    assert exported(network, tmp_path / "change.onnx", quick=True) < 1e-4


@pytest.mark.parametrize("network", [((), False), (LEVELS, True)], indirect=True)
def test_the_thorough_exporter_gives_them_too(network: TunedChange, tmp_path: Path) -> None:
    """The least and the most that such a network has, as each takes up to 20 s."""
    assert exported(network, tmp_path / "change.onnx") < 1e-4
