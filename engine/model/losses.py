"""The multi-target reconstruction loss of masked pretraining."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ..errors import InvalidParameter


@dataclass(frozen=True)
class ReconstructionLoss:
    """A weighted sum of reconstruction errors.

    Attributes:
        token: Weight of the error inside hidden tokens.
        spectral: Weight of the error of each place's sum (or mean) over the spectral groups.
        spectral_reduction: How groups are combined, "sum" or "mean".
        spatial: Weight of the error of each group's mean over all places.
    """

    token: float = 1.0
    spectral: float = 1.0
    spectral_reduction: str = "sum"
    spatial: float = 0.0

    def __post_init__(self) -> None:
        """Checks the reduction and the weights.

        Raises:
            InvalidParameter: An unknown reduction, a negative weight, or no weight at all.
        """
        if self.spectral_reduction not in ("sum", "mean"):
            raise InvalidParameter(
                f"spectral_reduction='{self.spectral_reduction}' is unknown: use 'sum' or 'mean'."
            )
        weights = (self.token, self.spectral, self.spatial)
        if min(weights) < 0 or max(weights) <= 0:
            raise InvalidParameter(
                f"The loss weights {weights} are invalid: none may be negative, and at least one must be above 0."
            )

    def __call__(
        self, prediction: Tensor, target: Tensor, hidden: Tensor, valid: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Compares a reconstruction with its image.

        Args:
            prediction: [B, G, L, V] values of every token.
            target: [B, G, L, V] true values.
            hidden: [B, G, L], 1 where the token was hidden from the encoder.
            valid: [B, G, L, V] weight of every value, 0 for no-data; all 1 when None.

        Returns:
            "loss" and its unweighted terms "token", "spectral", "spatial" (those with a weight).
        """
        if valid is None:
            valid = torch.ones_like(target)
        # No-data may be NaN, and 0 times NaN is NaN.
        target = torch.where(valid > 0, target, 0)
        terms = {}
        if self.token:
            error = F.mse_loss(prediction, target, reduction="none")  # [B, G, L, V]
            terms["token"] = _weighted_mean(error, valid * hidden[..., None])
        if self.spectral:
            # A place counts only where all its groups are valid.
            error = F.mse_loss(
                self._over_groups(prediction), self._over_groups(target), reduction="none"
            )  # [B, L, V]
            terms["spectral"] = _weighted_mean(error, valid.amin(1))
        if self.spatial:
            places = valid.sum(2)  # [B, G, V]
            scale = valid / places.clamp(min=1e-6)[:, :, None]
            error = F.mse_loss(
                (prediction * scale).sum(2), (target * scale).sum(2), reduction="none"
            )  # [B, G, V]
            terms["spatial"] = _weighted_mean(error, (places > 0).to(error.dtype))
        loss = sum(
            (getattr(self, name) * term for name, term in terms.items()), target.new_zeros(())
        )
        return {"loss": loss, **terms}

    def _over_groups(self, tokens: Tensor) -> Tensor:
        return tokens.sum(1) if self.spectral_reduction == "sum" else tokens.mean(1)


LOSSES: dict[str, ReconstructionLoss] = {
    # "public": the released code. "experiment": the code at the time of the published experiments.
    "public": ReconstructionLoss(token=1.0, spectral=1.0, spectral_reduction="sum", spatial=0.0),
    "experiment": ReconstructionLoss(
        token=1.0, spectral=0.5, spectral_reduction="mean", spatial=0.5
    ),
}


def _weighted_mean(values: Tensor, weight: Tensor) -> Tensor:
    """Mean of `values` under `weight`; 0 where nothing has weight."""
    return (values * weight).sum() / weight.sum().clamp(min=1e-6)
