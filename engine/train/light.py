"""Augmentation by light: the changes of reflectance that sun, haze and season cause."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..infer.model_inputs import Feeds

DATES = ("image", "before", "after")  # names of the inputs that are images


@dataclass(frozen=True)
class Light:
    """How strongly light is changed in augmented copies.

    Attributes:
        brightness: Largest relative change that all bands share.
        gain: Standard deviation of each band's relative change.
        offset: Standard deviation of each band's shift, in the card's unit.
        haze: Standard deviation of the common shift at `HAZE_AT`, in the card's unit; it decreases
            with wavelength. None is applied where wavelengths are not known.
        wavelengths: Wavelengths of the bands, micrometres; empty if not known.
    """

    brightness: float
    gain: float
    offset: float
    haze: float = 0.0
    wavelengths: tuple[float, ...] = ()


@dataclass(frozen=True)
class LightChange:
    """A change of an image: times `factor` [C], plus `shift` [C]."""

    factor: NDArray[np.float64]
    shift: NDArray[np.float64]

    def opposite(self) -> LightChange:
        """The opposite change: as much brighter as this one is darker."""
        return LightChange(1 / self.factor, -self.shift)


HAZE_AT = 0.55  # micrometres
# Angstrom exponents of scattering, from large particles (grey haze) to small ones (molecules would have 4).
HAZE_EXPONENTS = (0.0, 2.5)
# Largest factor by which a band becomes darker or brighter.
LARGEST_FACTOR = 5.0

# About the differences in reflectance between dates of the same ground. Between the two dates of OSCD's 19 cities
# the darkest pixels of the bands moved by .013 to .040, and together (their correlation in visible light is .96).
# With independent shifts alone a head learns to trust the bands' common level, and then misses water that is bright
# with silt on another date.
REFLECTANCE = Light(brightness=0.4, gain=0.08, offset=0.01, haze=0.04)
# Without wavelengths the course of haze is unknown, so bands are shifted independently.
UNKNOWN_BANDS = Light(brightness=0.4, gain=0.08, offset=0.02)
# Standardising each scene removes most of these differences; also for unknown units.
STANDARDISED = Light(brightness=0.1, gain=0.1, offset=0.1)


def draw_change(light: Light, bands: int, generator: np.random.Generator) -> LightChange:
    """Draws a random change of light for so many bands."""
    factor = (1 + generator.uniform(-light.brightness, light.brightness)) * (
        1 + light.gain * generator.normal(size=bands)
    )
    shift = light.offset * generator.normal(size=bands)
    if light.haze and len(light.wavelengths) == bands:
        exponent = generator.uniform(*HAZE_EXPONENTS)
        course = (HAZE_AT / np.array(light.wavelengths)) ** exponent
        shift += light.haze * generator.normal() * course
    return LightChange(factor.clip(1 / LARGEST_FACTOR, LARGEST_FACTOR), shift)


def draw_changes(
    feeds: Feeds, light: Light, generator: np.random.Generator
) -> dict[str, LightChange]:
    """Draws a change of light for each date of a window, by the name of its input."""
    return {
        name: draw_change(light, len(feeds[name]), generator) for name in DATES if name in feeds
    }


def relight(feeds: Feeds, changes: Mapping[str, LightChange]) -> Feeds:
    """Applies changes of light to a window's dates; no-data stays 0."""
    changed = dict(feeds)
    for name, change in changes.items():
        factor, shift = (part[:, None, None] for part in (change.factor, change.shift))
        lit = feeds[name] * factor + shift
        changed[name] = (lit * (feeds["valid"] > 0)).astype(np.float32)
    return changed
