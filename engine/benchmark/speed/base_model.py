"""A segmentation model of the published size with random weights, as speed does not depend on their values."""

from __future__ import annotations

import colorsys
import dataclasses
from pathlib import Path

import rasterio
import torch

from ...cards import Band, Card, ModelClass, Normalisation
from ...checkpoint import save
from ...export.onnx import export_onnx
from ...model.config import preset
from ...model.predictor import Predictor
from ...model.segmentation import SegmentationNetwork
from .scene import SAMPLE

CLASSES = 10


def base_card() -> Card:
    """A card with ten classes and twelve bands, named as in the benchmark's rasters."""
    with rasterio.open(SAMPLE) as sample:
        names = sample.descriptions
    colors = [colorsys.hsv_to_rgb(number / CLASSES, 0.7, 0.9) for number in range(CLASSES)]
    return Card(
        name="base",
        task="segmentation",
        title="SpectralGPT base, random weights",
        bands=tuple(Band(name) for name in names),
        normalisation=Normalisation("statistics", (0.15,) * len(names), (0.1,) * len(names)),
        classes=tuple(
            ModelClass(
                number + 1,
                f"class-{number + 1}",
                f"Class {number + 1}",
                "#" + "".join(f"{round(255 * part):02x}" for part in color),
            )
            for number, color in enumerate(colors)
        ),
        licence="none: random weights",
    )


def write_base_model(folder: Path) -> Path:
    """Writes base.safetensors and base.onnx.

    Args:
        folder: Folder to write to.

    Returns:
        The .onnx file.
    """
    torch.manual_seed(0)
    network = SegmentationNetwork(preset("base"), CLASSES).eval()
    card = dataclasses.replace(base_card(), architecture=network.architecture())
    save(folder / "base.safetensors", network, card)
    path = folder / "base.onnx"
    export_onnx(Predictor(network, card), card, path, quick=True)
    return path
