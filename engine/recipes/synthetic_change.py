"""Pairs of dates to learn change from, made without a single label of change.

The background is real: two dates of one place, with all that differs between dates (season, crops,
haze, shadows, registration) and some change that nobody mapped; what is expected there is what
`change_evidence` finds. Certain change is made by pasting ground of another place into one date only.
What may count as change follows from the spectra: ground that never carries vegetation nor water
(roofs, roads, bare construction ground) appearing or being replaced is change; ground with
vegetation replaced by other such ground is not, for it is what fields do. Pasting into both dates at
once is not change either, so a seam tells nothing.
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

# Positions in the nine bands.
GREEN, RED, NIR, SWIR = 1, 2, 6, 7


# Patches in a pair, on average, in the order of pasting. "both" goes into both dates; the others
# into one: "field" is no change, "built" and "water" are.
PASTES = {"both": 1.2, "field": 1.0, "water": 0.15, "built": 2.0}
SAME_DATE = 0.2  # pairs of one date with itself
LARGEST_PATCH = 64  # pixels, the side of a EuroSAT chip
VISIBLE = (
    0.5  # root-mean-square difference, in standard deviations, below which a patch is no change
)


@dataclass(frozen=True)
class Place:
    """Images of one place, on one grid.

    Attributes:
        name: Where.
        images: Reflectance float32 [dates, 9, H, W].
        mean: Mean of each date and band [dates, 9]. std: Standard deviation, likewise.
        cover: What the ground is over all dates, uint8 [H, W]: BUILT (never vegetation nor water: roofs,
            roads, bare ground), FIELD (vegetation on some date), WATER (on every date).
        water: Water on each date, bool [dates, H, W].
        evidence: Probability of change between the two dates [H, W]; None where water that comes or
            goes is all the change there is.
        sampled: How often it serves as background, relative.
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
        """Measures a place: statistics, built-up or bare ground, water, evidence of change.

        Args:
            name: Where.
            images: Reflectance float32 [dates, 9, H, W].
            sampled: How often it serves as background, relative.
            urban: Two dates between which the evidence stands for change; else only water does.
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
        """The same place with some of its dates; keep is bool [dates]."""
        parts = {name: getattr(self, name)[keep] for name in ("images", "mean", "std", "water")}
        cover = np.where(parts["water"].all(0), WATER, self.cover).astype(np.uint8)
        return replace(self, cover=cover, **parts)

    def expected(self, dates: tuple[int, int], cut: tuple[slice, slice]) -> np.ndarray:
        """Probability of change between two dates, as far as it is known: float32 [h, w]."""
        if dates[0] == dates[1]:
            return np.zeros(self.cover[cut].shape, np.float32)
        if self.evidence is not None:
            return self.evidence[cut].astype(np.float32)
        return (self.water[dates[0]][cut] != self.water[dates[1]][cut]).astype(np.float32)


@dataclass
class _Canvas:
    """A pair being made: images [2, 9, s, s], probability of change and cover [s, s]."""

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
        """Keep the material.

        Args:
            places: Backgrounds with two or more dates, also sources of pastes.
            chips: Single-date sources of pastes, at least 64 pixels wide.
            size: Side of a drawn pair, pixels.
        """
        self.places, self.chips, self.size = list(places), list(chips), size
        area = np.array([p.cover.size * p.sampled for p in self.places])
        self._weights = area / area.sum()

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """One pair.

        Returns:
            before and after, float32 [9, size, size], standardised as their scenes are; probability
            that a pixel changed, float32 [size, size].
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
        """Pastes one patch where a fitting source is found; else leaves the pair as it is."""
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
        if kind == "field":  # over fields only: what is built or already changed stays
            mask = mask & (canvas.cover[here] == FIELD) & (canvas.target[here] < 0.5)
        if not mask.any():
            return
        moved = np.sqrt(((patch - old[k])[:, mask] ** 2).mean())
        if kind != "field" and moved < VISIBLE:
            return  # nobody could see it: one roof for another
        pasted = mask
        if kind == "built" and rng.random() < 0.5:
            # A building site is mapped as a whole, though parts of it look as before.
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
    """A connected-looking shape that fills a good part of a square: bool [side, side], never empty."""
    y, x = (np.mgrid[:side, :side] + 0.5) / side * 2 - 1
    angle = rng.uniform(0, np.pi)
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    kind = rng.random()
    mask: np.ndarray
    if kind < 0.4:  # a lot or a building: a turned rectangle, perhaps with a wing
        mask = (np.abs(u) < rng.uniform(0.3, 0.95)) & (np.abs(v) < rng.uniform(0.15, 0.7))
        if rng.random() < 0.4:
            mask |= (np.abs(u - rng.uniform(-0.4, 0.4)) < 0.25) & (np.abs(v) < 0.9)
    elif kind < 0.7:  # a parcel: a convex polygon
        mask = np.ones((side, side), bool)
        for turn in rng.uniform(0, 2 * np.pi, int(rng.integers(4, 8))):
            mask &= x * np.cos(turn) + y * np.sin(turn) < rng.uniform(0.3, 0.9)
    elif kind < 0.9:  # rough ground: an ellipse frayed by smooth noise
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
    """A patch as it would look in the target: between its own contrast and its own reflectance."""
    contrast = _standard(source, pick, there)
    image = source.images[pick][:, there[0], there[1]]
    mean, std = target.mean[date][:, None, None], target.std[date][:, None, None]
    reflectance = np.clip((image - mean) / std, -6, 12)
    return strength * contrast + (1 - strength) * reflectance
