"""Training patches read from rasters window by window: the rasters may be larger than memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from rasterio.windows import Window

from ..errors import EmptyArea
from .augmentation import Crop
from .grid import Grid
from .patches import Drawable, Patch, Source, random_patch
from .raster_pool import RasterPool
from .read_ahead import read_ahead

_TRIES = 10  # draws of a patch before the best of them is taken,
_MOST_TRIES = 500  # and before imagery in which nothing valid turns up is given up
_PLACES = 25  # places for a crop before it is made smaller


@dataclass(frozen=True)
class LazyRaster:
    """A raster to draw patches from, read when a patch is cut.

    Attributes:
        path: Of the raster.
        pool: Opens it.
        grid: Where its pixels lie.
        groups: Ascending indices of the spectral groups it has.
        held: Windows that no patch may touch.
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
        """Cuts a rectangle and brings it to a square of `size` pixels."""
        window = Window(crop.left, crop.top, crop.width, crop.height)
        image, valid = self.pool.get(self.path).read(window)
        return Source(image, valid).cut(Crop(0, 0, crop.height, crop.width), size)

    def allows(self, crop: Crop) -> bool:
        """Whether a crop touches no window that is held back."""
        return not any(
            crop.left < block.col_off + block.width
            and block.col_off < crop.left + crop.width
            and crop.top < block.row_off + block.height
            and block.row_off < crop.top + crop.height
            for block in self.held
        )


class LazyPatchLoader:
    """Batches of random patches of rasters: a loader for the trainer.

    Each batch is of one set of spectral groups, drawn from rasters that have them all. Each patch
    depends on the seed, the epoch's number and its own place in the epoch alone: a resumed run sees
    the same patches, and so do several processes that share the batches.
    """

    def __init__(
        self,
        rasters: Sequence[LazyRaster],
        size: int,
        batch: int,
        steps: int,
        *,
        tokens: int,
        scale: tuple[float, float] = (0.2, 1.0),
        least_valid: float = 0.2,
        fewer_groups: float = 0.2,
        transform: Callable[[Patch, np.random.Generator], Patch] | None = None,
        seed: int = 0,
        share: tuple[int, int] = (0, 1),
        ahead: int = 2,
    ) -> None:
        """Prepares the draw.

        Args:
            rasters: Drawn from by the root of their areas, so that large scenes count more but do
                not drown the small ones.
            size: Side of a patch, pixels.
            batch: Patches a batch, of all processes together.
            steps: Batches an epoch.
            tokens: Tokens of one spectral group of a patch, for the noise that hides some.
            scale: Share of size x size that a crop covers before it is enlarged.
            least_valid: Patches with a smaller share of valid pixels are drawn again.
            fewer_groups: Share of batches that show only some of the groups a raster has.
            transform: Further change of each patch.
            seed: Of the draw.
            share: Which part of every batch is this process's: (number, of how many).
            ahead: Batches that are read ahead, 0 for none.
        """
        self._rasters = list(rasters)
        self._chance = np.array([np.prod(raster.shape) ** 0.5 for raster in self._rasters], float)
        self._size, self._batch, self._steps, self._tokens = size, batch, steps, tokens
        self._scale, self._least_valid = scale, least_valid
        self._fewer_groups, self._transform = fewer_groups, transform
        self._seed, self._share, self._ahead = seed, share, ahead
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Says which epoch is drawn next."""
        self._epoch = epoch

    def __len__(self) -> int:
        """Batches an epoch."""
        return self._steps

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        """Yields image [B, C, S, S], valid [B, 1, S, S], groups [G'], noise [B, G' * L], float32."""
        drawn = (self._draw_batch(self._epoch, step) for step in range(self._steps))
        return read_ahead(drawn, self._ahead) if self._ahead else drawn

    def _draw_batch(self, epoch: int, step: int) -> dict[str, torch.Tensor]:
        common = np.random.default_rng((self._seed, epoch, step))
        groups = self._choose_groups(common)
        able = [i for i, raster in enumerate(self._rasters) if set(groups) <= {*raster.groups}]
        rank, count = self._share
        mine = range(rank * self._batch // count, (rank + 1) * self._batch // count)
        patches, noise = [], []
        for place in mine:
            generator = np.random.default_rng((self._seed, epoch, step, place))
            patches.append(self._draw(able, generator))
            noise.append(generator.random(len(groups) * self._tokens, np.float32))
        return {
            "image": torch.stack([patch.image for patch in patches]),
            "valid": torch.stack([patch.valid for patch in patches])[:, None].float(),
            "groups": torch.tensor(groups),
            "noise": torch.from_numpy(np.stack(noise)),
        }

    def _choose_groups(self, generator: np.random.Generator) -> tuple[int, ...]:
        """All groups of some raster, or for a share of the batches only some of them."""
        chance = self._chance / self._chance.sum()
        whole = self._rasters[generator.choice(len(self._rasters), p=chance)].groups
        return some_groups(whole, self._fewer_groups, generator)

    def _draw(self, able: Sequence[int], generator: np.random.Generator) -> Patch:
        """The first patch with enough valid pixels, else the one of some tries with most."""
        chance = self._chance[able] / self._chance[able].sum()
        best: Patch | None = None
        most = 0.0
        for attempt in range(1, _MOST_TRIES + 1):
            raster = self._rasters[able[generator.choice(len(able), p=chance)]]
            patch = random_patch(_Free(raster, generator), generator, self._size, self._scale)
            valid = float(patch.valid.float().mean())
            if best is None or valid > most:
                best, most = patch, valid
            if valid >= self._least_valid or (attempt >= _TRIES and most > 0):
                break
        if best is None or most == 0:
            raise EmptyArea(
                f"No patch with valid pixels was found in {_MOST_TRIES} draws: the imagery is nearly all "
                "no-data. Clip the rasters to their data, or check their no-data values."
            )
        return best if self._transform is None else self._transform(best, generator)


def some_groups(
    whole: tuple[int, ...], share: float, generator: np.random.Generator
) -> tuple[int, ...]:
    """All spectral groups, or in a share of the draws only some: neither none nor all."""
    if len(whole) < 2 or generator.uniform() >= share:
        return whole
    chosen = int(generator.integers(1, 2 ** len(whole) - 1))
    return tuple(group for place, group in enumerate(whole) if chosen >> place & 1)


@dataclass(frozen=True)
class _Free(Drawable):
    """A raster whose held-back windows are avoided: a crop on one of them moves elsewhere."""

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
            f"The raster {self.raster.path} has no room beside what is held back to judge by. "
            "Give larger rasters, or more of them."
        )
