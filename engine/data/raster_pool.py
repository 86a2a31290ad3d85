"""Opens many rasters on demand, a limited number at a time, as the system limits open files."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType

import rasterio

from ..cards import Card
from .source import RasterSource

_OPEN = 128


class RasterPool:
    """Opens rasters for a model when needed, and closes the least recently used ones.

    It is a context manager, and may be used by one thread at a time.
    """

    def __init__(
        self,
        card: Card,
        *,
        bands: tuple[int, ...] = (),
        nodata: tuple[float, ...] = (),
        crs: str = "",
        most: int = _OPEN,
    ) -> None:
        """Stores how rasters are opened; see `RasterSource.open`.

        Args:
            card: The model's card.
            bands: Raster band numbers in the order of the model's bands; empty is automatic.
            nodata: Additional no-data values.
            crs: CRS to assume if a file has none.
            most: Most rasters open at a time.
        """
        self.card = card
        self._open: Callable[[str], RasterSource] = lambda path: RasterSource.open(
            path, card, bands=bands, nodata=nodata, crs=crs
        )
        self._most = most
        self._sources: OrderedDict[str, RasterSource] = OrderedDict()
        self._stack = ExitStack()

    def __enter__(self) -> RasterPool:
        """Returns the pool, after entering a GDAL environment for all rasters that it opens."""
        self._stack.enter_context(rasterio.Env())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes every raster."""
        with self._stack:
            while self._sources:
                self._sources.popitem()[1].close()

    def get(self, path: str) -> RasterSource:
        """Returns an open raster, which may be closed when others are requested.

        Raises:
            EngineError: It cannot be opened, or does not suit the model.
        """
        if path in self._sources:
            self._sources.move_to_end(path)
            return self._sources[path]
        source = self._open(path)
        self._sources[path] = source
        while len(self._sources) > self._most:
            self._sources.popitem(last=False)[1].close()
        return source
