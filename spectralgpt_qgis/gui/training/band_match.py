"""Describes how a raster's bands match those of a model: briefly, and in full for a tooltip."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

from ...i18n import tr
from ..describe import words


@dataclass(frozen=True)
class BandMatch:
    """The description of a match.

    Attributes:
        text: One or two sentences.
        tip: All bands, as HTML; may be empty.
        fits: Whether the model can learn from these bands.
    """

    text: str
    tip: str = ""
    fits: bool = True


def shown_match(name: str, model: dict[str, Any] | None) -> BandMatch:
    """Describes the engine's comparison of a raster with a model.

    Args:
        name: Name of the raster's layer.
        model: The model's entry in the engine's answer; None if it was not compared.
    """
    if model is None:
        return BandMatch(tr("The bands of '{}' will be matched when training starts.").format(name))
    if model["verdict"] == "unfit":
        return BandMatch(str(model["reason"]), fits=False)
    used = " ".join(band["model"] for band in model["match"] if band["raster"] is not None)
    text = tr("Bands found: {}.").format(used)
    if model["left_out"] or model["verdict"] == "doubtful":
        text = f"{text} {words.reason_words(model)}."
    lines = (escape(line) for line in words.match_words(model).splitlines())
    return BandMatch(text, "<br>".join((f"<b>{escape(name)}</b>", *lines)))
