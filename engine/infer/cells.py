"""The ground that a scene model looks at: cells of a grid at the model's own scale, or the zones of a user."""

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

_SAME_SCALE = 0.05


@dataclass(frozen=True)
class Cells:
    """A grid whose windows of the model's size are the cells.

    Attributes:
        grid: The raster's grid, or one over the same ground with other pixels.
        window: Side of a cell in pixels of `grid`.
        scale: Ground a cell covers over the ground that the model was trained on, along a side.
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
    """Chooses the pixels in which a scene model sees a raster.

    Without a cell size the raster is read at the model's ground sample distance; with one, each cell is stretched to
    the model's window.

    Args:
        grid: The raster's grid.
        card: The model's card.
        cell_size: Side of a cell in CRS units, 0 = the model's window at its ground sample distance.
        progress: Told of resampling and of scales the model was not made for.

    Raises:
        InvalidParameter: A cell is larger than the raster can be, or finer than its pixels.
    """
    across, down = ground_pixel(grid)
    if cell_size > 0:
        wide, tall = (size / cell_size for size in grid.resolution)
        wide, tall = (
            wide * card.window,
            tall * card.window,
        )  # pixels of a cell's grid in one raster pixel
        if min(wide, tall) > card.window:
            raise InvalidParameter(
                f"The cell size {cell_size:g} is smaller than a pixel ({max(grid.resolution):g} CRS units). Give a "
                "larger one, or 0 for the model's own window."
            )
    else:
        wide, tall = across / card.gsd, down / card.gsd
    if abs(wide - 1) < _SAME_SCALE and abs(tall - 1) < _SAME_SCALE:
        return Cells(grid, card.window, across / card.gsd)
    width, height = max(1, round(grid.width * wide)), max(1, round(grid.height * tall))
    scale = across / wide / card.gsd
    progress.log(
        f"The raster's pixels of {across:.3g} m are resampled to {across / wide:.3g} m, so that a cell of "
        f"{card.window} px is {card.window * across / wide:.4g} m wide; the model was trained on {card.gsd:g} m."
    )
    if not 1 / SCALE_TOLERANCE <= scale <= SCALE_TOLERANCE:
        progress.warning(
            f"A cell shows the model {scale:.2g} times the ground it was trained on ({card.window * card.gsd:g} m "
            "wide): the labels may be poor. Set the cell size to 0 for the model's own scale."
        )
    transform = grid.transform @ Affine.scale(1 / wide, 1 / tall)
    return Cells(Grid(grid.crs, transform, width, height), card.window, scale)


def ground_pixel(grid: Grid) -> tuple[float, float]:
    """Width and height of a pixel on the ground at the middle of the grid, metres."""
    area = float(grid.pixel_area(Window(grid.width // 2, grid.height // 2, 1, 1))[0, 0])
    wide, tall = grid.resolution
    # In a geographic CRS a degree is shorter across than along: the area tells how much.
    if grid.crs.is_geographic:
        along = tall * 111_320.0
        return area / along, along
    ratio = math.sqrt(area / (wide * tall)) if area > 0 else 1.0
    return wide * ratio, tall * ratio
