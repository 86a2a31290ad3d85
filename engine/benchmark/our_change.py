"""The product's change detection in the benchmark: fine-tuned from labels, or as shipped."""

from __future__ import annotations

import copy
import dataclasses
import time
from collections.abc import Sequence

import numpy as np
import torch
from rasterio.windows import Window

from ..cards import Card, ModelClass, Normalisation
from ..data.label_layer import LabelledPixels
from ..infer.blend import blend_weights
from ..infer.model_inputs import Feeds, Mask, Read
from ..infer.threshold import rescale, scene_threshold, score_edges
from ..infer.windows import SlidingWindows
from ..model.config import SpectralGPTConfig
from ..model.encoder import SpectralEncoder
from ..model.pixel_change import PixelChange
from ..model.predictor import Predictor
from ..train.base_model import Base
from ..train.encoder_tuning import tune_weights
from ..train.head_tuning import JOINT_PLACES, HeadTuner, labelled_places
from ..train.kept_maps import KeptMaps
from ..train.labelled_ground import LabelledGround, only
from ..train.labelled_windows import LabelledWindows
from ..train.light import STANDARDISED
from ..train.rounds import Rounds
from ..train.supervised import SupervisedLoss
from ..train.surroundings_tuning import add_surroundings
from .protocols import ChangePair
from .siamese import standardised

TILE = 64  # pixels; a pair's labels are grouped into units of such squares
WINDOWS = 48  # windows of a pair to fit the head on frozen features
TRAINED = 64  # side of the training windows, pixels; small ones show more places in the same time
BATCH = 8
RESERVE = 0.85  # share of the time that is planned for training steps; reading takes the rest


@dataclasses.dataclass(frozen=True)
class TunedPairs:
    """The verb `finetune` for change.

    Attributes:
        base: The base model: the shipped change model, or a backbone.
        method: "quick", "adapters" or "full".
        fresh: Whether to start from random weights instead, which differ by seed.
    """

    base: Base
    method: str = "full"
    fresh: bool = False

    def fit(self, pairs: Sequence[ChangePair], seed: int, seconds: float) -> MappedChange:
        """See `protocols.ChangeMethod`; without pairs, returns the model as shipped."""
        started = time.process_time()
        base = fresh_change(self.base, seed) if self.fresh else self.base
        if not pairs:
            return MappedChange(Predictor(base.network, base.card))
        share = float(np.mean([pair.truth[pair.valid].mean() for pair in pairs]))
        card = change_card(base.card, share)
        grounds = [labelled(pair, place) for place, pair in enumerate(pairs)]
        few = [_some_windows(ground, card.window, seed) for ground in grounds]
        maps = KeptMaps()
        first = HeadTuner(base, card, seed=seed, copies=1).tune(few, maps=maps)
        predictor = first.predictor
        if self.method == "quick":
            if labelled_places(few) >= JOINT_PLACES:
                predictor = add_surroundings(predictor, grounds, maps, seed=seed)
        else:
            adapters = self.method == "adapters"
            cost = _seconds_a_step(predictor, grounds)
            left = seconds * RESERVE - (time.process_time() - started)
            rounds = Rounds(
                adapters=adapters,
                epochs=1,
                steps=max(1, int(left / cost)),
                batch=BATCH,
                window=min(TRAINED, card.window),
                device="cpu",
            )
            predictor = tune_weights(base, first, grounds, [], rounds, seed=seed).predictor
        return MappedChange(predictor)


@dataclasses.dataclass(frozen=True)
class MappedChange:
    """A predictor for whole pairs, with windows blended as in the engine.

    Attributes:
        predictor: Network and card.
        threshold: Score from which a pixel counts as changed, after the rescaling that the card requests.
    """

    predictor: Predictor
    threshold: float = 0.5

    @torch.no_grad()
    def predict(self, before: np.ndarray, after: np.ndarray, valid: np.ndarray) -> np.ndarray:
        """Probability of change float32 [H, W]; see `ChangeModel`."""
        size = self.predictor.card.window
        height, width = valid.shape
        read = two_dates(before, after, valid)
        overlap = size // 4
        weight = blend_weights(size, overlap)
        total, shares = np.zeros((height, width)), np.zeros((height, width))
        for window in SlidingWindows(height, width, size, overlap):
            feeds, _ = read(window)
            found = self.predictor(*_inputs(self.predictor, feeds))[0, 1].numpy()
            rows = slice(int(window.row_off), min(height, int(window.row_off) + size))
            columns = slice(int(window.col_off), min(width, int(window.col_off) + size))
            there = (slice(0, rows.stop - rows.start), slice(0, columns.stop - columns.start))
            total[rows, columns] += found[there] * weight[there]
            shares[rows, columns] += weight[there]
        score = (total / shares).astype(np.float32)
        counts, _ = np.histogram(score[valid], score_edges())
        spec = self.predictor.card.threshold
        return rescale(score, scene_threshold(counts, score_edges(), spec))


def change_card(base: Card, share: float) -> Card:
    """The card of a change model that maps a fixed share of each scene as changed, as in the training data.

    A threshold on scores that is right for the training scenes is wrong elsewhere; the share of
    changed ground varies less.
    """
    made = (ModelClass(0, "unchanged"), ModelClass(1, "changed"))
    return dataclasses.replace(
        base,
        name="benchmark",
        task="change-detection",
        classes=made,
        normalisation=Normalisation("scene-statistics"),
        threshold={"method": "scene", "rule": "quantile", "share": 1 - share, "rescale": True},
    )


def fresh_change(base: Base, seed: int = 0) -> Base:
    """The same network with random weights."""
    torch.manual_seed(seed)
    config: SpectralGPTConfig = base.config
    weights = dict(SpectralEncoder(config).state_dict())
    network = base.network
    if isinstance(network, PixelChange):
        network = PixelChange(config, network.widths)
    return dataclasses.replace(base, weights=weights, network=network)


def two_dates(before: np.ndarray, after: np.ndarray, valid: np.ndarray) -> Read:
    """Reads windows of two arrays, standardised by scene, like `TwoDates` for rasters."""
    present = [
        g
        for g in range(before.shape[0] // 3)
        if before[3 * g : 3 * g + 3].any() and after[3 * g : 3 * g + 3].any()
    ]
    dates = {"before": standardised(before, valid), "after": standardised(after, valid)}

    def read(window: Window) -> tuple[Feeds, Mask]:
        height, width = int(window.height), int(window.width)
        top, left = int(window.row_off), int(window.col_off)
        piece = valid[top : top + height, left : left + width]
        inside = np.zeros((height, width), bool)
        inside[: piece.shape[0], : piece.shape[1]] = piece
        feeds: Feeds = {"valid": inside[None].astype(np.float32), "groups": np.array(present)}
        for name, image in dates.items():
            part = np.zeros((image.shape[0], height, width), np.float32)
            part[:, : piece.shape[0], : piece.shape[1]] = image[
                :, top : top + height, left : left + width
            ]
            feeds[name] = part * inside
        return feeds, inside

    return read


def labelled(pair: ChangePair, place: int) -> LabelledGround:
    """A pair as labelled ground, with all its labelled pixels."""
    row, column = np.nonzero(pair.valid & (pair.truth <= 1))
    unit = row // TILE * (pair.valid.shape[1] // TILE + 1) + column // TILE
    pixels = LabelledPixels(
        row.astype(np.int64),
        column.astype(np.int64),
        pair.truth[row, column].astype(np.uint8),
        unit.astype(np.int32),
    )
    return LabelledGround(two_dates(*pair[:3]), pair.valid.shape, pixels, place)


def _some_windows(ground: LabelledGround, size: int, seed: int) -> LabelledGround:
    """Selects all labels of random windows, and the changed pixels of the windows with most change."""
    label = ground.pixels.label
    parts = [indices for _, indices in ground.windows(size)]
    changed = np.array([int(label[indices].sum()) for indices in parts])
    drawn = np.random.default_rng(seed).permutation(len(parts))[: WINDOWS // 2]
    most = np.argsort(-changed, kind="stable")[: WINDOWS // 2]
    kept = np.concatenate([parts[k] for k in drawn])
    more = np.concatenate([parts[k] for k in most])
    chosen = np.union1d(kept, more[label[more] == 1])
    return dataclasses.replace(ground, pixels=only(ground.pixels, chosen))


def _seconds_a_step(predictor: Predictor, grounds: Sequence[LabelledGround]) -> float:
    """Measures the processor time of a training step on this machine."""
    trial = copy.deepcopy(predictor)
    loss, side = SupervisedLoss(trial.card), min(TRAINED, trial.card.window)
    started = time.process_time()
    for batch in LabelledWindows(grounds, side, BATCH, 3, STANDARDISED):
        loss(trial, batch).backward()
    return (time.process_time() - started) / 3


def _inputs(predictor: Predictor, feeds: Feeds) -> list[torch.Tensor]:
    return [
        torch.from_numpy(feeds[name]) if name == "groups" else torch.from_numpy(feeds[name])[None]
        for name in predictor.input_names
    ]
