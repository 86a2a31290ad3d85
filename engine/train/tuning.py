"""Fine-tuning for maps: a head on frozen features first, then, if asked, the encoder as well."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..assess.intervals import Estimate, clustered
from ..cards import Card
from ..data.blocks import spatial_blocks
from ..errors import EmptyArea
from ..language import marked
from ..model.config import SpectralGPTConfig
from ..model.feature_head import FeatureHead
from ..model.pixel_change import PixelChange
from ..model.pixel_context import ContextLayout
from ..model.predictor import Predictor
from ..model.tuned_change import TunedChange
from ..model.tuned_segmentation import TunedSegmentation
from ..progress import Progress
from .base_model import Base
from .callbacks import Callback, EarlyStop, KeepBest, Report, Validate
from .finetune import IGNORE, SupervisedLoss, predict
from .kept_tokens import KeptTokens
from .labelled_ground import LabelledGround, thin_grounds
from .labelled_windows import LabelledWindows, WholeWindows
from .light import REFLECTANCE, STANDARDISED, UNKNOWN_BANDS, Light
from .live_figures import figures, tell, titles
from .low_rank import add_adapters, merge_adapters
from .metrics import confusion_matrix
from .pixel_features import extract, tuned_network
from .quick_head import (
    ANYWHERE,
    DISTANCE,
    HIDDEN,
    LEVEL,
    Judged,
    Rule,
    Use,
    fit_hidden,
    fit_linear,
    for_change,
    install_linear,
    judge,
)
from .self_training import unlabelled_grounds, with_neighbours, without_neighbours
from .trainer import Trainer, TrainerConfig, TrainingResult

PIXELS = 6000  # labelled pixels that heads are fitted to; more change nothing but the time
CHANGE_PIXELS = 12000  # what changed is the rarer kind, and looks different everywhere
DROP_PATH = 0.1
# Labelled places from which one regression finds change elsewhere better than discriminants do: in
# OSCD it did with 670 (average precision .30 against .28), not with 10 (.22 against .23). Copies under
# another light gave it nothing there: so many places have seen enough of them.
JOINT_PLACES = 200


@dataclass(frozen=True)
class Tuned:
    """A predictor and how it did on labels that it had not seen.

    Attributes:
        predictor: Ready to be exported.
        judged: Of the head on frozen features.
        matrix: Of what was made in the end, true classes in rows; None where nothing was held back.
        measure: How the matrix came about.
        history: Figures of each epoch; empty for a head alone.
        cancelled: The user has ended it; the best so far was kept.
        accuracy: Of the matrix, with the interval that the places of the labels leave open; of several labels a
            scene mean average precision; None where nothing was held back.
        places: With held-back labels.
        improved: Whether the encoder learned something; False where a head on frozen features was better.
    """

    predictor: Predictor
    judged: Judged
    matrix: NDArray[np.int64] | None
    measure: str
    history: tuple[dict[str, float], ...] = ()
    cancelled: bool = False
    accuracy: Estimate | None = None
    places: int = 0
    improved: bool = True

    @property
    def interval(self) -> dict[str, Any]:
        """What a card says of how sure the accuracy is; empty where nothing can be said."""
        told = None if self.accuracy is None else self.accuracy.to_dict()
        if told is None or told["low"] is None:
            return {}
        return {"interval_95": [told["low"], told["high"]], "places": self.places}


def build(base: Base, card: Card, hidden: int = 0, drop_path: float = 0.0) -> Predictor:
    """The network of a card with the base's encoder and a fresh head."""
    config = dataclasses.replace(base.config, drop_path=drop_path)
    network: TunedChange | TunedSegmentation
    if card.task == "change-detection":
        network = _change_network(base, config, hidden)
    else:
        network = TunedSegmentation(config, len(card.classes), ContextLayout.of(card), hidden)
    network.encoder.load_backbone(base.weights)
    return Predictor(network.eval(), card)


def _change_network(base: Base, config: SpectralGPTConfig, hidden: int) -> TunedChange:
    """Of a backbone, or going on from a change model, ours or one tuned before."""
    model = base.network.pixels if isinstance(base.network, TunedChange) else base.network
    if not isinstance(model, PixelChange):
        return TunedChange(config, hidden)
    network = TunedChange(config, hidden, model.widths)
    network.take_change_model(model)
    return network


def light_of(card: Card) -> Light:
    """How much the light may differ in the unit that the network is fed with."""
    plain = card.unit == "reflectance" and card.normalisation.kind != "scene-statistics"
    if not plain:
        return STANDARDISED
    wavelengths = tuple(band.center_wavelength for band in card.bands)
    if not all(wavelengths):
        return UNKNOWN_BANDS
    return dataclasses.replace(REFLECTANCE, wavelengths=wavelengths)


def copies_for(base: Base) -> int:
    """How often a window is seen again under another light: as often as the encoder's size allows."""
    weights = base.config.depth * base.config.dim**2 * 12
    return 8 if weights < 2e7 else 4 if weights < 2e8 else 2


def tune_head(
    base: Base,
    card: Card,
    grounds: Sequence[LabelledGround],
    *,
    seed: int = 0,
    device: torch.device | None = None,
    copies: int | None = None,
    use: Use = ANYWHERE,
    kept: KeptTokens | None = None,
    progress: Progress | None = None,
) -> Tuned:
    """Fits a head on frozen features, judged by holding back each block of labels in turn.

    Args:
        base: Gives the encoder.
        card: Of the model to be.
        grounds: Rasters with labels.
        seed: Of every choice.
        device: Where the encoder computes.
        copies: How often a window is seen again, turned and under another light.
        use: Where the model is to work.
        kept: Tokens of earlier runs; None to compute all.
        progress: Told how far it is.
    """
    progress = progress or Progress()
    predictor = build(base, card)
    change = card.task == "change-detection"
    rule: Rule = "both"
    if change:
        use = for_change(use)
        rule = "regression" if _places(grounds) >= JOINT_PLACES else "discriminants"
    if rule == "regression" or not use.relit:
        copies = 0
    compute = functools.partial(
        extract, predictor, light=light_of(card), seed=seed, device=device, kept=kept
    )
    shown = thin_grounds(grounds, CHANGE_PIXELS if change else PIXELS, seed)
    if use.teacher:
        shown = with_neighbours(shown, card.window, seed)
    samples = compute(
        shown,
        copies=copies_for(base) if copies is None else copies,
        progress=progress.part(0.0, 0.5 if use.rounds else 0.7),
    )
    unlabelled = None
    if use.teacher:
        samples, unlabelled = without_neighbours(samples)
    elif use.rounds:
        others = unlabelled_grounds(grounds, card.window, seed)
        part = progress.part(0.5, 0.7)
        with contextlib.suppress(EmptyArea):  # of rasters that are nearly all no-data
            unlabelled = compute(others, copies=0, every_class=False, progress=part).features
    predictor.cpu()
    network = tuned_network(predictor)
    blocks = network.blocks()
    classes = len(card.classes)
    fresh = None
    if use.hidden:
        fine, coarse = network.head.fine.in_channels, network.head.coarse.in_channels
        fresh = FeatureHead(fine, coarse, classes, HIDDEN)
    judged = judge(
        samples,
        blocks,
        fresh,
        classes,
        seed,
        progress.part(0.7, 0.95),
        use,
        titles(card.classes),
        rule,
        unlabelled,
    )
    every = np.ones(len(samples.label), bool)
    if judged.hidden and fresh is not None:
        fit_hidden(fresh, samples, every, seed, progress.part(0.95, 1.0))
        predictor = build(base, card, judged.hidden)
        tuned_network(predictor).head.load_state_dict(fresh.state_dict())
    else:
        scores = fit_linear(samples, blocks, every, use, rule, unlabelled)
        install_linear(network.head, scores, judged.temperature)
    measure = marked(
        f"labels of {judged.blocks} places in {judged.folds} parts, each held back in turn; the "
        "model was then fitted to all of them"
    )
    places = judged.blocks if judged.folds else 0
    return Tuned(predictor, judged, judged.matrix, measure, accuracy=judged.accuracy, places=places)


def _places(grounds: Sequence[LabelledGround]) -> int:
    """Labelled polygons, or squares, of all rasters together."""
    return len({(ground.place, unit) for ground in grounds for unit in ground.pixels.unit.tolist()})


@dataclass(frozen=True)
class Rounds:
    """How the encoder is trained.

    Attributes:
        adapters: Whether only adapters in the encoder learn.
        epochs: At most.
        steps: Batches an epoch.
        batch: Windows a batch.
        patience: Epochs without improvement after which to stop.
        window: Side of the windows in training, a multiple of the patch; 0 = the card's.
        device: "auto", "cpu" or "gpu".
    """

    adapters: bool
    epochs: int
    steps: int
    batch: int = 8
    patience: int = 8
    window: int = 0
    device: str = "auto"

    def trainer(self, seed: int) -> TrainerConfig:
        """What the trainer is told; adapters are new and few, so they learn faster and all alike."""
        return TrainerConfig(
            epochs=self.epochs,
            learning_rate=1e-3 if self.adapters else 5e-4,
            layer_decay=1.0 if self.adapters else 0.75,
            clip=1.0,
            seed=seed,
            device=self.device,
        )


def tune_weights(
    base: Base,
    card: Card,
    learn: Sequence[LabelledGround],
    held: Sequence[LabelledGround],
    first: Tuned,
    rounds: Rounds,
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> Tuned:
    """Trains the encoder, whole or by adapters, from where the head on frozen features ends.

    Args:
        base: Gives the encoder.
        card: Of the model to be.
        learn: Rasters with the labels to learn from.
        held: The same with those held back; empty for none, then the last epoch is kept.
        first: The head on frozen features, fitted to `learn`.
        rounds: How long, and what of the encoder.
        seed: Of every choice.
        progress: Told how far it is.
    """
    progress = progress or Progress()
    predictor = build(base, card, first.judged.hidden, 0.0 if rounds.adapters else DROP_PATH)
    predictor.network.load_state_dict(first.predictor.network.state_dict())
    if rounds.adapters:
        torch.manual_seed(seed)
        add_adapters(tuned_network(predictor).encoder)
    # The head alone is a model already: from here on a cancel keeps the best so far.
    progress.state(keeps=True, rounds=rounds.epochs)
    windows = WholeWindows(held, card.window, rounds.batch) if held else None
    start = figure(predictor, windows) if windows else {}
    tell(progress, "val_", 0, start)
    callbacks: list[Callback] = [Report(progress)]
    if windows is not None:
        progress.log(f"Mean overlap (IoU) on held-back labels before: {start['miou']:.3f}")
        callbacks += _keep_the_best(windows, rounds.patience)
    side = rounds.window or card.window
    loader = LabelledWindows(learn, side, rounds.batch, rounds.steps, light_of(card), seed=seed)
    loss = SupervisedLoss(card, smoothing=0.05)
    result = Trainer(predictor, loss, loader, rounds.trainer(seed), callbacks).fit()
    predictor.cpu()
    if rounds.adapters:
        merge_adapters(tuned_network(predictor).encoder)
    improved = _improved(result, start, progress)
    if not improved:
        predictor = first.predictor
    predictor.eval()
    matrix, accuracy, places = None, None, 0
    if windows is not None:
        chances, label = predict(predictor, windows)
        matrix = confusion_matrix(label, chances.argmax(1), len(card.classes))
        place = places_of(held, card.window, rounds.batch)
        accuracy = clustered(chances.argmax(1) == label, place, LEVEL)
        places = len(np.unique(place))
    return Tuned(
        predictor,
        first.judged,
        matrix,
        marked("labels held back in whole places, at the best epoch by the same labels"),
        result.history,
        result.cancelled,
        accuracy,
        places,
        improved,
    )


def _keep_the_best(windows: WholeWindows, patience: int) -> list[Callback]:
    """Judges every epoch on labels that were held back; the best one is kept."""
    return [
        Validate(lambda model: figure(model, windows)),
        KeepBest("val_miou", largest=True),
        EarlyStop("val_miou", patience, largest=True),
    ]


def _improved(result: TrainingResult, start: dict[str, float], progress: Progress) -> bool:
    """Whether the encoder learned something; where not, the user is told that the head is kept."""
    if result.cancelled and not result.history:
        progress.log("Stopped before the first round ended: the head on frozen features is kept.")
        return False
    if not start:  # nothing was held back to judge by
        return True
    best = max((entry["val_miou"] for entry in result.history if "val_miou" in entry), default=0.0)
    if best > start["miou"]:
        return True
    progress.warning(
        f"Training the encoder did not improve the map of held-back labels ({best:.3f} against "
        f"{start['miou']:.3f}): the head on frozen features is kept."
    )
    return False


def figure(model: torch.nn.Module, windows: WholeWindows) -> dict[str, float]:
    """Mean IoU, accuracy and the IoU of each class on labelled windows."""
    if not isinstance(model, Predictor):
        raise TypeError(f"Expected a Predictor, given {type(model).__name__}.")
    matrix = confusion(model, windows, len(model.card.classes))
    return figures(matrix, titles(model.card.classes))


def places_of(grounds: Sequence[LabelledGround], size: int, batch: int) -> NDArray[np.int64]:
    """The place of every labelled pixel, in the order in which `predict` goes through `WholeWindows`.

    Labels closer than `DISTANCE` are one place: nearly copies of each other, they do not judge a model
    more surely than one of them would.
    """
    sizes = [len(ground.pixels) for ground in grounds]
    row, column, unit = (
        np.concatenate([getattr(ground.pixels, name) for ground in grounds])
        for name in ("row", "column", "unit")
    )
    raster = np.repeat([ground.place for ground in grounds], sizes)
    block = spatial_blocks(row, column, unit, DISTANCE, raster) + IGNORE + 1
    numbered = [
        dataclasses.replace(ground, pixels=dataclasses.replace(ground.pixels, label=part))  # type: ignore[arg-type]
        for ground, part in zip(grounds, np.split(block, np.cumsum(sizes)[:-1]))
    ]
    found = []
    for given in WholeWindows(numbered, size, batch):
        label, valid = given["label"], given["valid"][:, 0] > 0
        found.append(label[valid & (label != IGNORE)].numpy())
    return np.concatenate(found)


def confusion(predictor: Predictor, windows: WholeWindows, classes: int) -> NDArray[np.int64]:
    """Confusion matrix on labelled windows, true classes in rows."""
    probabilities, labels = predict(predictor, windows)
    return confusion_matrix(labels, probabilities.argmax(1), classes)
