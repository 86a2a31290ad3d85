"""Makes training pairs for change detection without any change labels.

The background is real: two dates of one place, with all differences between dates (season, crops,
haze, shadows, registration) and some unmapped change; its target is the result of `change_evidence`.
Certain change is made by pasting ground of another place into one date only. What counts as change
follows from the spectra: if ground that never carries vegetation or water (roofs, roads, bare
construction ground) appears or is replaced, it is change; vegetated ground replaced by other vegetated
ground is not, as fields do that. Pasting into both dates is not change either, so that seams are no
clue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .change_evidence import change_evidence, soft_target
from .disturbance import (
    BUILT,
    FIELD,
    WATER,
    disturb,
    season,
    shift,
    smooth_noise,
    soften,
)

# Indices of bands among the nine.
GREEN, RED, NIR, SWIR = 1, 2, 6, 7


# Mean number of patches per pair, in the order of pasting. "both" is pasted into both dates, the others into one:
# "field" is not change, "built" and "water" are.
PASTES = {"both": 1.2, "field": 1.0, "water": 0.15, "built": 2.0}
SAME_DATE = 0.2  # share of pairs of a date with itself
LARGEST_PATCH = 64  # pixels, the side of a EuroSAT chip
VISIBLE = 0.5  # RMS difference, in standard deviations, below which a patch is not change


@dataclass(frozen=True)
class Place:
    """Images of one place, on one grid.

    Attributes:
        name: Name of the place.
        images: Reflectance float32 [dates, 9, H, W].
        mean: Mean of each date and band [dates, 9].
        std: Standard deviation of each date and band [dates, 9].
        cover: Ground cover over all dates, uint8 [H, W]: BUILT (never vegetation or water: roofs, roads,
            bare ground), FIELD (vegetation on some date), WATER (on every date).
        water: Water on each date, bool [dates, H, W].
        evidence: Probability of change between the two dates [H, W]; None if only appearing and
            disappearing water is change.
        sampled: Relative frequency as background.
    """

    name: str
    images: np.ndarray
    mean: np.ndarray
    std: np.ndarray
    cover: np.ndarray
    water: np.ndarray
    evidence: np.ndarray | None = None
    sampled: float = 1.0

    @staticmethod
    def of(name: str, images: np.ndarray, sampled: float = 1.0, urban: bool = True) -> Place:
        """Makes a place from images: computes statistics, ground cover, water, and evidence of change.

        Args:
            name: Name of the place.
            images: Reflectance float32 [dates, 9, H, W].
            sampled: Relative frequency as background.
            urban: Whether there are two dates whose evidence is the probability of change; otherwise only
                changes of water count.
        """
        nir, red, green = images[:, NIR], images[:, RED], images[:, GREEN]
        vegetation = (nir - red) / (nir + red + 1e-3)
        water = ((green - nir) / (green + nir + 1e-3) > 0.05) & (images[:, SWIR] < 0.1)
        cover = np.full(water.shape[1:], FIELD, np.uint8)
        cover[(vegetation.max(0) < 0.3) & ~water.any(0)] = BUILT
        cover[water.all(0)] = WATER
        std = images.std((2, 3)) + 1e-4
        evidence = soft_target(change_evidence(*images)) if urban else None
        mean = images.mean((2, 3))
        return Place(name, images, mean, std, cover, water, evidence, sampled)

    def with_dates(self, keep: np.ndarray) -> Place:
        """The same place with a selection of its dates, by the mask `keep` [dates]."""
        parts = {name: getattr(self, name)[keep] for name in ("images", "mean", "std", "water")}
        cover = np.where(parts["water"].all(0), WATER, self.cover).astype(np.uint8)
        return replace(self, cover=cover, **parts)

    def expected(self, dates: tuple[int, int], cut: tuple[slice, slice]) -> np.ndarray:
        """Estimated probability of change between two dates, float32 [h, w]."""
        if dates[0] == dates[1]:
            return np.zeros(self.cover[cut].shape, np.float32)
        if self.evidence is not None:
            return self.evidence[cut].astype(np.float32)
        return (self.water[dates[0]][cut] != self.water[dates[1]][cut]).astype(np.float32)


@dataclass
class _Canvas:
    """A pair in the making: images [2, 9, s, s], probability of change and cover [s, s]."""

    place: Place
    dates: tuple[int, int]
    pair: np.ndarray
    target: np.ndarray
    cover: np.ndarray


class ChangeSampler:
    """Draws training pairs; the same generator state gives the same pairs."""

    def __init__(
        self, places: Sequence[Place], chips: Sequence[Place] = (), size: int = 96
    ) -> None:
        """Stores the material.

        Args:
            places: Backgrounds with two or more dates, also used as sources of patches.
            chips: Single-date sources of patches, at least 64 pixels wide.
            size: Side of a drawn pair, pixels.
        """
        self.places, self.chips, self.size = list(places), list(chips), size
        area = np.array([p.cover.size * p.sampled for p in self.places])
        self._weights = area / area.sum()

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draws a pair.

        Returns:
            before and after, float32 [9, size, size], standardised by scene; probability of change of
            each pixel, float32 [size, size].
        """
        place = self.places[rng.choice(len(self.places), p=self._weights)]
        cut = _cut(rng, place, self.size)
        first, second = _two_dates(rng, len(place.images))
        same = rng.random() < SAME_DATE
        dates = (first, first) if same else (first, second)
        pair = np.stack([_standard(place, date, cut) for date in dates])  # [2, 9, s, s]
        target = place.expected(dates, cut).copy()
        canvas = _Canvas(place, dates, pair, target, place.cover[cut].copy())
        for kind, mean in PASTES.items():
            for _ in range(rng.poisson(mean)):
                self._paste(rng, canvas, kind)
        other = int(rng.integers(2))
        canvas.pair[other] = season(rng, shift(rng, canvas.pair[other]), canvas.cover)
        pair = np.stack([disturb(rng, image) for image in canvas.pair])
        if rng.random() < 0.5:
            pair = pair[::-1]
        turn, mirrored = int(rng.integers(4)), rng.random() < 0.5
        pair, target = np.rot90(pair, turn, (2, 3)), np.rot90(target, turn)
        if mirrored:
            pair, target = pair[..., ::-1], target[:, ::-1]
        return pair[0].copy(), pair[1].copy(), target.copy()

    def _paste(self, rng: np.random.Generator, canvas: _Canvas, kind: str) -> None:
        """Pastes one patch if a suitable source is found; otherwise leaves the pair unchanged."""
        side = int(np.clip(np.exp(rng.normal(2.9, 0.7)), 4, min(LARGEST_PATCH, self.size)))
        mask = blob(rng, side)
        top, left = (int(x) for x in rng.integers(0, self.size - side + 1, 2))
        here = (slice(top, top + side), slice(left, left + side))
        found = self._source(rng, canvas.place, kind, side, mask)
        if found is None:
            return
        source, there = found
        strength = rng.random()
        old = canvas.pair[:, :, here[0], here[1]]  # [2, 9, side, side], a view
        if kind == "both":
            picks = _two_dates(rng, len(source.images))
            for k in range(2):
                patch = _adapt(source, picks[k], there, canvas.place, canvas.dates[k], strength)
                old[k] += soften(mask) * (patch - old[k])
            canvas.target[here][mask] = source.expected(picks, there)[mask]
            canvas.cover[here][mask] = source.cover[there][mask]
            return
        k = int(rng.integers(2))
        pick = canvas.dates[k] if source is canvas.place else int(rng.integers(len(source.images)))
        patch = _adapt(source, pick, there, canvas.place, canvas.dates[k], strength)
        if kind == "field":  # only over fields that have not changed already
            mask = mask & (canvas.cover[here] == FIELD) & (canvas.target[here] < 0.5)
        if not mask.any():
            return
        moved = np.sqrt(((patch - old[k])[:, mask] ** 2).mean())
        if kind != "field" and moved < VISIBLE:
            return  # not visible, such as one roof replaced by another
        pasted = mask
        if kind == "built" and rng.random() < 0.5:
            # A building site is mapped as a whole, although parts of it look unchanged.
            pasted = mask & (smooth_noise(rng, side, max(3, side // 4)) < rng.uniform(0, 1.5))
        old[k] += soften(pasted) * (patch - old[k])
        canvas.target[here][mask] = 0.0 if kind == "field" else 1.0
        if kind != "field":
            canvas.cover[here][mask] = BUILT

    def _source(
        self, rng: np.random.Generator, place: Place, kind: str, side: int, mask: np.ndarray
    ) -> tuple[Place, tuple[slice, slice]] | None:
        for _ in range(12):
            choice = rng.random()
            if choice < 0.5:
                source = place
            elif choice < 0.8 or not self.chips:
                source = self.places[rng.choice(len(self.places), p=self._weights)]
            else:
                source = self.chips[rng.integers(len(self.chips))]
            there = _cut(rng, source, side)
            built = np.mean(source.cover[there][mask] == BUILT)
            water = np.mean(np.any(source.water[:, there[0], there[1]], 0, keepdims=True)[0, mask])
            if (
                kind == "both"
                or (kind == "built" and built > 0.7)
                or (kind == "field" and built < 0.2 and water < 0.1)
                or (kind == "water" and water > 0.9)
            ):
                return source, there
        return None


def blob(rng: np.random.Generator, side: int) -> np.ndarray:
    """Draws a mostly connected shape that fills much of a square: bool [side, side], never empty."""
    y, x = (np.mgrid[:side, :side] + 0.5) / side * 2 - 1
    angle = rng.uniform(0, np.pi)
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    kind = rng.random()
    mask: np.ndarray
    if kind < 0.4:  # a lot or building: a rotated rectangle, sometimes with a wing
        mask = (np.abs(u) < rng.uniform(0.3, 0.95)) & (np.abs(v) < rng.uniform(0.15, 0.7))
        if rng.random() < 0.4:
            mask |= (np.abs(u - rng.uniform(-0.4, 0.4)) < 0.25) & (np.abs(v) < 0.9)
    elif kind < 0.7:  # a parcel: a convex polygon
        mask = np.ones((side, side), bool)
        for turn in rng.uniform(0, 2 * np.pi, int(rng.integers(4, 8))):
            mask &= x * np.cos(turn) + y * np.sin(turn) < rng.uniform(0.3, 0.9)
    elif kind < 0.9:  # rough ground: an ellipse with a border of smooth noise
        radius = np.hypot(u / rng.uniform(0.5, 1), v / rng.uniform(0.3, 1))
        mask = radius + 0.5 * smooth_noise(rng, side, 5) < 0.8
    else:  # a road
        mask = np.abs(v + 0.3 * np.sin(rng.uniform(0, 2) * u)) < max(1.5 / side, 0.08)
    if not mask.any():
        mask[side // 2, side // 2] = True
    return mask


def _cut(rng: np.random.Generator, place: Place, side: int) -> tuple[slice, slice]:
    height, width = place.cover.shape
    row, col = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
    return slice(row, row + side), slice(col, col + side)


def _two_dates(rng: np.random.Generator, count: int) -> tuple[int, int]:
    if count == 1:
        return 0, 0
    first = int(rng.integers(count))
    return first, (first + int(rng.integers(1, count))) % count


def _standard(place: Place, date: int, cut: tuple[slice, slice]) -> np.ndarray:
    image = place.images[date][:, cut[0], cut[1]]
    return (image - place.mean[date][:, None, None]) / place.std[date][:, None, None]


def _adapt(
    source: Place,
    pick: int,
    there: tuple[slice, slice],
    target: Place,
    date: int,
    strength: float,
) -> np.ndarray:
    """Adapts a patch to the target scene: mixes its own standardised contrast with its reflectance there."""
    contrast = _standard(source, pick, there)
    image = source.images[pick][:, there[0], there[1]]
    mean, std = target.mean[date][:, None, None], target.std[date][:, None, None]
    reflectance = np.clip((image - mean) / std, -6, 12)
    return strength * contrast + (1 - strength) * reflectance
