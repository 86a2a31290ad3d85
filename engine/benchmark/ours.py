"""The product in the benchmark: the same functions that its verbs call, on arrays."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import torch
from rasterio.windows import Window

from ..assessment_jobs import BenchmarkJob
from ..cards import Card, ModelClass
from ..data.label_layer import LabelledPixels
from ..infer.blend import blend_weights
from ..infer.model_inputs import Feeds, Mask, Read
from ..infer.windows import SlidingWindows
from ..model.encoder import SpectralEncoder
from ..model.predictor import Predictor
from ..train.base_model import Base, open_base
from ..train.head_tuning import HeadTuner
from ..train.labelled_ground import LabelledGround
from ..train.quick_head import ANYWHERE, HERE, Use
from .our_change import TunedPairs
from .our_scenes import TunedScenes
from .protocols import FOR_THIS_IMAGE, LabelledImage, Method

OVERLAP = 32


def methods(part: str, job: BenchmarkJob) -> list[tuple[str, Method]]:
    """The product's methods for a part: from the shipped backbone, and from random weights."""
    if part == "cost":
        return []
    if part in ("oscd", "taizhou"):
        return _change(part, open_base(_model(job, "change")))
    base = open_base(_model(job, "backbone"))
    if part in ("water", "village"):
        return [
            ("quick", QuickPixels(base)),
            ("quick, random weights", QuickPixels(random_weights(base))),
            (FOR_THIS_IMAGE, QuickPixels(base, HERE)),
            (f"{FOR_THIS_IMAGE}, random weights", QuickPixels(random_weights(base), HERE)),
        ]
    if part == "scenes":
        return [
            ("quick", TunedScenes(base)),
            ("quick, random weights", TunedScenes(random_weights(base))),
        ]
    return []


def _model(job: BenchmarkJob, name: str) -> str:
    return str(Path(job.models) / f"{name}.safetensors") if job.models else name


def _change(part: str, base: Base) -> list[tuple[str, Method]]:
    """The model as shipped if the part has no labels; else fine-tuned, from the shipped and from random weights."""
    if part == "taizhou":
        return [("as it ships", TunedPairs(base))]
    return [
        ("quick", TunedPairs(base, "quick")),
        ("quick, random weights", TunedPairs(base, "quick", fresh=True)),
        ("full", TunedPairs(base, "full")),
    ]


def random_weights(base: Base) -> Base:
    """The same network with random weights."""
    torch.manual_seed(0)
    return dataclasses.replace(base, weights=dict(SpectralEncoder(base.config).state_dict()))


@dataclasses.dataclass(frozen=True)
class QuickPixels:
    """The verb `finetune` with the method quick on one scene, for use anywhere or for this image only."""

    base: Base
    use: Use = ANYWHERE

    def fit(self, scene: LabelledImage, seed: int) -> MappedScene:
        """Fits a head to the labelled pixels; see `protocols.PixelMethod`."""
        order = np.lexsort((scene.column, scene.row))
        pixels = LabelledPixels(
            scene.row[order].astype(np.int64),
            scene.column[order].astype(np.int64),
            scene.label[order].astype(np.uint8),
            scene.unit[order].astype(np.int32),
        )
        ground = LabelledGround(one_date(scene.image, scene.valid), scene.valid.shape, pixels)
        card = segmentation_card(self.base.card, scene.classes)
        return MappedScene(HeadTuner(self.base, card, self.use, seed).tune([ground]).predictor)


@dataclasses.dataclass(frozen=True)
class MappedScene:
    """A predictor for whole scenes, with windows blended as in the engine."""

    predictor: Predictor

    @torch.no_grad()
    def predict(self, image: np.ndarray, valid: np.ndarray) -> np.ndarray:
        """Class probabilities float32 [K, H, W]; see `protocols.PixelModel`."""
        size = self.predictor.card.window
        height, width = valid.shape
        read = one_date(image, valid)
        weight = blend_weights(size, OVERLAP)
        total = np.zeros((len(self.predictor.card.classes), height, width))
        shares = np.zeros((height, width))
        for window in SlidingWindows(height, width, size, OVERLAP):
            feeds, _ = read(window)
            inputs = [
                torch.from_numpy(feeds[name])
                if name == "groups"
                else torch.from_numpy(feeds[name])[None]
                for name in self.predictor.input_names
            ]
            rows = slice(int(window.row_off), min(height, int(window.row_off) + size))
            columns = slice(int(window.col_off), min(width, int(window.col_off) + size))
            there = (slice(0, rows.stop - rows.start), slice(0, columns.stop - columns.start))
            found = self.predictor(*inputs)[0].numpy()[(slice(None), *there)]
            total[:, rows, columns] += found * weight[there]
            shares[rows, columns] += weight[there]
        return (total / shares).astype(np.float32)


def one_date(image: np.ndarray, valid: np.ndarray) -> Read:
    """Reads windows of an array, like `SingleDate` for a raster."""
    groups = np.array(
        [group for group in range(image.shape[0] // 3) if image[3 * group : 3 * group + 3].any()]
    )

    def read(window: Window) -> tuple[Feeds, Mask]:
        part, inside = cut(image, valid, window)
        return {"image": part, "valid": inside[None].astype(np.float32), "groups": groups}, inside

    return read


def cut(image: np.ndarray, valid: np.ndarray, window: Window) -> tuple[np.ndarray, np.ndarray]:
    """Cuts a window that may extend beyond the image: image [C, h, w], 0 outside, and valid [h, w]."""
    height, width = int(window.height), int(window.width)
    top, left = int(window.row_off), int(window.col_off)
    part = np.zeros((image.shape[0], height, width), np.float32)
    inside = np.zeros((height, width), bool)
    piece = image[:, top : top + height, left : left + width]
    part[:, : piece.shape[1], : piece.shape[2]] = piece
    inside[: piece.shape[1], : piece.shape[2]] = valid[top : top + height, left : left + width]
    return part * inside, inside


def segmentation_card(base: Card, classes: int) -> Card:
    """The card of a map with so many classes."""
    made = tuple(ModelClass(k + 1, f"class-{k + 1}") for k in range(classes))
    return dataclasses.replace(base, name="benchmark", task="segmentation", classes=made)
