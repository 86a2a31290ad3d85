"""Augmentation by differences between two acquisitions of a place that are not change.

Images are standardised by scene, so disturbances are in units of a band's standard deviation over
its scene.
"""

from __future__ import annotations

import numpy as np

# Kinds of ground cover.
BUILT, FIELD, WATER = 0, 1, 2


def soften(mask: np.ndarray) -> np.ndarray:
    """Softens a mask's edges like the sensor's point spread function, by a 3 x 3 mean."""
    padded = np.pad(mask.astype(np.float32), 1, mode="edge")
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    return (rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) / 9


def smooth_noise(rng: np.random.Generator, side: int, knots: int) -> np.ndarray:
    """Noise [side, side], bilinearly interpolated between knots of unit variance."""
    grid = rng.standard_normal((knots, knots))
    at = np.linspace(0, knots - 1, side)
    low = np.minimum(at.astype(int), knots - 2)
    part = at - low
    rows = grid[low] * (1 - part)[:, None] + grid[low + 1] * part[:, None]
    return rows[:, low] * (1 - part) + rows[:, low + 1] * part


def shift(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Shifts an image by up to a pixel (misregistration), in half of the draws."""
    if rng.random() < 0.5:
        return image
    for axis in (1, 2):
        part, step = rng.uniform(0, 1), int(rng.choice((-1, 1)))
        width = [(1, 1) if k == axis else (0, 0) for k in range(3)]
        padded = np.pad(image, width, mode="edge")
        index = np.arange(image.shape[axis]) + 1 + step
        image = (1 - part) * image + part * np.take(padded, index, axis)
    return image


def season(rng: np.random.Generator, image: np.ndarray, cover: np.ndarray) -> np.ndarray:
    """Changes the vigour of all vegetation, the colour of all water, and the sun's elevation over relief."""
    out = image.copy()
    for kind, amount in ((FIELD, (0.5, 0.8)), (WATER, (1.0, 0.5))):
        if rng.random() < 0.5:
            visible, infrared = rng.normal(0, amount[0]), rng.normal(0, amount[1])
            move = np.repeat([visible, infrared, infrared], 3) + rng.normal(0, 0.15, 9)
            move[7:] = rng.normal(0, 0.8 * amount[1])
            spread = 1 + 0.4 * smooth_noise(rng, cover.shape[0], 4)
            out += move[:, None, None] * (spread * soften(cover == kind))
    if rng.random() < 0.4:  # a low sun increases the local contrast
        local = local_mean(out, 9)
        out = local + rng.uniform(0.7, 1.4) * (out - local)
    return out


def local_mean(image: np.ndarray, size: int) -> np.ndarray:
    """Mean over size x size pixels of an image [C, H, W], with edges repeated."""
    out = image
    for axis in (1, 2):
        width = [(size // 2 + 1, size // 2) if k == axis else (0, 0) for k in range(3)]
        total = np.cumsum(np.pad(out, width, mode="edge"), axis=axis)
        out = (
            np.take(total, range(size, total.shape[axis]), axis)
            - np.take(total, range(total.shape[axis] - size), axis)
        ) / size
    return out


def disturb(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Applies differences between any two acquisitions: gain, offset, haze or shadow, noise."""
    bands, side = image.shape[0], image.shape[1]
    gain = np.exp(rng.normal(0, 0.08) + rng.normal(0, 0.05, bands))
    offset: np.ndarray = np.full(bands, rng.normal(0, 0.1)) + rng.normal(0, 0.08, bands)
    out = image * gain[:, None, None] + offset[:, None, None]
    if rng.random() < 0.3:
        amount = rng.normal(0, 0.25)
        slope = np.linspace(1, rng.uniform(0, 1), bands)[:, None, None]
        out = out + amount * slope * smooth_noise(rng, side, 3)
    return (out + rng.normal(0, rng.uniform(0, 0.06), out.shape)).astype(np.float32)
