"""Another light on the same ground: what sun, haze and season do to reflectance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..infer.scene import Feeds

DATES = ("image", "before", "after")  # inputs that are images


@dataclass(frozen=True)
class Light:
    """How strongly the light is changed in the copies of a window.

    Attributes:
        brightness: Largest relative change that all bands share.
        gain: Standard deviation of each band's relative change.
        offset: Standard deviation of each band's shift, in the card's unit.
        haze: Standard deviation of the shift at `HAZE_AT` that all bands share, in the card's unit;
            less at longer wavelengths. There is none where the wavelengths are not known.
        wavelengths: Wavelengths of the bands, micrometres; empty if not known.
    """

    brightness: float
    gain: float
    offset: float
    haze: float = 0.0
    wavelengths: tuple[float, ...] = ()


@dataclass(frozen=True)
class LightChange:
    """What becomes of an image: times `factor` [C], plus `shift` [C]."""

    factor: NDArray[np.float64]
    shift: NDArray[np.float64]

    def opposite(self) -> LightChange:
        """As much brighter as this one is darker, and the other way round."""
        return LightChange(1 / self.factor, -self.shift)


HAZE_AT = 0.55  # micrometres
# Of scattering: from large particles, grey, to small ones (molecules would have 4).
HAZE_EXPONENTS = (0.0, 2.5)
# No light makes a band darker or brighter than by this factor.
LARGEST_FACTOR = 5.0

# Other dates of the same ground differ by about this much in reflectance: sun, haze, season. Between
# the two dates of OSCD's 19 cities the dark ends of the bands moved by .013 to .040, together (their
# correlation in visible light is .96): shifts of each band by itself alone teach a head to trust
# their common level, and water that is bright with silt on one date was not found on another.
REFLECTANCE = Light(brightness=0.4, gain=0.08, offset=0.01, haze=0.04)
# Without wavelengths there is no knowing how haze falls, and each band is shifted by itself.
UNKNOWN_BANDS = Light(brightness=0.4, gain=0.08, offset=0.02)
# Where each scene is standardised, or the unit is unknown, little is left of it.
STANDARDISED = Light(brightness=0.1, gain=0.1, offset=0.1)


def draw_change(light: Light, bands: int, generator: np.random.Generator) -> LightChange:
    """Another light at random for so many bands."""
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
    """Another light for each date of a window, by the name of its input."""
    return {
        name: draw_change(light, len(feeds[name]), generator) for name in DATES if name in feeds
    }


def relight(feeds: Feeds, changes: Mapping[str, LightChange]) -> Feeds:
    """The same window under another light, each date by itself; no-data stays 0."""
    changed = dict(feeds)
    for name, change in changes.items():
        factor, shift = (part[:, None, None] for part in (change.factor, change.shift))
        lit = feeds[name] * factor + shift
        changed[name] = (lit * (feeds["valid"] > 0)).astype(np.float32)
    return changed
