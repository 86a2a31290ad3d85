"""FC-Siam-diff (Daudt et al. 2018): the usual small network for change, trained from scratch.

A U-Net whose encoder processes both dates with the same weights, and whose decoder receives the
absolute differences of their features.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..train.device import choose_device
from .change_vectors import best_f1_threshold
from .protocols import ChangePair

WIDTHS = (16, 32, 64, 128)
CONVOLUTIONS = (2, 2, 3, 3)
DROPOUT = 0.2
COARSEST = 2 ** len(WIDTHS)
IGNORED = 255


class SiameseDifference(nn.Module):
    """The network: from two dates [B, C, H, W] to logits [B, 2, H, W], with H and W multiples of 16."""

    def __init__(self, bands: int = 9) -> None:
        """Makes a network with random weights for `bands` bands."""
        super().__init__()
        encoder, decoder, rises = [], [], []
        before = bands
        for width, depth in zip(WIDTHS, CONVOLUTIONS):
            encoder.append(_convolutions(nn.Conv2d, [before, *[width] * depth]))
            before = width
        for level in reversed(range(len(WIDTHS))):
            width, depth = WIDTHS[level], CONVOLUTIONS[level]
            finer = WIDTHS[level - 1] if level else width
            rises.append(nn.ConvTranspose2d(width, width, 3, padding=1, stride=2, output_padding=1))
            widths = [2 * width, *[width] * (depth - 1), finer]
            if level == 0:
                widths.pop()
            decoder.append(_convolutions(nn.ConvTranspose2d, widths))
        self.encoder, self.decoder = nn.ModuleList(encoder), nn.ModuleList(decoder)
        self.rises = nn.ModuleList(rises)
        self.head = nn.ConvTranspose2d(WIDTHS[0], 2, 3, padding=1)

    def forward(self, before: Tensor, after: Tensor) -> Tensor:
        """Returns the logits of unchanged and changed."""
        x = torch.cat([before, after])  # [2B, C, H, W]
        differences = []
        for block in self.encoder:
            x = block(x)
            first, second = x.chunk(2)
            differences.append((first - second).abs())
            x = F.max_pool2d(x, 2)
        x = x.chunk(2)[1]  # [B, 128, H/16, W/16] of the second date, as published
        for rise, block, difference in zip(self.rises, self.decoder, reversed(differences)):
            x = block(torch.cat([rise(x), difference], 1))
        return self.head(x)


@dataclass(frozen=True)
class Siamese:
    """FC-Siam-diff trained on patches of the labelled pairs.

    Attributes:
        patch: Side of a patch, pixels.
        batch: Patches per step.
        learning_rate: Learning rate at the start; decays to 0 by a cosine over the processor time of training.
        steps: Number of steps after which to end instead of by time, for the same result on every machine; 0 = by time.
        threads: Number of CPU threads; 0 = torch's default.
        device: "auto", "cpu" or "gpu".
    """

    patch: int = 96
    batch: int = 16
    learning_rate: float = 1e-3
    steps: int = 0
    threads: int = 0
    device: str = "auto"

    def fit(self, pairs: Sequence[ChangePair], seed: int, seconds: float) -> SiameseModel:
        """See `protocols.ChangeMethod`; needs pairs."""
        if self.threads:
            torch.set_num_threads(self.threads)
        device = choose_device(self.device)
        draw = np.random.default_rng(seed)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            network = SiameseDifference(pairs[0].before.shape[0]).to(device)
            self._train(network, [_Place.of(pair, self.patch) for pair in pairs], draw, seconds)
        model = SiameseModel(network.eval(), 0.5)
        scores = [model.predict(*pair[:3])[pair.valid] for pair in pairs]
        truth = np.concatenate([pair.truth[pair.valid] == 1 for pair in pairs])
        return SiameseModel(network, best_f1_threshold(truth, np.concatenate(scores)))

    def _train(
        self,
        network: SiameseDifference,
        places: Sequence[_Place],
        draw: np.random.Generator,
        seconds: float,
    ) -> None:
        device = next(network.parameters()).device
        optimiser = torch.optim.Adam(network.parameters(), self.learning_rate, weight_decay=1e-4)
        counted = np.concatenate([place.target[place.target != IGNORED] for place in places])
        changed = float(counted.mean())
        weight = torch.tensor([changed, 1 - changed], dtype=torch.float32, device=device)
        started, step, done = time.process_time(), 0, 0.0
        while done < 1:
            for group in optimiser.param_groups:
                group["lr"] = self.learning_rate * (1 + np.cos(np.pi * done)) / 2
            drawn = [self._draw(places, draw) for _ in range(self.batch)]
            before, after, truth = (
                torch.from_numpy(np.stack(part)).to(device) for part in zip(*drawn)
            )
            loss = F.cross_entropy(network(before, after), truth, weight, ignore_index=IGNORED)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            step += 1
            done = step / self.steps if self.steps else (time.process_time() - started) / seconds

    def _draw(
        self, places: Sequence[_Place], draw: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draws a patch of both dates and its target, rotated and mirrored at random.

        With probability one half, it is drawn around a changed pixel.
        """
        place = places[int(draw.integers(len(places)))]
        room = np.array(place.target.shape) - self.patch
        corner = draw.integers(0, room + 1)
        if draw.random() < 0.5 and len(place.changed):
            middle = place.changed[draw.integers(len(place.changed))]
            corner = np.clip(middle - draw.integers(0, self.patch, 2), 0, room)
        row, column = corner
        turns, mirrored = int(draw.integers(4)), bool(draw.random() < 0.5)
        parts = []
        for layer in (place.before, place.after, place.target):
            patch = layer[..., row : row + self.patch, column : column + self.patch]
            patch = np.rot90(patch, turns, (-2, -1))
            parts.append(np.ascontiguousarray(patch[..., ::-1] if mirrored else patch))
        return parts[0], parts[1], parts[2]


@dataclass(frozen=True)
class SiameseModel:
    """A trained network; its score is the probability of change."""

    network: SiameseDifference
    threshold: float

    @torch.no_grad()
    def predict(self, before: np.ndarray, after: np.ndarray, valid: np.ndarray) -> np.ndarray:
        """See `protocols.ChangeModel`; predicts the whole scene at once."""
        device = next(self.network.parameters()).device
        height, width = valid.shape
        beyond = (0, -width % COARSEST, 0, -height % COARSEST)
        dates = []
        for image in (before, after):
            scene = torch.from_numpy(standardised(image, valid))[None]
            dates.append(F.pad(scene, beyond, mode="replicate").to(device))
        score = self.network(*dates).softmax(1)[0, 1, :height, :width]
        return score.cpu().numpy()


@dataclass(frozen=True)
class _Place:
    """A pair to draw patches from: standardised dates, target, and positions of changed pixels [N, 2]."""

    before: np.ndarray
    after: np.ndarray
    target: np.ndarray
    changed: np.ndarray

    @staticmethod
    def of(pair: ChangePair, least: int) -> _Place:
        """Makes a place from a pair, padded with ignored pixels to sides of at least `least` pixels."""
        target = np.where(pair.valid, pair.truth, IGNORED).astype(np.int64)
        after = [(0, max(0, least - side)) for side in target.shape]
        dates = [
            np.pad(standardised(image, pair.valid), [(0, 0), *after])
            for image in (pair.before, pair.after)
        ]
        target = np.pad(target, after, constant_values=IGNORED)
        return _Place(dates[0], dates[1], target, np.argwhere(target == 1))


def standardised(image: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Standardises each band of a scene to mean 0 and variance 1 over its valid pixels; 0 elsewhere."""
    known = image[:, valid] if valid.any() else np.zeros((len(image), 1))
    mean, std = known.mean(1, dtype=np.float64), known.std(1, dtype=np.float64) + 1e-6
    return (((image - mean[:, None, None]) / std[:, None, None]) * valid).astype(np.float32)


def _convolutions(kind: type[nn.Module], widths: Sequence[int]) -> nn.Sequential:
    """3 x 3 convolutions from each width to the next, each with batch norm, ReLU and dropout."""
    layers: list[nn.Module] = []
    for before, after in zip(widths, widths[1:]):
        layers += [
            kind(before, after, 3, padding=1),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.Dropout2d(DROPOUT),
        ]
    return nn.Sequential(*layers)
