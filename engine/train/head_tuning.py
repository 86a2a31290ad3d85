"""Fine-tuning for maps: a head on the features of a frozen encoder."""

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
from threadpoolctl import threadpool_limits

from ..assess.intervals import Estimate
from ..cards import Card
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
from .judging import Judged, judge
from .kept_maps import KeptMaps
from .kept_tokens import KeptTokens
from .labelled_ground import LabelledGround, thin_grounds
from .light import REFLECTANCE, STANDARDISED, UNKNOWN_BANDS, Light
from .live_figures import titles
from .pixel_features import PixelSamples, extract, tuned_network
from .quick_head import (
    ANYWHERE,
    HIDDEN,
    Rule,
    Use,
    fit_hidden,
    fit_linear,
    for_change,
    install_linear,
)
from .self_training import Unlabelled, unlabelled_grounds, with_neighbours, without_neighbours

PIXELS = 6000  # labelled pixels that heads are fitted to; more only take longer
CHANGE_PIXELS = 12000  # the same for change, as changed pixels are rare and differ everywhere
# Labelled places from which one regression finds change elsewhere better than discriminants. On OSCD it
# did with 670 places (average precision .30 against .28), but not with 10 (.22 against .23). Copies under
# changed light did not improve it, as so many places contain enough variation of light.
JOINT_PLACES = 200


@dataclass(frozen=True)
class Tuned:
    """A predictor with its accuracy on held-out labels.

    Attributes:
        predictor: The predictor, ready to be exported.
        judged: Cross-validation of the head on frozen features.
        matrix: Confusion matrix of the final model, true classes in rows; None if no labels were held out.
        measure: How the matrix was obtained, as text for people.
        history: Figures of each epoch; empty for a head alone.
        cancelled: Whether the user cancelled the training; then the best model so far was kept.
        accuracy: Accuracy with its interval over the places of the labels; for multi-label scenes mean average
            precision; None if no labels were held out.
        places: Number of places with held-out labels.
        improved: Whether training more than the head helped; False if the head on frozen features was better.
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
        """The accuracy's interval for a card; empty if there is none."""
        told = None if self.accuracy is None else self.accuracy.to_dict()
        if told is None or told["low"] is None:
            return {}
        return {"interval_95": [told["low"], told["high"]], "places": self.places}


def build(base: Base, card: Card, hidden: int = 0, drop_path: float = 0.0) -> Predictor:
    """Builds the network of a card with the base's encoder and an untrained head."""
    config = dataclasses.replace(base.config, drop_path=drop_path)
    network: TunedChange | TunedSegmentation
    if card.task == "change-detection":
        network = _change_network(base, config, hidden)
    else:
        network = TunedSegmentation(config, len(card.classes), ContextLayout.of(card), hidden)
    network.encoder.load_backbone(base.weights)
    return Predictor(network.eval(), card)


def _change_network(base: Base, config: SpectralGPTConfig, hidden: int) -> TunedChange:
    """Builds the change network on a backbone, or from a change model: ours, or one that was fine-tuned before."""
    model = base.network.pixels if isinstance(base.network, TunedChange) else base.network
    if not isinstance(model, PixelChange):
        return TunedChange(config, hidden)
    network = TunedChange(config, hidden, model.widths)
    network.take_change_model(model)
    return network


def light_of(card: Card) -> Light:
    """The augmentation by light that suits the card's unit and normalisation."""
    plain = card.unit == "reflectance" and card.normalisation.kind != "scene-statistics"
    if not plain:
        return STANDARDISED
    wavelengths = tuple(band.center_wavelength for band in card.bands)
    if not all(wavelengths):
        return UNKNOWN_BANDS
    return dataclasses.replace(REFLECTANCE, wavelengths=wavelengths)


def copies_for(base: Base) -> int:
    """Number of augmented copies of a window, which depends on the cost of the encoder."""
    weights = base.config.depth * base.config.dim**2 * 12
    return 8 if weights < 2e7 else 4 if weights < 2e8 else 2


@dataclass(frozen=True)
class HeadTuner:
    """Fits heads on frozen features, and evaluates each by spatial cross-validation.

    Attributes:
        base: The base model, which provides the encoder.
        card: Card of the future models.
        use: Where they are going to be used.
        seed: Seed of all random choices.
        device: Device that the encoder runs on.
        copies: Number of copies of a window, rotated or mirrored and under changed light; None to choose it.
        kept: Tokens of earlier runs; None to compute all.
    """

    base: Base
    card: Card
    use: Use = ANYWHERE
    seed: int = 0
    device: torch.device | None = None
    copies: int | None = None
    kept: KeptTokens | None = None

    def tune(
        self,
        grounds: Sequence[LabelledGround],
        progress: Progress | None = None,
        maps: KeptMaps | None = None,
    ) -> Tuned:
        """Makes a model from rasters with labels.

        Args:
            grounds: Rasters with labels.
            progress: Takes progress and metrics.
            maps: Keeps the features of whole windows; None if they are not needed.
        """
        progress = progress or Progress()
        use, rule = self._way(grounds)
        predictor = build(self.base, self.card)
        samples, unlabelled = self._examples(predictor, grounds, use, rule, progress, maps)
        network = tuned_network(predictor.cpu())
        blocks, fresh = network.blocks(), self._hidden_head(network, use)
        fit = functools.partial(
            fit_linear, samples, blocks, use=use, rule=rule, unlabelled=unlabelled
        )
        names, part = titles(self.card.classes), progress.part(0.7, 0.95)
        every = np.ones(len(samples.label), bool)
        # A fit consists of many small steps. Threads that share one busy-wait for each other: two took twice as long
        # as one, and three times its processor time.
        with threadpool_limits(1, user_api="blas"):
            judged = judge(samples, fit, fresh, len(names), self.seed, part, names)
            if judged.hidden and fresh is not None:
                fit_hidden(fresh, samples, every, self.seed, progress.part(0.95, 1.0))
                predictor = build(self.base, self.card, judged.hidden)
                tuned_network(predictor).head.load_state_dict(fresh.state_dict())
            else:
                install_linear(network.head, fit(every), judged.temperature)
        measure = marked(
            f"labels of {judged.blocks} places in {judged.folds} parts, each held back in turn; the model was then "
            "trained on all of them"
        )
        places = judged.blocks if judged.folds else 0
        return Tuned(
            predictor, judged, judged.matrix, measure, accuracy=judged.accuracy, places=places
        )

    def _way(self, grounds: Sequence[LabelledGround]) -> tuple[Use, Rule]:
        """Use and rule for fitting the head; for change they depend on the number of labelled places."""
        if self.card.task != "change-detection":
            return self.use, "both"
        many = labelled_places(grounds) >= JOINT_PLACES
        return for_change(self.use), "regression" if many else "discriminants"

    def _examples(
        self,
        predictor: Predictor,
        grounds: Sequence[LabelledGround],
        use: Use,
        rule: Rule,
        progress: Progress,
        maps: KeptMaps | None,
    ) -> tuple[PixelSamples, Unlabelled]:
        """Computes the features of labelled pixels, and of unlabelled ones if the head learns from them too."""
        compute = functools.partial(
            extract,
            predictor,
            light=light_of(self.card),
            seed=self.seed,
            device=self.device,
            kept=self.kept,
        )
        change, window = self.card.task == "change-detection", self.card.window
        copies = copies_for(self.base) if self.copies is None else self.copies
        if rule == "regression" or not use.relit:
            copies = 0
        shown = thin_grounds(grounds, CHANGE_PIXELS if change else PIXELS, self.seed)
        if use.teacher:
            shown = with_neighbours(shown, window, self.seed)
        rounds = (use.teacher or use).rounds
        part = progress.part(0.0, 0.5 if rounds else 0.7)
        samples = compute(shown, copies=copies, maps=maps, progress=part)
        around = anywhere = None
        if use.teacher:
            samples, around = without_neighbours(samples)
        if rounds:
            others = unlabelled_grounds(grounds, window, self.seed)
            part = progress.part(0.5, 0.7)
            with contextlib.suppress(EmptyArea):  # if rasters are nearly all no-data
                found = compute(others, copies=0, every_class=False, progress=part)
                anywhere = found.features
        return samples, Unlabelled(around, anywhere)

    def _hidden_head(
        self, network: TunedSegmentation | TunedChange, use: Use
    ) -> FeatureHead | None:
        """A head with a hidden layer to try as well, if `use` allows one."""
        if not use.hidden:
            return None
        head = network.head
        classes = len(self.card.classes)
        return FeatureHead(head.fine.in_channels, head.coarse.in_channels, classes, HIDDEN)


def labelled_places(grounds: Sequence[LabelledGround]) -> int:
    """Number of labelled polygons or squares of all rasters together."""
    return len({(ground.place, unit) for ground in grounds for unit in ground.pixels.unit.tolist()})
