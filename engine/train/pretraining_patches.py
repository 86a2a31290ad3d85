"""The patches of a pretraining: read one by one as they are drawn, or cut from imagery in the GPU's memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from rasterio.windows import Window

from ..cards import Card
from ..data.atlas import Atlas, AtlasLoader, Image, shelves
from ..data.lazy_patches import LazyPatchLoader, LazyRaster
from ..data.patches import OFFSET, PatchPlan
from ..progress import Progress
from .parallel import Alone
from .smaller_batches import is_out_of_memory
from .stages import Stage, device_memory, select
from .trainer import Loader

_MEMORY_SHARE = 0.4  # of the GPU's memory for imagery; `stages.batch_for` takes .3 for a batch


class Patches:
    """Makes the loaders of all stages."""

    def __init__(
        self,
        drawn: Sequence[LazyRaster],
        card: Card,
        patch: int,
        seed: int,
        workers: Alone,
        device: str,
        progress: Progress,
    ) -> None:
        """Takes the settings that all stages share.

        Args:
            drawn: Rasters to draw patches from.
            card: Bands and unit of the imagery.
            patch: Side of a token, pixels.
            seed: Seed of the random generator.
            workers: This process, and those that share the training.
            device: "auto", "cpu" or "gpu".
            progress: Logs where the imagery is kept.
        """
        self._drawn, self._card, self._patch, self._seed = list(drawn), card, patch, seed
        self._workers, self._device, self._progress = workers, workers.device(device), progress
        self._laid: tuple[list[int], Atlas] | None = None

    def of_stage(self, number: int, stage: Stage) -> Loader:
        """The loader of a stage, numbered from 0."""
        chosen = select([raster.path for raster in self._drawn], stage.imagery)
        rasters = [self._drawn[index] for index in chosen]
        plan = PatchPlan(
            stage.window,
            stage.batch * self._workers.count,
            stage.steps,
            light=OFFSET if self._card.unit == "reflectance" else 0.0,
            seed=self._seed + number,
        )
        atlas = self._atlas(chosen) if self._fits(rasters) else None
        if atlas is not None:
            return AtlasLoader(atlas, [raster.groups for raster in rasters], plan)
        tokens = (stage.window // self._patch) ** 2
        share = (self._workers.rank, self._workers.count)
        return LazyPatchLoader(rasters, plan, tokens=tokens, share=share)

    def _fits(self, rasters: Sequence[LazyRaster]) -> bool:
        """Whether a single process has a GPU with room for the imagery beside the network."""
        if self._device.type != "cuda" or self._workers.count > 1:
            return False
        bands, shapes = len(self._card.bands), [raster.shape for raster in rasters]
        # While the largest raster is read, a second copy of it is made.
        largest = 8 * bands * max(rows * columns for rows, columns in shapes)
        here, there = device_memory(torch.device("cpu")), device_memory(self._device)
        return largest <= here and atlas_bytes(shapes, bands) <= _MEMORY_SHARE * there

    def _atlas(self, chosen: list[int]) -> Atlas | None:
        """The imagery in the device's memory, reused if it is that of the stage before; None if it does not fit."""
        if self._laid is None or self._laid[0] != chosen:
            self._laid = None  # free the memory before the next one is made
            rasters = [self._drawn[index] for index in chosen]
            self._progress.log("The imagery is loaded into GPU memory, and patches are cut there.")
            shapes = [raster.shape for raster in rasters]
            images = without_held(rasters, self._progress)
            try:
                atlas = Atlas(shapes, len(self._card.bands), images, self._device)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                self._progress.log(
                    "The imagery does not fit into GPU memory together with the other data. Patches are read from "
                    "disk as needed."
                )
                return None
            self._laid = (chosen, atlas)
        return self._laid[1]


def atlas_bytes(shapes: Sequence[tuple[int, int]], bands: int) -> int:
    """Peak memory while an atlas is made, bytes: its image and four validity maps, with four bytes per value."""
    _, (rows, columns) = shelves(shapes)
    return 4 * (bands + 4) * rows * columns


def without_held(rasters: Sequence[LazyRaster], progress: Progress) -> Iterator[Image]:
    """Yields each raster whole, with its held-out windows made invalid.

    Args:
        rasters: Rasters to read.
        progress: A cancel takes effect before each raster.
    """
    for raster in rasters:
        progress.check()
        rows, columns = raster.shape
        image, valid = raster.pool.get(raster.path).read(Window(0, 0, columns, rows))
        for block in raster.held:
            top, left = max(0, int(block.row_off)), max(0, int(block.col_off))
            bottom, right = int(block.row_off + block.height), int(block.col_off + block.width)
            valid[top : max(0, bottom), left : max(0, right)] = False
        yield image * valid, valid
