"""The module that is exported: a network with normalisation before it and softmax or sigmoid after it."""

from __future__ import annotations

import inspect

import torch
from torch import Tensor, nn

from ..cards import Card
from ..errors import InvalidParameter, ModelInvalid
from .normalise import normalisation
from .spectral_groups import band_mask, group_mask

IMAGES = {
    "segmentation": ("image",),
    "scene-classification": ("image",),
    "change-detection": ("before", "after"),
}


class Predictor(nn.Module):
    """From a raster's values to probabilities: normalisation, network, and softmax or sigmoid.

    The network is called with keyword arguments: `image`, or `before` and `after`; `groups`; and, if
    it takes them, `valid` [B, 1, H, W] and `reflectance`, the image before normalisation.

    Attributes:
        input_names: Names of the inputs, in the order in which `forward` takes them.
        appended_means: Number of further bands of the network that repeat the mean over the card's
            bands (SegMunich's ten bands become twelve that way).
    """

    def __init__(self, network: nn.Module, card: Card) -> None:
        """Combines a network with its card.

        Args:
            network: Gives logits or log-probabilities, [B, K, H, W] or [B, K].
            card: Bands, normalisation, classes and task.

        Raises:
            ModelInvalid: The task is not one that predicts, or the card contradicts itself.
        """
        super().__init__()
        if card.task not in IMAGES:
            raise ModelInvalid(
                f"A model for '{card.task}' cannot make predictions by itself. Fine-tune it first, and use the "
                "result."
            )
        self.network = network
        self.card = card
        self.appended_means = int(card.architecture.get("appended_means", 0))
        bands = len(card.bands) + self.appended_means
        self.normalise = normalisation(card.normalisation, bands)
        self.images = IMAGES[card.task]
        optional = ("groups",) if card.optional_groups else ()
        self.input_names = (*self.images, "valid", *optional)
        self.groups = bands // card.spectral_patch
        taken = inspect.signature(network.forward).parameters
        self.takes_valid, self.takes_reflectance = "valid" in taken, "reflectance" in taken

    def example_inputs(self, batch: int = 2) -> tuple[Tensor, ...]:
        """Inputs of the right names, shapes and types, for tracing and checks."""
        side = self.card.window
        shape = (batch, len(self.card.bands), side, side)
        images = [
            torch.rand(shape, generator=torch.Generator().manual_seed(n))
            for n, _ in enumerate(self.images)
        ]
        valid = torch.ones(batch, 1, side, side)
        groups = (torch.arange(self.groups),) if "groups" in self.input_names else ()
        return (*images, valid, *groups)

    def forward(self, *inputs: Tensor) -> Tensor:
        """Predicts: `logits`, then softmax or sigmoid.

        Returns:
            Probabilities [B, K, H, W] or [B, K].
        """
        scores = self.logits(*inputs)
        # Softmax leaves log-probabilities unchanged.
        return scores.sigmoid() if self.card.multilabel else scores.softmax(dim=1)

    def logits(self, *inputs: Tensor) -> Tensor:
        """The network's scores, as training needs them.

        Args:
            *inputs: As for `arguments`.

        Returns:
            Scores [B, K, H, W] or [B, K].
        """
        scores: Tensor = self.network(**self.arguments(*inputs))
        return scores

    def arguments(self, *inputs: Tensor) -> dict[str, Tensor | None]:
        """The keyword arguments of the network.

        Args:
            *inputs: By `input_names`: image(s) [B, C, H, W] in the card's unit, 0 where invalid or
                missing; valid [B, 1, H, W], 1 for a valid pixel; groups [G'], the ascending indices
                of the spectral groups present (only of models that may lack some).

        Returns:
            Tensors by the network's argument names; `groups` may be None.

        Raises:
            InvalidParameter: The number of inputs is wrong.
        """
        if len(inputs) != len(self.input_names):
            raise InvalidParameter(
                f"The model needs {len(self.input_names)} inputs ({', '.join(self.input_names)}), but {len(inputs)} "
                "were given."
            )
        named = dict(zip(self.input_names, inputs))
        valid, groups = named["valid"], named.get("groups")
        arguments: dict[str, Tensor | None] = {
            name: self._prepare(named[name], valid, groups) for name in self.images
        }
        if self.takes_valid:
            arguments["valid"] = valid
        if self.takes_reflectance:
            arguments["reflectance"] = self._present(named["image"] * valid, groups)
        arguments["groups"] = groups
        return arguments

    def _prepare(self, image: Tensor, valid: Tensor, groups: Tensor | None) -> Tensor:
        """The normalised image, 0 where invalid and in missing bands."""
        if self.appended_means:
            mean = image.mean(dim=1, keepdim=True)
            image = torch.cat([image, *[mean] * self.appended_means], dim=1)
        return self._present(self.normalise(image, valid), groups)

    def _present(self, image: Tensor, groups: Tensor | None) -> Tensor:
        """The image with 0 in missing bands."""
        if groups is None:
            return image
        present = group_mask(groups, self.groups, image.dtype)
        return image * band_mask(present, self.card.spectral_patch)
