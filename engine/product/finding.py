"""Finds the product that a file, folder or archive belongs to."""

from __future__ import annotations

import re
from typing import Any

from ..errors import ProductUnreadable
from . import hls, landsat, sentinel2
from .content import Product
from .files import Files, locate, unreadable

_READERS: tuple[Any, ...] = (sentinel2, landsat, hls)  # modules with `find` and `read`
_PIXELS = re.compile(r"\.(?:jp2|tiff?)$", re.IGNORECASE)
# What is often given in vain, by a file name that shows it, and what to do.
_OTHERS = (
    (
        r"S2[AB]_(?:OPER|USER)_(?:MTD|PRD|MSI)_",
        "It is a Sentinel-2 product in the format used before December 2016. Download the scene again: the archive "
        "has been reprocessed.",
    ),
    (
        r"(?:^|/)T\d{2}[A-Z]{3}_\d{8}T\d{6}_\w+\.jp2$|(?:^|/)MTD_(?:TL|DS)\.xml$",
        "There are files of a Sentinel-2 product, but its metadata file MTD_MSIL2A.xml or MTD_MSIL1C.xml is missing "
        "from the folders above them. Without it, the scale and offset of the values are unknown. Download the whole "
        "product.",
    ),
    (
        r"(?:^|/)L[COTE]\d\d_L[12]\w\w_\w+\.tif$",
        "There are files of a Landsat product, but no metadata file (its name ends in _MTL.txt). Without it, the scale "
        "and offset of the values are unknown. Download the product bundle.",
    ),
    (
        r"(?:^|/)HLS\.[SL]30\..*v1\.\d",
        "It is an HLS product of version 1. Download version 2.",
    ),
    (
        r"(?:^|/)manifest\.safe$",
        "It is a product of another satellite or processing level. For Sentinel-2, only Level-1C and Level-2A can be "
        "opened.",
    ),
)


def find_product(given: str, resolution: float = 0.0) -> Product:
    """Reads the product that something belongs to.

    Args:
        given: Folder, archive, or any file of a product.
        resolution: Wanted side of a pixel, metres; 0 is the finest.

    Raises:
        ProductUnreadable: It belongs to no product that can be opened, to several, or to an incomplete one.
    """
    files, name = locate(given)
    found = [
        (reader, root, metadata)
        for reader in _READERS
        for root, metadata in reader.find(files.names).items()
    ]
    own = [product for product in found if name and name.startswith(product[1])]
    # A band file that belongs to none is not that of its neighbour.
    if not own and not _PIXELS.search(name):
        own = found
    if not own:
        raise ProductUnreadable(_unknown(given, files, name))
    if len(own) > 1:
        titles = ", ".join(metadata for _, _, metadata in own[:4])
        raise ProductUnreadable(
            f"'{given}' contains {len(own)} products: {titles}. Choose one of these files, or the folder or archive of "
            "one product."
        )
    reader, root, metadata = own[0]
    try:
        product: Product = reader.read(files, root, metadata, resolution)
    except (ValueError, IndexError) as error:  # a number or name that is none
        raise unreadable(metadata, error) from error
    return product


def _unknown(given: str, files: Files, name: str) -> str:
    """Says what is expected, and what seems to have been given."""
    names = [name] if name else []
    text = (
        f"'{given}' does not belong to a satellite product that can be opened. Choose a Sentinel-2 product (.SAFE "
        "folder or .zip, Level-1C or Level-2A), a Landsat Collection 2 product (folder or .tar), or an HLS version 2 "
        "product (folder)."
    )
    for pattern, remark in _OTHERS:
        if any(re.search(pattern, each, re.IGNORECASE) for each in [*names, *files.names]):
            return f"{text} {remark}"
    return text
