"""The match of a raster's bands with a model's, in a line for people and in full for its tooltip."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

from ...i18n import tr


@dataclass(frozen=True)
class BandMatch:
    """A match as it is shown.

    Attributes:
        text: One or two sentences.
        tip: Every band, as HTML; may be empty.
        fits: Whether a model can learn from these bands.
    """

    text: str
    tip: str = ""
    fits: bool = True


def shown_match(name: str, model: dict[str, Any] | None) -> BandMatch:
    """Words for what the engine says of a raster and a model.

    Args:
        name: Of the raster's layer.
        model: The engine's entry of the model; None where it was not compared.
    """
    if model is None:
        return BandMatch(tr("The bands of '{}' are matched when training starts.").format(name))
    if model["verdict"] == "unfit":
        return BandMatch(str(model["reason"]), fits=False)
    bands = model["match"]
    used = " ".join(band["model"] for band in bands if band["raster"] is not None)
    if model["left_out"]:
        text = tr("Bands found: {found}. Left out: {lacking}.").format(
            found=used, lacking=" ".join(model["left_out"])
        )
    else:
        text = tr("Bands found: {}.").format(used)
    if model["verdict"] == "doubtful":
        text += " " + tr(
            "Its pixels are {times:.2g} times as large as those the model knows."
        ).format(times=model["scale"])
    rows = "".join(
        "<tr><td>{model}</td><td>&nbsp;{raster}</td><td>&nbsp;{by}</td></tr>".format(
            model=escape(str(band["model"])),
            raster=tr("band {}").format(band["raster"]) if band["raster"] is not None else "–",
            by=escape(str(band["by"])),
        )
        for band in bands
    )
    return BandMatch(text, f"<b>{escape(name)}</b><table>{rows}</table>")
