"""Keeps the features of some whole windows from a pass over labelled pixels, for training convolutions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window
from torch import Tensor

from .labelled_ground import LabelledGround

MOST = 384  # windows in memory; 82 features of 128 x 128 pixels in half precision are 2.7 MB


@dataclass(frozen=True)
class WindowMaps:
    """Features of a whole window, without changes of light.

    Attributes:
        ground: The raster, with the labelled pixels of the pass.
        window: The window of the raster.
        fine: Features of the pixels, float16 [F, S, S].
        coarse: Features of the tokens, float16 [D, h, w].
    """

    ground: LabelledGround
    window: Window
    fine: NDArray[np.float16]
    coarse: NDArray[np.float16]


class KeptMaps:
    """Keeps at most `MOST` evenly spread windows."""

    def __init__(self) -> None:
        """Starts without windows."""
        self._maps: dict[int, WindowMaps] = {}

    def wants(self, number: int, count: int) -> bool:
        """Whether to keep window `number` of `count`."""
        return number % -(-count // MOST) == 0

    def keep(
        self, number: int, ground: LabelledGround, window: Window, fine: Tensor, coarse: Tensor
    ) -> None:
        """Keeps a window's features [1, F, S, S] and [1, D, h, w]; may be called in any thread."""
        half = [part[0].half().cpu().numpy() for part in (fine, coarse)]
        self._maps[number] = WindowMaps(ground, window, *half)

    def of(self, ground: LabelledGround) -> list[WindowMaps]:
        """The windows of a raster, regardless of the ground's labels, in the order of their numbers."""
        found = [self._maps[number] for number in sorted(self._maps)]
        return [maps for maps in found if maps.ground.read is ground.read]
