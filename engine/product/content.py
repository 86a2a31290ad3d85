"""What a product consists of, as the readers of the different satellites tell it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .files import Files
from .quality import QualityLayer


@dataclass(frozen=True)
class ProductBand:
    """A band of a product; value * scale + offset is its reflectance.

    Attributes:
        name: Its name, such as B02, as the matching of bands recognises it.
        file: Its file in the product.
        wavelength: Centre, micrometres.
        scale: Reflectance of one stored unit.
        offset: Reflectance of the stored value 0.
    """

    name: str
    file: str
    wavelength: float
    scale: float
    offset: float


@dataclass(frozen=True)
class Product:
    """A product.

    Attributes:
        title: Its name.
        files: Where its files are.
        bands: Its bands of reflectance, in the order of their wavelengths.
        natural: Positions of red, green and blue among `bands`, from 0.
        nodata: Stored value without data.
        date: When it was taken, ISO 8601.
        tags: Metadata to keep.
        quality: The layer that tells clouds; None if there is none that can be read.
        lacking: If there is none: why, as a sentence.
    """

    title: str
    files: Files
    bands: tuple[ProductBand, ...]
    natural: tuple[int, int, int]
    nodata: float
    date: str
    tags: Mapping[str, str] = field(default_factory=dict)
    quality: QualityLayer | None = None
    lacking: str = ""


def natural(names: Sequence[str], colours: tuple[str, str, str]) -> tuple[int, int, int]:
    """The positions of the bands that are red, green and blue."""
    red, green, blue = map(names.index, colours)
    return red, green, blue
