"""Reads products of Landsat Collection 2, Level-1 and Level-2, of the sensors TM, ETM+ and OLI."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping

from ..band_names import LANDSAT_OLI, LANDSAT_TM
from ..errors import ProductUnreadable
from .content import Product, ProductBand, natural
from .files import Files
from .metadata import Groups, parse_landsat
from .quality import QualityLayer, landsat_bits

_METADATA = re.compile(r"_MTL\.(?P<form>txt|xml|json)$", re.IGNORECASE)
_FORMS = ("txt", "xml", "json")  # of the same content; the first there is is read
_SENSORS = {
    "OLI": (LANDSAT_OLI, ("B4", "B3", "B2")),
    "ETM": (LANDSAT_TM, ("B3", "B2", "B1")),
    "TM": (LANDSAT_TM, ("B3", "B2", "B1")),
}
_TAGS = ("LANDSAT_PRODUCT_ID", "PROCESSING_LEVEL", "SPACECRAFT_ID", "SENSOR_ID", "DATE_ACQUIRED")
_SURFACE = "LEVEL2_SURFACE_REFLECTANCE_PARAMETERS"
_TOP = "LEVEL1_RADIOMETRIC_RESCALING"


def find(names: Iterable[str]) -> dict[str, str]:
    """The metadata files among names, by what the names of all the product's files begin with."""
    found: dict[str, dict[str, str]] = {}
    for name in names:
        match = _METADATA.search(name)
        if match:
            found.setdefault(name[: match.start()], {})[match["form"].lower()] = name
    return {
        product: next(forms[form] for form in _FORMS if form in forms)
        for product, forms in found.items()
    }


def read(files: Files, root: str, metadata: str, resolution: float) -> Product:
    """Reads what a product consists of.

    Args:
        files: Where its files are.
        root: What the names of its files begin with.
        metadata: Its metadata file.
        resolution: Not used: all bands have pixels of 30 m.

    Raises:
        ProductUnreadable: It is incomplete, of Collection 1, or of another sensor.
    """
    groups = parse_landsat(files.read(metadata), metadata)
    told = {**groups.get("IMAGE_ATTRIBUTES", {}), **groups.get("PRODUCT_CONTENTS", {})}
    sensor = told.get("SENSOR_ID", "").split("_")[0].rstrip("+")
    if told.get("COLLECTION_NUMBER", "").lstrip("0") != "2" or sensor not in _SENSORS:
        raise ProductUnreadable(
            f"'{metadata}' does not describe a Landsat Collection 2 product with reflectances of TM, ETM+ or OLI "
            f"(collection {told.get('COLLECTION_NUMBER', '1 or older')}, sensor {told.get('SENSOR_ID', 'unknown')}). "
            "Download the scene from Collection 2, best as Level-2 (surface reflectance)."
        )
    table, colours = _SENSORS[sensor]
    folder = "".join(metadata.rpartition("/")[:2])
    bands = tuple(_bands(groups, told, table, folder))
    names = [band.name for band in bands]
    absent = [band.file for band in bands if not files.has(band.file)]
    if absent or not set(colours) <= set(names):
        raise ProductUnreadable(
            f"The product lacks {len(absent) or 'all'} of its files, such as '{(absent or ['B2'])[0]}': it is "
            "incompletely downloaded or unpacked. Download it as a whole (the product bundle)."
        )
    quality = f"{folder}{told.get('FILE_NAME_QUALITY_L1_PIXEL', '')}"
    known = files.has(quality)
    return Product(
        title=told.get("LANDSAT_PRODUCT_ID") or root,
        files=files,
        bands=bands,
        natural=natural(names, colours),
        nodata=0,
        date=f"{told.get('DATE_ACQUIRED', '')}T{told.get('SCENE_CENTER_TIME', '')}".strip("T"),
        tags={key: told[key] for key in _TAGS if key in told},
        quality=QualityLayer(quality, "QA_PIXEL", landsat_bits) if known else None,
        lacking="" if known else "The product's file QA_PIXEL is missing: no clouds are masked.",
    )


def _bands(
    groups: Groups,
    told: Mapping[str, str],
    table: Mapping[str, tuple[str, float]],
    folder: str,
) -> Iterable[ProductBand]:
    """The bands with a factor for reflectance: neither thermal nor panchromatic ones.

    The numbers of both levels stand in the metadata of Level-2, under the same keys in two groups.
    """
    surface = told.get("PROCESSING_LEVEL", "").startswith("L2")
    factors = groups.get(_SURFACE if surface else _TOP, {})
    # Level-1 is not corrected for the height of the sun.
    sun = 1.0 if surface else math.sin(math.radians(float(told.get("SUN_ELEVATION", "90"))))
    for key, (_, wavelength) in table.items():
        file = told.get(f"FILE_NAME_BAND_{key}")
        scale = factors.get(f"REFLECTANCE_MULT_BAND_{key}")
        if file and scale:
            offset = float(factors.get(f"REFLECTANCE_ADD_BAND_{key}", "0"))
            yield ProductBand(
                f"B{key}", folder + file, wavelength, float(scale) / sun, offset / sun
            )
