"""The stages of progressive pretraining: parsed from text, or chosen for imagery and network."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Sequence
from dataclasses import dataclass

import psutil
import torch

from ..errors import InvalidParameter
from ..memory_limit import memory_limit
from ..model.config import SpectralGPTConfig
from ..model.masked_autoencoder import MASK_RATIO

FORM = "WINDOW:EPOCHS[:LEARNING_RATE[:MASK_RATIO[:IMAGERY]]]"
_PATCHES_MEGAPIXELS = 1 << 17  # pixels per batch: 128 patches of 32 px, 8 of 128 px
_SMALLEST_EPOCH, _LARGEST_EPOCH = 20, 500  # batches
_REFERENCE_RATE, _REFERENCE_DIM = 2e-3, 128  # best learning rate for the shipped backbone, its size
_MEMORY_SHARE = 0.3  # share of the memory that a batch may take


@dataclass(frozen=True)
class Stage:
    """A stage of progressive pretraining; the next stage continues from its weights.

    Attributes:
        window: Side of the patches, pixels.
        batch: Patches per batch and process.
        steps: Batches per epoch.
        epochs: Number of epochs, with one learning rate schedule over all of them.
        learning_rate: Learning rate after the warm-up.
        mask_ratio: Share of tokens to hide.
        imagery: Pattern of the names of rasters to draw from; empty means all.
    """

    window: int
    batch: int
    steps: int
    epochs: int
    learning_rate: float = 1e-3
    mask_ratio: float = MASK_RATIO
    imagery: str = ""


@dataclass(frozen=True)
class Outline:
    """A stage as the user writes it; None and "" stand for defaults."""

    window: int
    epochs: int
    learning_rate: float | None = None
    mask_ratio: float | None = None
    imagery: str = ""


@dataclass(frozen=True)
class StageDefaults:
    """Settings for all stages of a run; numbers that are 0 are chosen automatically.

    Attributes:
        mask_ratio: Share of tokens to hide in stages that do not specify it.
        fresh: Whether the network has random weights; a pretrained one gets half the learning rate.
        epochs: Number of epochs of every stage; 0 = as specified by the stages.
        batch: Patches per batch; 0 = as many as the memory allows.
        steps: Batches per epoch; 0 = as many as cover the imagery once.
        memory: Memory of the device, bytes.
    """

    mask_ratio: float
    fresh: bool
    epochs: int = 0
    batch: int = 0
    steps: int = 0
    memory: int = 4 << 30


def parse_stages(text: str) -> list[Outline]:
    """Parses stages separated by ";", each of the form `FORM`, in which parts between colons may be empty.

    Raises:
        InvalidParameter: A stage does not have this form, or a number is out of range.
    """
    stages = []
    for number, item in enumerate((part.strip() for part in text.split(";")), 1):
        if not item:
            continue
        parts = [part.strip() for part in item.split(":", 4)]
        parts += [""] * (5 - len(parts))
        try:
            stages.append(
                Outline(
                    int(parts[0]),
                    int(parts[1]),
                    float(parts[2]) if parts[2] else None,
                    float(parts[3]) if parts[3] else None,
                    parts[4],
                )
            )
        except ValueError as error:
            raise InvalidParameter(
                f"Stage {number} is '{item}', but {FORM} is expected, for instance 64:20:1e-3 or "
                "128:10:5e-4:0.9:*summer*. Separate stages by ;."
            ) from error
        _check_range(number, item, stages[-1])
    if text.strip() and not stages:
        raise InvalidParameter(f"The stages '{text}' contain no stage. Specify {FORM}.")
    return stages


def default_outlines(
    config: SpectralGPTConfig, side: int, mask_ratio: float, fresh: bool
) -> list[Outline]:
    """Chooses stages for a network and imagery.

    Positions are learned on small windows with more visible tokens, so a fresh network starts there.
    A pretrained network already knows them and starts one size larger.

    Args:
        config: Sizes of the network.
        side: Shorter side of a typical raster, pixels.
        mask_ratio: Mask ratio of the last stage.
        fresh: Whether the network has random weights.
    """
    largest = max(config.image_size, 4 * config.patch)
    usable = max(2 * config.patch, min(largest, side) // config.patch * config.patch)
    # (divisor of the window, epochs, largest mask ratio) of each stage: a quarter, half and whole window.
    wanted = [(4, 15, 0.75), (2, 8, 0.8), (1, 5, 1.0)][0 if fresh else 1 :]
    stages = []
    for part, epochs, most in wanted:
        side = usable // part // config.patch
        if side > 1:
            ratio = min(mask_ratio, most, 1 - 1.25 / side**2)  # one token stays visible
            stages.append(Outline(side * config.patch, epochs, None, ratio))
    return stages


def plan_stages(
    outlines: Sequence[Outline],
    config: SpectralGPTConfig,
    pixels: Sequence[int],
    defaults: StageDefaults,
) -> tuple[Stage, ...]:
    """Fills in defaults, and checks that every stage can be trained.

    Args:
        outlines: The stages.
        config: Sizes of the network.
        pixels: Number of pixels of the imagery of each stage.
        defaults: Settings for all stages.

    Raises:
        InvalidParameter: A window is not a multiple of the patch, or masking leaves no visible token.
    """
    rate = _REFERENCE_RATE * _REFERENCE_DIM / config.dim / (1 if defaults.fresh else 2)
    stages = []
    for number, (outline, area) in enumerate(zip(outlines, pixels)):
        ratio = defaults.mask_ratio if outline.mask_ratio is None else outline.mask_ratio
        check_window(number + 1, outline.window, ratio, config.patch)
        size = defaults.batch or batch_for(config, outline.window, ratio, defaults.memory)
        covering = -(-area // (size * outline.window**2))
        stages.append(
            Stage(
                outline.window,
                size,
                defaults.steps or min(_LARGEST_EPOCH, max(_SMALLEST_EPOCH, covering)),
                defaults.epochs or outline.epochs,
                outline.learning_rate or rate / 2 ** min(number, 3),
                ratio,
                outline.imagery,
            )
        )
    return tuple(stages)


def check_window(number: int, window: int, mask_ratio: float, patch: int) -> None:
    """Checks that a window can be divided into tokens, and that masking leaves some visible.

    Raises:
        InvalidParameter: The window is not a multiple of the patch, or no token stays visible.
    """
    if window < patch or window % patch:
        low = max(patch, window // patch * patch)
        raise InvalidParameter(
            f"Stage {number} has a window of {window} px, but it must be a multiple of the network's patch of {patch} "
            f"px. Use {low} or {low + patch}."
        )
    tokens = (window // patch) ** 2  # of one spectral group, as a batch may have only one
    if int(tokens * (1 - mask_ratio)) < 1:
        raise InvalidParameter(
            f"Stage {number} hides {mask_ratio:.0%} of the {tokens} tokens of a {window} px window, so none stays "
            "visible. Reduce the mask ratio, or use a larger window."
        )


def batch_for(config: SpectralGPTConfig, window: int, mask_ratio: float, memory: int) -> int:
    """Patches per batch that fit into memory, but no more than a small network learns well with."""
    tokens = config.groups * (window // config.patch) ** 2
    seen = tokens * (1 - mask_ratio)
    # Activations that a block keeps for the backward pass: about 34 values per token and channel, and the attention.
    values = config.depth * (34 * seen * config.dim + config.heads * seen**2)
    values += config.decoder_depth * (
        34 * tokens * config.decoder_dim + config.decoder_heads * tokens**2
    )
    fitting = int(_MEMORY_SHARE * memory / (4 * values))
    return max(1, min(fitting, max(8, _PATCHES_MEGAPIXELS // window**2)))


def device_memory(device: torch.device) -> int:
    """Memory of the device, bytes; for a CPU half of the machine's, or of the memory limit if that is smaller."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    total = int(psutil.virtual_memory().total)
    return min(total, memory_limit() or total) // 2


def select(names: Sequence[str], pattern: str) -> list[int]:
    """Indices of the names that match a stage's pattern with the whole name or its last part.

    Raises:
        InvalidParameter: No name matches.
    """
    chosen = [
        index
        for index, name in enumerate(names)
        if not pattern
        or fnmatch.fnmatchcase(name, pattern)
        or fnmatch.fnmatchcase(os.path.basename(name), pattern)
    ]
    if not chosen:
        some = ", ".join(os.path.basename(name) for name in names[:5])
        raise InvalidParameter(
            f"No raster name matches '{pattern}'. The rasters are: {some}{', ...' if len(names) > 5 else ''}. Use * "
            "for any text in the pattern."
        )
    return chosen


def _check_range(number: int, text: str, stage: Outline) -> None:
    ratio = stage.mask_ratio
    if (
        stage.window < 1
        or stage.epochs < 1
        or (stage.learning_rate is not None and not 0 < stage.learning_rate <= 1)
        or (ratio is not None and not 0 < ratio < 1)
    ):
        raise InvalidParameter(
            f"Stage {number} is '{text}', but the window and the epochs must be at least 1, the learning rate above 0 "
            "and at most 1, and the mask ratio between 0 and 1."
        )
