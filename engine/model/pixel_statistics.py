"""Hand-crafted features of a scene: spectra, texture, sizes, lines, directions, patches.

A few dozen labelled scenes are too few to learn texture from; these features contain it already, and
a linear layer on them is fitted in closed form. All consist of operations that ONNX has, and most are
invariant to rotation and mirroring.

Only the six common bands are used (no red edge); for other bands see `band_statistics`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .band_relations import band_relations, relations_width
from .common_bands import COMMON_BANDS
from .patch_dictionary import SIDE, compress

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
GRADIENT_SCALES = (1, 2, 4)
OPENING_SIZES = (3, 5, 9, 15)
LINE_LENGTHS = (15, 31)
LINE_DIRECTIONS = 12
TENSOR_SIZES = (8, 16)
_TINY = 1e-6


class PixelStatistics(nn.Module):
    """Seven blocks of features of a window in reflectance.

    Spectra, cover, sizes and relations are invariant to rotation and mirroring; the others change
    little.

    Attributes:
        bands: Where in the image the six common bands lie.
        widths: Number of features of each block, in the order of `forward`'s output.
    """

    filters: Tensor
    offsets: Tensor

    def __init__(self, patterns: int = 256, bands: Sequence[int] = COMMON_BANDS) -> None:
        """Make the measurements.

        Args:
            patterns: Patches in the dictionary; `set_dictionary` fills it.
            bands: Where in the image the six common bands lie, see `common_bands.common_bands`.
        """
        super().__init__()
        self.bands = tuple(bands)
        self.register_buffer("filters", torch.zeros(patterns, len(self.bands), SIDE, SIDE))
        self.register_buffer("offsets", torch.zeros(patterns))
        for length in LINE_LENGTHS:
            self.register_buffer(f"lines_{length}", _line_filters(length), persistent=False)
        self.widths = {
            "spectra": 14 * (2 + len(QUANTILES) + len(GRADIENT_SCALES)),
            "cover": 25,
            "patches": patterns,
            "sizes": 6 * 4 * len(OPENING_SIZES),
            "lines": 3 * 2 * 6 * len(LINE_LENGTHS),
            "directions": 6 * 5 * len(TENSOR_SIZES),
            "relations": relations_width(len(self.bands)),
        }

    def set_dictionary(self, filters: Tensor, offsets: Tensor) -> None:
        """Sets the dictionary that `patch_dictionary.learn_dictionary` returned."""
        self.filters.copy_(filters)
        self.offsets.copy_(offsets)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Measure.

        Args:
            image: Reflectance [B, C, H, W], at least 32 pixels each way.

        Returns:
            One [B, widths[name]] for each block.
        """
        common = image[:, list(self.bands)].clamp_min(0)  # [B, 6, H, W]
        cues = _cues(common)  # [B, 6, H, W]
        return [
            _spectra(common),
            _cover(cues),
            self._patches(common),
            _sizes(cues),
            self._lines(cues[:, [0, 1, 4]]),
            _directions(cues),
            band_relations(compress(common)),
        ]

    def _patches(self, common: Tensor) -> Tensor:
        """How much of the window resembles each patch of the dictionary: [B, patterns]."""
        response = F.conv2d(compress(common), self.filters) - self.offsets[:, None, None]
        return torch.sqrt(F.relu(response).mean((2, 3)) + 1e-4)

    def _lines(self, cues: Tensor) -> Tensor:
        """Strength of bright and dark lines, and how far they share one direction."""
        out = []
        batch = cues.shape[0]
        angle = torch.arange(LINE_DIRECTIONS, device=cues.device) * (2 * math.pi / LINE_DIRECTIONS)
        for length in LINE_LENGTHS:
            filters = self.get_buffer(f"lines_{length}")
            height, width = cues.shape[2:]
            response = F.conv2d(cues.reshape(-1, 1, height, width), filters)  # [B * 3, N, h, w]
            for sign in (1.0, -1.0):
                strength = F.relu(sign * response)
                best = _quantiles(strength.amax(1, keepdim=True), (0.5, 0.9, 0.98, 1.0))
                energy = strength.square().mean((2, 3)) + _TINY  # [B * 3, N]
                total = energy.sum(1)
                one_way = _length((energy * angle.cos()).sum(1), (energy * angle.sin()).sum(1))
                peak = energy.amax(1) / energy.mean(1)
                part = [torch.log(best + 1e-3), (one_way / total)[:, None], peak.log()[:, None]]
                out.append(torch.cat(part, 1).reshape(batch, -1))  # [B, 3 * 6]
        return torch.cat(out, 1)


def band_ratios(common: Tensor, floor: float = 1e-3) -> Tensor:
    """Eight normalised differences.

    Args:
        common: Reflectance of the six common bands [B, 6, H, W], at least 0.
        floor: Added to each denominator, so that dark pixels give no wild values.

    Returns:
        Vegetation, water, wetness, built-up, moisture, red to blue, green to red, and short-wave
        infrared [B, 8, H, W].
    """
    blue, green, red, near, short, far = common.unbind(1)
    pairs = [(near, red), (green, near), (green, short), (short, near)]
    pairs += [(near, far), (red, blue), (green, red), (short, far)]
    return torch.stack([_ratio(first, second, floor) for first, second in pairs], 1)


def _ratio(first: Tensor, second: Tensor, floor: float = 1e-3) -> Tensor:
    """Normalised difference."""
    return (first - second) / (first + second + floor)


def _cues(common: Tensor) -> Tensor:
    """Brightness, vegetation, water, built-up, near and short-wave infrared: [B, 6, H, W]."""
    _, green, red, near, short, far = common.unbind(1)
    bright = common[:, :3].mean(1)
    return torch.stack(
        [
            torch.log(bright + 0.02),
            _ratio(near, red),
            _ratio(green, short),
            _ratio(short, near),
            torch.log(near + 0.02),
            torch.log(far + 0.02),
        ],
        1,
    )


def _spectra(common: Tensor) -> Tensor:
    """Mean, deviation, quantiles and gradients of six bands (log) and eight ratios."""
    return moments(torch.cat([torch.log(common + 0.01), band_ratios(common)], 1))  # of 14


def moments(image: Tensor) -> Tensor:
    """Mean, deviation, quantiles and log gradients of every map: [B, C, H, W] to [B, 10 C]."""
    out = [image.mean((2, 3)), _deviation(image), _quantiles(image, QUANTILES)]
    for scale in GRADIENT_SCALES:
        coarse = F.avg_pool2d(image, scale)
        across = (coarse[..., 1:] - coarse[..., :-1]).abs().mean((2, 3))
        down = (coarse[..., 1:, :] - coarse[..., :-1, :]).abs().mean((2, 3))
        out.append(torch.log(across + down + 1e-4))
    return torch.cat(out, 1)


def _cover(cues: Tensor) -> Tensor:
    """Shares of water, vegetation, dense vegetation, bare and bright bare ground."""
    bright, green, wet = cues[:, 0], cues[:, 1], cues[:, 2]
    water = torch.sigmoid(20 * (wet - 0.1)) * torch.sigmoid(20 * (0.2 - green))
    bare = torch.sigmoid(20 * (0.35 - green)) * (1 - water)
    cover = torch.stack(
        [
            water,
            torch.sigmoid(20 * (green - 0.5)),
            torch.sigmoid(20 * (green - 0.65)),
            bare,
            torch.sigmoid(8 * (bright + 1.7)) * bare,
        ],
        1,
    )
    share = cover.mean((2, 3))
    coarse = F.avg_pool2d(cover, 8)
    extremes = [coarse.amax((2, 3)), coarse.amin((2, 3)), _deviation(coarse)]
    return torch.cat([share, torch.sqrt(share + _TINY), *extremes], 1)


def _sizes(cues: Tensor) -> Tensor:
    """Granulometry: what openings and closings of growing size remove (roofs, fields)."""
    out = []
    opened, closed = cues, cues
    for size in OPENING_SIZES:
        next_opened = _dilate(_erode(cues, size), size)
        next_closed = _erode(_dilate(cues, size), size)
        for removed in (opened - next_opened, next_closed - closed):
            out += [removed.mean((2, 3)).clamp_min(0), _deviation(removed)]
        opened, closed = next_opened, next_closed
    return torch.sqrt(torch.cat(out, 1) + _TINY)


def _directions(cues: Tensor) -> Tensor:
    """Structure tensor: how far edges are parallel or perpendicular, locally and over the window."""
    across = cues[:, :, 1:-1, 2:] - cues[:, :, 1:-1, :-2]
    down = cues[:, :, 2:, 1:-1] - cues[:, :, :-2, 1:-1]
    power = across.square() + down.square()
    double_cos, double_sin = across.square() - down.square(), 2 * across * down
    mean_power = power.mean((2, 3)) + _TINY
    whole = _length(double_cos.mean((2, 3)), double_sin.mean((2, 3))) / mean_power
    four_cos = (double_cos.square() - double_sin.square()) / (power + _TINY)
    four_sin = 2 * double_cos * double_sin / (power + _TINY)
    square = _length(four_cos.mean((2, 3)), four_sin.mean((2, 3))) / mean_power
    peaked = torch.log(power.square().mean((2, 3)) / mean_power.square() + _TINY)
    out = []
    for size in TENSOR_SIZES:
        weight = F.avg_pool2d(power, size, size // 2) + 1e-5
        local = _length(
            F.avg_pool2d(double_cos, size, size // 2), F.avg_pool2d(double_sin, size, size // 2)
        )
        weighted = local.mean((2, 3)) / weight.mean((2, 3))
        out += [(local / weight).mean((2, 3)), weighted, whole, square, peaked]
    return torch.cat(out, 1)


def _length(first: Tensor, second: Tensor) -> Tensor:
    return torch.sqrt(first.square() + second.square() + 1e-12)


def _deviation(image: Tensor) -> Tensor:
    """Standard deviation over a map: [B, C, H, W] to [B, C]."""
    centred = image - image.mean((2, 3), keepdim=True)
    return torch.sqrt(centred.square().mean((2, 3)) + 1e-10)


def _quantiles(image: Tensor, shares: tuple[float, ...]) -> Tensor:
    """Quantiles over a map, without interpolation: [B, C, H, W] to [B, shares * C]."""
    values = image.flatten(2).sort(dim=2).values  # [B, C, H * W]
    last = int(values.shape[2]) - 1  # a plain number, also while the graph is recorded
    picked = [values[:, :, round(share * last)] for share in shares]
    return torch.cat(picked, 1)


def _dilate(image: Tensor, size: int) -> Tensor:
    """Largest value in a square, row by row and then column by column."""
    half = size // 2
    rows = F.max_pool2d(image, (1, size), 1, (0, half))
    return F.max_pool2d(rows, (size, 1), 1, (half, 0))


def _erode(image: Tensor, size: int) -> Tensor:
    return -_dilate(-image, size)


def _line_filters(length: int) -> Tensor:
    """Line detectors (a line minus its two sides) in all directions: [LINE_DIRECTIONS, 1, length, length]."""
    half = length // 2
    axis = torch.arange(-half, half + 1, dtype=torch.float32)
    down, across = torch.meshgrid(axis, axis, indexing="ij")
    filters = []
    for number in range(LINE_DIRECTIONS):
        angle = math.pi * number / LINE_DIRECTIONS
        along = across * math.cos(angle) + down * math.sin(angle)
        beside = down * math.cos(angle) - across * math.sin(angle)
        inside = (along.abs() <= half).float()
        line = torch.exp(-0.5 * beside.square()) * inside
        sides = (
            torch.exp(-0.5 * (beside - 3).square()) + torch.exp(-0.5 * (beside + 3).square())
        ) * inside
        filters.append(line / line.sum() - sides / sides.sum())
    # Rounded to float16, in which model files store large constants.
    return torch.stack(filters)[:, None].half().float()
