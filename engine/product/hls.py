"""Reads Harmonized Landsat and Sentinel-2 (HLS) products of version 2: one GeoTIFF a band, and no metadata file."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from ..band_names import LANDSAT_OLI, SENTINEL_2, sentinel_id
from ..errors import ProductUnreadable
from .content import Product, ProductBand, natural
from .files import Files
from .quality import QualityLayer, hls_bits

_FILE = re.compile(
    r"(?P<product>(?:^|.*/)HLS\.(?P<kind>[SL]30)\.T\w{5}\.(?P<time>\d{7}T\d{6})\.v2\.\d)\."
    r"(?P<layer>B\w\w|Fmask)(?P<ending>\.tiff?)$",
    re.IGNORECASE,
)
_SCALE = 0.0001
_NODATA = -9999
_SATELLITES = {"S30": ("Sentinel-2", SENTINEL_2), "L30": ("Landsat 8-9", LANDSAT_OLI)}
_NATURAL = ("B04", "B03", "B02")


def find(names: Iterable[str]) -> dict[str, str]:
    """One file of each product among names, by what the names of all the product's files begin with."""
    return {f"{match['product']}.": name for name in names if (match := _FILE.match(name))}


def read(files: Files, root: str, metadata: str, resolution: float) -> Product:
    """Reads what a product consists of.

    Args:
        files: Where its files are.
        root: What the names of its files begin with.
        metadata: One of its files.
        resolution: Not used: all bands have pixels of 30 m.

    Raises:
        ProductUnreadable: It is incomplete.
    """
    match = _FILE.match(metadata)
    if match is None:  # `find` gives no such name
        raise ValueError(metadata)
    satellite, table = _SATELLITES[match["kind"].upper()]
    bands = []
    for key, (_, wavelength) in table.items():
        name = sentinel_id(key)
        file = f"{root}{name}{match['ending']}"
        if files.has(file):
            bands.append(ProductBand(name, file, wavelength, _SCALE, 0.0))
    names = [band.name for band in bands]
    absent = [name for name in _expected(match["kind"].upper()) if name not in names]
    if absent:
        raise ProductUnreadable(
            f"The HLS product {root.rpartition('/')[2].rstrip('.')} lacks {len(absent)} of its bands: "
            f"{', '.join(absent)}. Download all of its files into one folder."
        )
    taken = datetime.strptime(match["time"], "%Y%jT%H%M%S").strftime("%Y-%m-%dT%H:%M:%SZ")
    quality = f"{root}Fmask{match['ending']}"
    known = files.has(quality)
    return Product(
        title=root.rpartition("/")[2].rstrip("."),
        files=files,
        bands=tuple(bands),
        natural=natural(names, _NATURAL),
        nodata=_NODATA,
        date=taken,
        # The offset of Sentinel-2's own products is not in these; told, so that nobody needs to guess it.
        tags={"PLATFORM": satellite, "SENSING_TIME": taken, "BOA_ADD_OFFSET": "0"},
        quality=QualityLayer(quality, "Fmask", hls_bits) if known else None,
        lacking="" if known else "The product's file Fmask is missing: no clouds are masked.",
    )


def _expected(kind: str) -> tuple[str, ...]:
    """The bands that a model may need: neither water vapour nor cirrus."""
    if kind == "S30":
        return ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12")
    return ("B01", "B02", "B03", "B04", "B05", "B06", "B07")
