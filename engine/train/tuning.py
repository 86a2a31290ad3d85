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

PIXELS = 6000  # labelled pixels that heads are fitted to; more change nothing but the time
CHANGE_PIXELS = 12000  # what changed is the rarer kind, and looks different everywhere
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


@dataclass(frozen=True)
class HeadTuner:
    """Fits heads on frozen features, each judged by holding back every block of its labels in turn.

    Attributes:
        base: Gives the encoder.
        card: Of the models to be.
        use: Where they are to work.
        seed: Of every choice.
        device: Where the encoder computes.
        copies: How often a window is seen again, turned and under another light; None for as often as suits.
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
        """A model from rasters with labels.

        Args:
            grounds: Rasters with labels.
            progress: Told how far it is.
            maps: Takes the features of whole windows; None where nobody wants them.
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
        # A fit is many small steps. Threads that share one spin while they wait for each other: two took twice as
        # long as one, and three times its processor time.
        with threadpool_limits(1, user_api="blas"):
            judged = judge(samples, fit, fresh, len(names), self.seed, part, names)
            if judged.hidden and fresh is not None:
                fit_hidden(fresh, samples, every, self.seed, progress.part(0.95, 1.0))
                predictor = build(self.base, self.card, judged.hidden)
                tuned_network(predictor).head.load_state_dict(fresh.state_dict())
            else:
                install_linear(network.head, fit(every), judged.temperature)
        measure = marked(
            f"labels of {judged.blocks} places in {judged.folds} parts, each held back in turn; the "
            "model was then fitted to all of them"
        )
        places = judged.blocks if judged.folds else 0
        return Tuned(
            predictor, judged, judged.matrix, measure, accuracy=judged.accuracy, places=places
        )

    def _way(self, grounds: Sequence[LabelledGround]) -> tuple[Use, Rule]:
        """How the head is fitted: of change, by how many places are labelled."""
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
        """Features of labelled pixels, and of others where the head learns from them too."""
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
            with contextlib.suppress(EmptyArea):  # of rasters that are nearly all no-data
                found = compute(others, copies=0, every_class=False, progress=part)
                anywhere = found.features
        return samples, Unlabelled(around, anywhere)

    def _hidden_head(
        self, network: TunedSegmentation | TunedChange, use: Use
    ) -> FeatureHead | None:
        """A head with a hidden layer to try as well, where one may be."""
        if not use.hidden:
            return None
        head = network.head
        classes = len(self.card.classes)
        return FeatureHead(head.fine.in_channels, head.coarse.in_channels, classes, HIDDEN)


def labelled_places(grounds: Sequence[LabelledGround]) -> int:
    """Labelled polygons, or squares, of all rasters together."""
    return len({(ground.place, unit) for ground in grounds for unit in ground.pixels.unit.tolist()})
