"""Describes a model's accuracy in one sentence that claims no more than was measured."""

from __future__ import annotations

from typing import Any

from ...i18n import localised, tr

_PERCENT = "\N{NO-BREAK SPACE}%"


def headline(accuracy: dict[str, Any], scenes: bool) -> str:
    """The sentence about the accuracy.

    Args:
        accuracy: Accuracy from the engine's result.
        scenes: Whether scenes were evaluated instead of pixels.
    """
    share = accuracy.get("overall_accuracy")
    if share is None:
        score = accuracy.get("map")
        if isinstance(score, dict):  # one score per variant that was tried
            score = max(score.values(), default=None)
        if score is not None:
            text = tr("Held-back scenes: mean average precision {:.2f} (1 is best).")
            return localised(text.format(score))
        return tr("The accuracy of the model is not known, because no labels could be held back.")
    if not accuracy.get("interval_95"):
        text = (
            tr("{share} of the held-back scenes got the correct label.")
            if scenes
            else tr("{share} of the held-back labelled pixels were mapped correctly.")
        )
        return " ".join(
            (
                text.format(share=percent(share)),
                tr("They lie in one place, so no confidence interval can be given."),
            )
        )
    low, high = accuracy["interval_95"]
    text = (
        tr(
            "{share} of the held-back scenes got the correct label (95 % confidence interval: {low} to {high}, from "
            "{places} places)."
        )
        if scenes
        else tr(
            "{share} of the held-back labelled pixels were mapped correctly (95 % confidence interval: {low} to "
            "{high}, from {places} places)."
        )
    )
    return text.format(
        share=percent(share), low=percent(low), high=percent(high), places=accuracy["places"]
    )


def percent(share: float | None) -> str:
    """A share in percent; rounding never yields 100 % or 0 % for other shares."""
    if share is None:
        return "–"
    whole = round(100 * share)
    if (whole == 100 and share < 1) or (whole == 0 and share > 0):
        if 0.001 <= share <= 0.999:
            return localised(f"{100 * share:.1f}{_PERCENT}")
        return localised(f"> 99.9{_PERCENT}" if whole else f"< 0.1{_PERCENT}")
    return f"{whole}{_PERCENT}"
