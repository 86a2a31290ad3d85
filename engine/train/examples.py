"""Draws pictures for the report: imagery with its labels, beside the model's map of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from rasterio.windows import Window

from ..cards import Card
from ..language import tr
from ..model.predictor import Predictor
from .labelled_rasters import LabelledRaster
from .labelled_windows import read_labelled
from .pixel_features import batch_inputs
from .reconstruction import png
from .supervised import IGNORE
from .tuned_report import Example

MOST = 3
_SIDE = 384  # approximate side of a panel, pixels
_GAP = 8
_COLOURS = ("red", "green", "blue")
_NOTHING = 255


@torch.no_grad()
def draw_examples(
    predictor: Predictor, rasters: Sequence[LabelledRaster], card: Card
) -> list[Example]:
    """Draws up to `MOST` windows with the most classes: imagery, labels, and the map."""
    predictor.cpu().eval()
    ranked = []
    for item in rasters:
        for window, indices in item.ground.windows(card.window):
            labels = np.unique(item.ground.pixels.label[indices])
            ranked.append((len(labels), len(indices), item, window))
    ranked.sort(key=lambda entry: entry[:2], reverse=True)
    return [_draw(predictor, item, window, card) for _, _, item, window in ranked[:MOST]]


def _draw(predictor: Predictor, item: LabelledRaster, window: Window, card: Card) -> Example:
    feeds, label = read_labelled(item.ground, window)
    inputs = batch_inputs(predictor, [feeds], torch.device("cpu"))
    found = predictor(*inputs)[0].argmax(0).numpy()  # [S, S]
    valid = feeds["valid"][0] > 0
    palette = np.array([entry.rgb for entry in card.classes], np.uint8)
    mapped = np.full((*found.shape, 3), _NOTHING, np.uint8)
    mapped[valid] = palette[found[valid]]
    image = feeds.get("image", feeds.get("after"))
    seen = true_colour(np.asarray(image), valid, card)
    known = label != IGNORE
    drawn = seen.copy()
    drawn[known] = palette[label[known]]
    panels = [seen, drawn, mapped]
    times = max(1, _SIDE // found.shape[0])
    gap = np.full((found.shape[0] * times, _GAP, 3), _NOTHING, np.uint8)
    row = [panels[0].repeat(times, 0).repeat(times, 1)]
    for panel in panels[1:]:
        row += [gap, panel.repeat(times, 0).repeat(times, 1)]
    caption = tr("{raster}, row {row}, column {column}: imagery, labels, map").format(
        raster=item.name.split("|")[0].rsplit("/", 1)[-1],
        row=int(window.row_off),
        column=int(window.col_off),
    )
    return Example(png(np.concatenate(row, 1).transpose(2, 0, 1)), caption)


def true_colour(
    image: NDArray[np.float32], valid: NDArray[np.bool_], card: Card
) -> NDArray[np.uint8]:
    """Red, green and blue if the card has them, else the first bands, stretched for display [H, W, 3]."""
    names = [band.common_name for band in card.bands]
    bands = [names.index(name) for name in _COLOURS if name in names]
    bands = bands if len(bands) == 3 else [min(k, len(names) - 1) for k in range(3)]
    shown = np.full((*valid.shape, 3), _NOTHING, np.uint8)
    if valid.any():
        values = image[bands][:, valid]  # [3, n]
        low, high = np.percentile(values, (1, 99), axis=1, keepdims=True)
        scaled = 255 * (values - low) / np.maximum(high - low, 1e-6)
        shown[valid] = np.clip(scaled, 0, 255).astype(np.uint8).T
    return shown
