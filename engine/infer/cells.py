"""The grid of cells of a scene model: the raster's pixels at the model's own scale, one window a cell."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from affine import Affine
from rasterio.windows import Window

from ..cards import Card
from ..data.grid import Grid
from ..errors import InvalidParameter
from ..progress import Progress
from ..suitability import SCALE_TOLERANCE

_SAME_SCALE = 0.05  # relative difference below which resampling is not worthwhile


@dataclass(frozen=True)
class Cells:
    """A grid of pixels, cut into cells of the model's window size.

    Attributes:
        grid: The raster's grid, or one over the same ground with another pixel size.
        window: Side of a cell in pixels of `grid`.
        scale: Side of a cell on the ground, relative to that of the model's training windows.
    """

    grid: Grid
    window: int
    scale: float

    @property
    def rows(self) -> int:
        """Rows of cells; the last one may hang over."""
        return math.ceil(self.grid.height / self.window)

    @property
    def columns(self) -> int:
        """Columns of cells; the last one may hang over."""
        return math.ceil(self.grid.width / self.window)

    def __len__(self) -> int:
        """Number of cells."""
        return self.rows * self.columns

    def rows_touching(self, bounds: Window) -> Iterator[list[Window]]:
        """The cells that share a pixel with a window of the grid, row by row."""
        size = self.window
        lefts = range(bounds.col_off // size, math.ceil((bounds.col_off + bounds.width) / size))
        tops = range(bounds.row_off // size, math.ceil((bounds.row_off + bounds.height) / size))
        for row in tops:
            yield [Window(column * size, row * size, size, size) for column in lefts]


def lay_cells(grid: Grid, card: Card, cell_size: float, progress: Progress) -> Cells:
    """Chooses the pixel size at which a scene model sees a raster.

    Without a cell size the raster is read at the model's ground sample distance; with one, each cell is stretched to
    the model's window.

    Args:
        grid: The raster's grid.
        card: The model's card.
        cell_size: Side of a cell in CRS units, 0 = the model's window at its ground sample distance.
        progress: Takes log and warnings about resampling and about scales that the model was not trained for.

    Raises:
        InvalidParameter: A cell is larger than the raster can be, or finer than its pixels.
    """
    across, down = ground_pixel(grid)
    if cell_size > 0:
        # Pixels of the cells' grid along one pixel of the raster.
        wide, tall = (size / cell_size * card.window for size in grid.resolution)
        if min(wide, tall) > card.window:
            raise InvalidParameter(
                f"The cell size {cell_size:g} is smaller than a pixel ({max(grid.resolution):g} CRS units). Use a "
                "larger one, or 0 for the model's own window size."
            )
    else:
        wide, tall = across / card.gsd, down / card.gsd
    if abs(wide - 1) < _SAME_SCALE and abs(tall - 1) < _SAME_SCALE:
        return Cells(grid, card.window, across / card.gsd)
    width, height = max(1, round(grid.width * wide)), max(1, round(grid.height * tall))
    scale = across / wide / card.gsd
    progress.log(
        f"The raster's pixels of {across:.3g} m are resampled to {across / wide:.3g} m, so that a cell of "
        f"{card.window} px is {card.window * across / wide:.4g} m wide. The model was trained on pixels of "
        f"{card.gsd:g} m."
    )
    if not 1 / SCALE_TOLERANCE <= scale <= SCALE_TOLERANCE:
        progress.warning(
            f"A cell covers {scale:.2g} times the area that the model was trained on ({card.window * card.gsd:g} m "
            "wide), so the labels may be poor. Set the cell size to 0 to use the scale of the model."
        )
    transform = grid.transform @ Affine.scale(1 / wide, 1 / tall)
    return Cells(Grid(grid.crs, transform, width, height), card.window, scale)


def ground_pixel(grid: Grid) -> tuple[float, float]:
    """Width and height of a pixel on the ground at the middle of the grid, metres."""
    area = float(grid.pixel_area(Window(grid.width // 2, grid.height // 2, 1, 1))[0, 0])
    wide, tall = grid.resolution
    # A degree of longitude is shorter than one of latitude: the pixel's area tells by how much.
    if grid.crs.is_geographic:
        along = tall * 111_320.0
        return area / along, along
    ratio = math.sqrt(area / (wide * tall)) if area > 0 else 1.0
    return wide * ratio, tall * ratio
