"""Training patches that are read from rasters window by window, for imagery larger than memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from rasterio.windows import Window

from ..errors import EmptyArea
from .augmentation import Crop
from .grid import Grid
from .patches import Drawable, Patch, PatchPlan, Source, random_patch
from .raster_pool import RasterPool
from .read_ahead import read_ahead

_TRIES = 10  # draws of a patch, after which the most valid one is taken
_MOST_TRIES = 500  # draws without any valid pixel, after which the imagery is refused
_PLACES = 25  # positions of a crop that are tried before it is made smaller


@dataclass(frozen=True)
class LazyRaster:
    """A raster to draw patches from, read when a patch is cut.

    Attributes:
        path: Path of the raster.
        pool: Opens it.
        grid: Its grid.
        groups: Ascending indices of the spectral groups it has.
        held: Held-out windows, which no patch may touch.
    """

    path: str
    pool: RasterPool
    grid: Grid
    groups: tuple[int, ...]
    held: tuple[Window, ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.grid.shape

    def cut(self, crop: Crop, size: int) -> Patch:
        """Cuts a rectangle and resizes it to a square of `size` pixels."""
        window = Window(crop.left, crop.top, crop.width, crop.height)
        image, valid = self.pool.get(self.path).read(window)
        return Source(image, valid).cut(Crop(0, 0, crop.height, crop.width), size)

    def allows(self, crop: Crop) -> bool:
        """Whether a crop touches none of the held-out windows."""
        return not any(
            crop.left < block.col_off + block.width
            and block.col_off < crop.left + crop.width
            and crop.top < block.row_off + block.height
            and block.row_off < crop.top + crop.height
            for block in self.held
        )


class LazyPatchLoader:
    """A loader for the trainer: batches of random patches of rasters.

    All patches of a batch have the same spectral groups and come from rasters that have them all.
    A patch depends only on the seed, the epoch's number and its place in the epoch, so a resumed
    run sees the same patches, and so do several processes that share the batches.
    """

    def __init__(
        self,
        rasters: Sequence[LazyRaster],
        plan: PatchPlan,
        *,
        tokens: int,
        share: tuple[int, int] = (0, 1),
        ahead: int = 2,
    ) -> None:
        """Prepares the drawing of patches.

        Args:
            rasters: Each is drawn in proportion to the square root of its area, so that large scenes
                count more but do not crowd out small ones.
            plan: How patches are drawn.
            tokens: Number of tokens of one spectral group of a patch, for the noise of random masking.
            share: This process's part of every batch: (rank, number of processes).
            ahead: Number of batches to read ahead; 0 for none.
        """
        self._rasters = list(rasters)
        self._chance = np.array([np.prod(raster.shape) ** 0.5 for raster in self._rasters], float)
        self._plan, self._tokens, self._share, self._ahead = plan, tokens, share, ahead
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Sets the epoch to draw next."""
        self._epoch = epoch

    def __len__(self) -> int:
        """Number of batches per epoch."""
        return self._plan.steps

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        """Yields image [B, C, S, S], valid [B, 1, S, S], groups [G'], noise [B, G' * L], float32."""
        drawn = (self._draw_batch(self._epoch, step) for step in range(self._plan.steps))
        return read_ahead(drawn, self._ahead) if self._ahead else drawn

    def _draw_batch(self, epoch: int, step: int) -> dict[str, torch.Tensor]:
        common = np.random.default_rng((self._plan.seed, epoch, step))
        groups = self._choose_groups(common)
        able = [i for i, raster in enumerate(self._rasters) if set(groups) <= {*raster.groups}]
        batch, (rank, count) = self._plan.batch, self._share
        mine = range(rank * batch // count, (rank + 1) * batch // count)
        patches, noise = [], []
        for place in mine:
            generator = np.random.default_rng((self._plan.seed, epoch, step, place))
            patches.append(self._draw(able, generator))
            noise.append(generator.random(len(groups) * self._tokens, np.float32))
        return {
            "image": torch.stack([patch.image for patch in patches]),
            "valid": torch.stack([patch.valid for patch in patches])[:, None].float(),
            "groups": torch.tensor(groups),
            "noise": torch.from_numpy(np.stack(noise)),
        }

    def _choose_groups(self, generator: np.random.Generator) -> tuple[int, ...]:
        """All groups of a randomly drawn raster, or in a share of the batches only some of them."""
        chance = self._chance / self._chance.sum()
        whole = self._rasters[generator.choice(len(self._rasters), p=chance)].groups
        return some_groups(whole, self._plan.fewer_groups, generator)

    def _draw(self, able: Sequence[int], generator: np.random.Generator) -> Patch:
        """The first patch with enough valid pixels, or the most valid one after `_TRIES` draws."""
        plan, chance = self._plan, self._chance[able] / self._chance[able].sum()
        best: Patch | None = None
        most = 0.0
        for attempt in range(1, _MOST_TRIES + 1):
            raster = self._rasters[able[generator.choice(len(able), p=chance)]]
            patch = random_patch(_Free(raster, generator), generator, plan.size, plan.scale)
            valid = float(patch.valid.float().mean())
            if best is None or valid > most:
                best, most = patch, valid
            if valid >= plan.least_valid or (attempt >= _TRIES and most > 0):
                break
        if best is None or most == 0:
            raise EmptyArea(
                f"No patch with valid pixels was found in {_MOST_TRIES} attempts: the imagery is almost entirely "
                "no-data. Clip the rasters to the area with data, or check their no-data values."
            )
        return plan.lit(best, generator)


def some_groups(
    whole: tuple[int, ...], share: float, generator: np.random.Generator
) -> tuple[int, ...]:
    """All spectral groups, or in a share of the draws a random proper subset, never an empty one."""
    if len(whole) < 2 or generator.uniform() >= share:
        return whole
    chosen = int(generator.integers(1, 2 ** len(whole) - 1))
    return tuple(group for place, group in enumerate(whole) if chosen >> place & 1)


@dataclass(frozen=True)
class _Free(Drawable):
    """A raster whose held-out windows are avoided, by moving crops that touch them."""

    raster: LazyRaster
    generator: np.random.Generator

    @property
    def shape(self) -> tuple[int, int]:
        return self.raster.shape

    def cut(self, crop: Crop, size: int) -> Patch:
        rows, columns = self.raster.shape
        height, width = crop.height, crop.width
        while height * width:
            for _ in range(_PLACES):
                if self.raster.allows(crop):
                    return self.raster.cut(crop, size)
                top = int(self.generator.integers(rows - height + 1))
                left = int(self.generator.integers(columns - width + 1))
                crop = Crop(top, left, height, width)
            height, width = height // 2, width // 2
            crop = Crop(0, 0, height, width)
        raise EmptyArea(
            f"Apart from the area held back for validation, the raster {self.raster.path} has no room for a training "
            "window. Use larger rasters, or more of them."
        )
