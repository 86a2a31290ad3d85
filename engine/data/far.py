"""Settings of GDAL for rasters on other machines: retries and timeouts, and which files beside a raster it asks for.

Beside every raster GDAL looks for some forty files by name. On this machine that takes no time; a server is asked for
each in turn. Of these files only a few declare what is used here, so only they are asked for.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from html import unescape
from pathlib import Path
from typing import Any

import rasterio
from rasterio.errors import RasterioError

from ..endings import ending

_FAR = re.compile(r"https?://|ftp://|s3://|gs://|az://|/vsi(curl|s3|gs|az|adls|oss|swift|webhdfs)")
_SERVICE = re.compile(
    r"(?i)^(wcs|wms|wmts):|/(image|map)server\b|/(wcs|wms|wmts)(\?|$)|[?&]service=(wcs|wms|wmts)\b"
)
_SOURCE = re.compile(r"<SourceFilename[^>]*>([^<]+)<")
# Retries after a server's errors, and timeouts if it does not respond; the user's own environment variables prevail.
_NETWORK = {
    "GDAL_HTTP_MAX_RETRY": 3,
    "GDAL_HTTP_RETRY_DELAY": 1,
    "GDAL_HTTP_CONNECTTIMEOUT": 30,
    "GDAL_HTTP_LOW_SPEED_LIMIT": 1,  # bytes per second, over the next setting's time
    "GDAL_HTTP_LOW_SPEED_TIME": 60,  # seconds
}
_LISTING, _ENDINGS = "GDAL_DISABLE_READDIR_ON_OPEN", "CPL_VSIL_CURL_ALLOWED_EXTENSIONS"
_TOGETHER, _MOST = 8, 64  # sources of a virtual raster that are opened at the same time, and in all
_IMAGES = (".tif", ".tiff", ".jp2")
# Statistics, no-data and names; mask; overviews; the place of an image that does not tell it.
_BESIDE = (".aux.xml", ".msk", ".ovr", ".tfw", ".tifw", ".j2w", ".wld", ".tab")


def is_far(path: str) -> bool:
    """Whether a path or GDAL name is that of a file on another machine."""
    return bool(_FAR.search(path))


def is_service(path: str) -> bool:
    """Whether a path is the address of a web service that sends parts of its rasters on request, not of a file."""
    return is_far(path) and bool(_SERVICE.search(path))


def network() -> dict[str, int]:
    """Settings for reading from other machines, to be in force as long as a raster is open."""
    return {name: value for name, value in _NETWORK.items() if name not in os.environ}


@contextmanager
def few_questions(path: str) -> Iterator[None]:
    """While open, GDAL asks the server of a raster, or of a VRT's sources, only for files beside it that matter.

    To be in force only while rasters are opened: other ones must not be refused for their ending.
    """
    with rasterio.Env(**_questions(path)):
        yield


def open_sources(path: str) -> None:
    """Opens the remote sources of a local virtual raster at the same time; GDAL keeps what their servers answered."""
    names = [name for name in dict.fromkeys(_far_names(path)) if is_far(name)]
    if len(names) < 2:
        return
    settings = {**network(), **_questions(path)}

    def look(name: str) -> None:
        with suppress(RasterioError), rasterio.Env(**settings):
            rasterio.open(name).close()

    with ThreadPoolExecutor(_TOGETHER) as pool:
        list(pool.map(look, names[:_MOST]))


def ask_now(dataset: Any) -> None:
    """Looks for the mask and the overviews of a remote raster, which GDAL otherwise does when they are first used."""
    if is_far(dataset.name) and dataset.count:
        _ = dataset.mask_flag_enums, dataset.overviews(1)


def _questions(path: str) -> dict[str, str]:
    names = _far_names(path)
    if not names or _LISTING in os.environ or _ENDINGS in os.environ:
        return {}
    endings = {ending(name) for name in names}
    # GDAL takes the end of a query for that of a file.
    if endings.issubset(_IMAGES) and not any("?" in name for name in names):
        return {_LISTING: "TRUE", _ENDINGS: ",".join((*sorted(endings), *_BESIDE))}
    return {_LISTING: "TRUE"}


def _far_names(path: str) -> list[str]:
    """The path if it is remote, or the sources of a local virtual raster that are remote or virtual themselves."""
    if is_far(path):
        return [path]
    if ending(path) != ".vrt":
        return []
    with suppress(OSError):
        text = Path(path).read_text(encoding="utf-8", errors="replace")
        sources = map(unescape, _SOURCE.findall(text))
        return [name for name in sources if is_far(name) or ending(name) == ".vrt"]
    return []
