"""Real windows to measure backends with, cut from the sample that ships."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from rasterio.windows import Window

from ..cards import Card
from ..data.source import RasterSource
from ..errors import EngineError
from .backend import Arrays
from .model_inputs import SingleDate, TwoDates
from .mosaic import stack

SAMPLE = Path(__file__).resolve().parents[2] / "resources" / "sample"
DATES = ("boadella_2020-06-21.tif", "boadella_2020-02-02.tif")
MOST = 6


def sample_windows(card: Card) -> list[Arrays]:
    """Inputs of a model, batch dimension included, from the sample.

    Args:
        card: The model's card.

    Returns:
        Up to `MOST` windows that are at least half valid; none where the sample lacks the model's bands.
    """
    windows: list[Arrays] = []
    try:
        with ExitStack() as opened:
            grid = None
            dates = []
            for name in DATES[: 2 if card.task == "change-detection" else 1]:
                source = RasterSource.open(str(SAMPLE / name), card, grid=grid)
                dates.append(opened.enter_context(source))
                grid = source.grid
            grid = dates[0].grid
            read: SingleDate | TwoDates = SingleDate(dates[0], card)
            if len(dates) == 2:
                read = TwoDates(dates[0], dates[1], card)
            places = [
                (top, left)
                for top in range(0, max(1, grid.height - card.window + 1), card.window)
                for left in range(0, max(1, grid.width - card.window + 1), card.window)
            ]
            for top, left in places[:: max(1, len(places) // MOST)][:MOST]:
                feeds, valid = read(Window(left, top, card.window, card.window))
                if valid.mean() >= 0.5:
                    windows.append(stack([feeds]))
    except EngineError:
        return []  # other bands, or no sample beside the engine
    return windows
