"""Trains convolutions on pixel features, for change detection with many labelled places."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from ..assess.intervals import clustered
from ..language import marked
from ..model.feature_head import FeatureHead
from ..model.predictor import Predictor
from ..model.surroundings import Surroundings
from ..model.tuned_change import TunedChange
from ..progress import Progress
from .encoder_tuning import places_of
from .head_tuning import Tuned
from .judging import LEVEL
from .kept_maps import KeptMaps, WindowMaps
from .labelled_ground import LabelledGround
from .labelled_windows import WholeWindows, read_labelled
from .metrics import average_precision, confusion_matrix
from .supervised import IGNORE, predict

STEPS, BATCH, SIDE, RATE, DECAY = 250, 8, 64, 3e-3, 1e-2
BORDER = 1 / 16  # of a window's side; borders are ignored, as convolutions see nothing beyond them
AROUND_CHANGE = 0.7  # share of the crops that are drawn around a changed pixel
COMPARED = 4  # windows of each ground in which spreads are compared


@dataclass(frozen=True)
class _Seen:
    """A ground's windows with the features of the frozen network.

    Attributes:
        maps: Features of each of the n windows.
        label: Labels, uint8 [n, S, S], `IGNORE` where unknown.
        known: Window, row and column of each labelled pixel [N, 3].
        changed: Window, row and column of each changed pixel.
    """

    maps: Sequence[WindowMaps]
    label: NDArray[np.uint8]
    known: NDArray[np.int64]
    changed: NDArray[np.int64]


def with_surroundings(
    first: Tuned,
    learn: Sequence[LabelledGround],
    maps: KeptMaps,
    held: Sequence[LabelledGround],
    seed: int,
    device: torch.device | None,
    progress: Progress,
) -> Tuned:
    """Adds convolutions to a head on frozen features, and evaluates both on held-out places.

    Args:
        first: The head, fitted to `learn`.
        learn: Rasters with the training labels.
        maps: The frozen network's features of their windows, kept while the head was fitted.
        held: Rasters with the held-out labels; if empty, the convolutions are kept.
        seed: Seed of all random choices.
        device: Device to compute on.
        progress: Takes progress and log.

    Returns:
        The model with convolutions; or the head alone, with `improved` False, if the convolutions do not rank the
        held-out pixels better.
    """
    predictor = add_surroundings(
        first.predictor, learn, maps, seed=seed, device=device, progress=progress.part(0.0, 0.9)
    )
    measure = marked("labels held back in whole places")
    tuned = dataclasses.replace(first, predictor=predictor, matrix=None, measure=measure)
    if not held:
        return dataclasses.replace(tuned, accuracy=None, places=0)
    size = predictor.card.window
    windows = WholeWindows(held, size, BATCH)
    (plain, truth), (chances, _) = (predict(item, windows) for item in (first.predictor, predictor))
    before, after = (average_precision(truth == 1, score[:, 1]) for score in (plain, chances))
    progress.log(
        f"Average precision on held-back labels: {before:.3f} pixel by pixel, {after:.3f} with the surroundings of "
        "the pixels"
    )
    if after <= before:
        return dataclasses.replace(first, improved=False)
    cut = predictor.card.threshold["value"]
    found = (chances[:, 1] >= cut).astype(np.int64)
    place = places_of(held, size, BATCH)
    return dataclasses.replace(
        tuned,
        matrix=confusion_matrix(truth, found, 2),
        accuracy=clustered(found == truth, place, LEVEL),
        places=len(np.unique(place)),
    )


def add_surroundings(
    predictor: Predictor,
    grounds: Sequence[LabelledGround],
    maps: KeptMaps,
    *,
    seed: int,
    device: torch.device | None = None,
    progress: Progress | None = None,
) -> Predictor:
    """A copy of a change model with trained convolutions over the surroundings of pixels.

    Args:
        predictor: Predictor of a `TunedChange` with a fitted head; the odds are scaled to that head's.
        grounds: Rasters with labels.
        maps: The frozen network's features of windows of these rasters.
        seed: Seed of all random choices.
        device: Device to compute on.
        progress: Takes the progress.

    Raises:
        TypeError: The network is not a `TunedChange`.
    """
    device, progress = device or torch.device("cpu"), progress or Progress()
    found = copy.deepcopy(predictor).to(device).eval()
    network = _network(found)
    network.surroundings = None  # remove those of an earlier model
    seen = [_seen(ground, maps.of(ground)) for ground in grounds]
    seen = [item for item in seen if len(item.known)]
    if not seen:  # all labels lie in borders of windows
        return found.cpu()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        learner = Surroundings(len(network.head.fine_mean)).to(device)
        learner.mean.copy_(network.head.fine_mean)
        learner.scale.copy_(network.head.fine_scale)
        _learn(learner.train(), seen, np.random.default_rng(seed), progress)
    learner.share.fill_(_spread_alike(learner.eval(), network.head, seen))
    network.surroundings = learner
    return found.cpu()


def _network(predictor: Predictor) -> TunedChange:
    if not isinstance(predictor.network, TunedChange):
        raise TypeError(f"{type(predictor.network).__name__} has no features of pixels.")
    return predictor.network


def _seen(ground: LabelledGround, maps: Sequence[WindowMaps]) -> _Seen:
    """A ground's windows with all its labels, not only those that the head was fitted to."""
    labels = [_inner(read_labelled(ground, item.window)[1]) for item in maps]
    label = np.stack(labels) if labels else np.zeros((0, 1, 1), np.uint8)
    return _Seen(maps, label, np.argwhere(label != IGNORE), np.argwhere(label == 1))


def _inner(label: NDArray[np.int64]) -> NDArray[np.uint8]:
    """A window's labels, ignored in its border."""
    inner = np.full(label.shape, IGNORE, np.uint8)
    border = round(BORDER * len(label))
    middle = slice(border, len(label) - border)
    inner[middle, middle] = label[middle, middle]
    return inner


def _learn(
    learner: Surroundings, seen: Sequence[_Seen], draw: np.random.Generator, progress: Progress
) -> None:
    """Trains on random crops; grounds are equally likely to be drawn."""
    share = float(np.mean([len(item.changed) / len(item.known) for item in seen]))
    share = min(max(share, 1e-3), 1.0)
    device = learner.mean.device
    # A compromise between equal weights of pixels and equal weights of changed and unchanged.
    weight = torch.tensor(1.5 * ((1 - share) / share) ** 0.5, device=device)
    optimiser = torch.optim.AdamW(learner.parameters(), RATE, weight_decay=DECAY)
    for step in range(STEPS):
        if step % 10 == 0:
            progress.update(step / STEPS, "Training")
        for group in optimiser.param_groups:
            group["lr"] = RATE * (1 + np.cos(np.pi * step / STEPS)) / 2
        crops = [_crop(seen[int(draw.integers(len(seen)))], draw) for _ in range(BATCH)]
        features, label = (torch.from_numpy(np.stack(part)).to(device) for part in zip(*crops))
        odds = learner.odds(features.float())[:, 0]
        loss = _loss(odds, label, weight)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


@torch.no_grad()
def _spread_alike(learner: Surroundings, head: FeatureHead, seen: Sequence[_Seen]) -> float:
    """Ratio of the odds' standard deviation to the head's, in the first labelled windows of each ground."""
    own, plain = [], []
    for item in seen:
        for number in np.unique(item.known[:, 0])[:COMPARED]:
            maps, label = item.maps[number], item.label[number]
            fine, coarse = (
                torch.from_numpy(part)[None].to(learner.mean.device).float()
                for part in (maps.fine, maps.coarse)
            )
            logits, known = head(fine, coarse)[0], label != IGNORE
            own.append(learner.odds(fine)[0, 0].cpu().numpy()[known])
            plain.append((logits[1] - logits[0]).cpu().numpy()[known])
    return float(np.concatenate(own).std() / max(1e-6, np.concatenate(plain).std()))


def _loss(odds: Tensor, label: Tensor, weight: Tensor) -> Tensor:
    known = label != IGNORE
    truth = (label[known] == 1).float()
    return F.binary_cross_entropy_with_logits(odds[known], truth, pos_weight=weight)


def _crop(
    seen: _Seen, draw: np.random.Generator, most: int = SIDE
) -> tuple[NDArray[np.float16], NDArray[np.uint8]]:
    """A random square around a labelled pixel, rotated and mirrored at random: [F, s, s] and [s, s]."""
    changed = len(seen.changed) > 0 and draw.random() < AROUND_CHANGE
    places = seen.changed if changed else seen.known
    window, *centre = places[draw.integers(len(places))]
    side = min(most, seen.label.shape[1])
    room = seen.label.shape[1] - side
    row, column = np.clip(centre - draw.integers(0, side, 2), 0, room)
    square = np.s_[..., row : row + side, column : column + side]
    turns, mirrored = int(draw.integers(4)), bool(draw.random() < 0.5)
    parts = []
    for whole in (seen.maps[window].fine, seen.label[window]):
        part = np.rot90(whole[square], turns, (-2, -1))
        parts.append(np.ascontiguousarray(part[..., ::-1] if mirrored else part))
    return parts[0], parts[1]
