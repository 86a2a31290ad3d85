"""Reads Sentinel-2 products of Level-1C and Level-2A in the form they have had since December 2016 (SAFE_COMPACT)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree  # nosec B405

from ..band_names import SENTINEL_2, sentinel_id
from ..errors import ProductUnreadable
from ..language import marked
from .content import Product, ProductBand, natural
from .files import METADATA, Files
from .metadata import first_text, parse_xml, texts
from .quality import QualityLayer, cloud_flags, scene_classes

# The metadata number the bands in this order, from 0.
_ORDER = ("1", "2", "3", "4", "5", "6", "7", "8", "8A", "9", "10", "11", "12")
_IMAGE = re.compile(r"_(?P<band>B(?:0[1-9]|1[0-2]|8A)|SCL)(?:_(?P<metres>\d+)m)?$")
_NATURAL = ("B04", "B03", "B02")
# Sen2Cor wrote the second spelling until 2018.
_IMAGES = ("IMAGE_FILE", "IMAGE_FILE_2A")
_QUANTIFICATION = {
    "2A": ("BOA_QUANTIFICATION_VALUE", "L2A_BOA_QUANTIFICATION_VALUE"),
    "1C": ("QUANTIFICATION_VALUE",),
}
_OFFSET = {"2A": "BOA_ADD_OFFSET", "1C": "RADIO_ADD_OFFSET"}
_TAGS = ("PRODUCT_URI", "PROCESSING_LEVEL", "PROCESSING_BASELINE", "SPACECRAFT_NAME")


def find(names: Iterable[str]) -> dict[str, str]:
    """The metadata files among names, by what the names of all the product's files begin with."""
    return {"".join(name.rpartition("/")[:2]): name for name in names if METADATA.search(name)}


def read(files: Files, root: str, metadata: str, resolution: float) -> Product:
    """Reads what a product consists of.

    Args:
        files: Where its files are.
        root: What the names of its files begin with.
        metadata: Its metadata file.
        resolution: Wanted side of a pixel, metres; 0 is the finest.

    Raises:
        ProductUnreadable: It is incomplete, or of several tiles.
    """
    tree = parse_xml(files.read(metadata), metadata)
    level = metadata[-6:-4]
    images = [f"{root}{name}.jp2" for name in texts(tree, *_IMAGES)]
    tiles = sorted({name[len(root) :].split("/")[1] for name in images if name.count("/") > 1})
    by_band = _finest(images, resolution)
    unit = first_text(tree, *_QUANTIFICATION[level])
    if len(tiles) != 1 or not unit or not set(_NATURAL) <= set(by_band):
        raise ProductUnreadable(
            f"The metadata file '{metadata}' lists {len(tiles)} tiles and the files of {len(by_band)} bands, but one "
            "tile with all bands and the scale of their values is needed. The product has the format used before "
            "December 2016, or it is damaged. Download it again."
        )
    bands = tuple(_bands(tree, level, float(unit), by_band))
    absent = [band.file for band in bands if not files.has(band.file)]
    if absent:
        raise ProductUnreadable(
            f"The product lacks {len(absent)} of its files, such as '{absent[0]}': its download or unpacking is "
            "incomplete. Download or unpack it again. If only its files of 20 or 60 m were downloaded, specify that "
            "resolution."
        )
    names = [band.name for band in bands]
    quality, lacking = _quality(files, level, by_band, f"{root}GRANULE/{tiles[0]}/QI_DATA/")
    taken = first_text(tree, "DATATAKE_SENSING_START", "PRODUCT_START_TIME")
    return Product(
        title=first_text(tree, "PRODUCT_URI", "PRODUCT_URI_2A").removesuffix(".SAFE") or tiles[0],
        files=files,
        bands=bands,
        natural=natural(names, _NATURAL),
        nodata=0,
        date=taken,
        tags=_kept(tree, level, taken),
        quality=quality,
        lacking=lacking,
    )


def _finest(images: Iterable[str], resolution: float) -> dict[str, str]:
    """One file for each band: the coarsest of those that are fine enough, else the finest."""
    found: dict[str, list[tuple[int, str]]] = {}
    for image in images:
        match = _IMAGE.search(image.removesuffix(".jp2"))
        if match:
            found.setdefault(match["band"], []).append((int(match["metres"] or 0), image))
    chosen = {}
    for band, variants in found.items():
        enough = [variant for variant in variants if variant[0] <= resolution]
        chosen[band] = (max(enough) if enough else min(variants))[1]
    return chosen


def _bands(
    tree: ElementTree.Element, level: str, unit: float, by_band: dict[str, str]
) -> Iterable[ProductBand]:
    """The bands of reflectance, in Sentinel-2's order."""
    added = {item.get("band_id"): float(item.text or 0) for item in tree.iter(_OFFSET[level])}
    for number, key in enumerate(_ORDER):
        name = sentinel_id(key)
        if name in by_band:
            offset = added.get(str(number), 0.0)
            yield ProductBand(name, by_band[name], SENTINEL_2[key][1], 1 / unit, offset / unit)


def _quality(
    files: Files, level: str, by_band: dict[str, str], folder: str
) -> tuple[QualityLayer | None, str]:
    """The layer that tells clouds, or why there is none."""
    if level == "2A":
        name = by_band.get("SCL", "")
        if name and files.has(name):
            return QualityLayer(name, marked("scene classification (SCL)"), scene_classes), ""
        return None, "The product's scene classification (SCL) is missing: no clouds are masked."
    name = f"{folder}MSK_CLASSI_B00.jp2"
    if files.has(name):
        return QualityLayer(name, "MSK_CLASSI_B00", cloud_flags), ""
    return None, (
        "The product has no cloud mask that can be read: before processing baseline 04.00 (January 2022), products of "
        "Level-1C only have polygons. No clouds are masked. The Level-2A product of the same date has a mask."
    )


def _kept(tree: ElementTree.Element, level: str, taken: str) -> dict[str, str]:
    """Metadata under the names that GDAL's own reader gives them.

    The offset is told even if it is 0, as nobody needs to guess it from the baseline then.
    """
    kept = {key: first_text(tree, key) for key in _TAGS}
    offsets = texts(tree, _OFFSET[level])
    kept[_OFFSET[level]] = offsets[0] if offsets else "0"
    kept["DATATAKE_1_DATATAKE_SENSING_START"] = taken
    return {key: value for key, value in kept.items() if value}
