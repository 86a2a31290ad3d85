"""Builds three tiny models whose answers a reader can check; run by the engine's own Python.

    python tests/data/models/build_models.py tests/data/models

landcover: a softmax over three 1 x 1 convolutions, so the class of a pixel follows from its own nine bands:
water where green exceeds near infrared, vegetation where near infrared clearly exceeds red, else bare ground.
scenes: the same scores of the window's mean. change: how far the near infrared moved between two dates.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from engine.cards import Band, Card, ModelClass
from engine.model_file import CARD_KEY, SEAL_KEY, UNSEALED, seal

WINDOW = 64
BANDS = (
    Band("B02", "blue", 0.490, 0.065),
    Band("B03", "green", 0.560, 0.035),
    Band("B04", "red", 0.665, 0.030),
    Band("B05", "rededge071", 0.704, 0.015),
    Band("B06", "rededge075", 0.740, 0.015),
    Band("B07", "rededge078", 0.783, 0.020),
    Band("B08", "nir", 0.842, 0.115),
    Band("B11", "swir16", 1.610, 0.090),
    Band("B12", "swir22", 2.190, 0.180),
)
GREEN, RED, NIR = 1, 2, 6
LAND = (
    ModelClass(1, "water", "Water", "#2a7fb8"),
    ModelClass(2, "vegetation", "Vegetation", "#2f8f4e"),
    ModelClass(3, "bare", "Bare ground", "#e9c46a"),
)
CHANGE = (
    ModelClass(0, "unchanged", "Unchanged", "#d9d9d9"),
    ModelClass(1, "changed", "Changed", "#d94801"),
)


def _scores() -> tuple[np.ndarray, np.ndarray]:
    """Weights [3, 9, 1, 1] and biases [3]: 60 (green - nir); 30 (nir - red) - 3; 0."""
    weights = np.zeros((3, len(BANDS), 1, 1), "float32")
    weights[0, GREEN], weights[0, NIR] = 60, -60
    weights[1, NIR], weights[1, RED] = 30, -30
    return weights, np.array([0, -3, 0], "float32")


def _input(name: str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(
        name, TensorProto.FLOAT, ["batch", len(BANDS), WINDOW, WINDOW]
    )


def _save(folder: Path, card: Card, nodes: list, inputs: list, constants: dict) -> None:
    output = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, None)
    graph = helper.make_graph(
        nodes,
        card.name,
        inputs,
        [output],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {CARD_KEY: json.dumps(card.to_stac()), SEAL_KEY: UNSEALED})
    path = folder / f"{card.name}.onnx"
    onnx.save(model, str(path))
    seal(path)


def main(folder: Path) -> None:
    """Writes landcover.onnx, scenes.onnx and change.onnx."""
    folder.mkdir(parents=True, exist_ok=True)
    weights, biases = _scores()
    _save(
        folder,
        Card("landcover", "segmentation", BANDS, "Test land cover", window=WINDOW, classes=LAND),
        [
            helper.make_node("Conv", ["image", "w", "b"], ["scores"]),
            helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
        ],
        [_input("image")],
        {"w": weights, "b": biases},
    )
    _save(
        folder,
        Card("scenes", "scene-classification", BANDS, "Test scenes", window=WINDOW, classes=LAND),
        [
            helper.make_node("GlobalAveragePool", ["image"], ["mean"]),
            helper.make_node("Conv", ["mean", "w", "b"], ["scores"]),
            helper.make_node("Flatten", ["scores"], ["flat"], axis=1),
            helper.make_node("Softmax", ["flat"], ["probabilities"], axis=1),
        ],
        [_input("image")],
        {"w": weights, "b": biases},
    )
    nir = np.zeros((1, len(BANDS), 1, 1), "float32")
    nir[0, NIR] = 1
    _save(
        folder,
        Card(
            "change",
            "change-detection",
            BANDS,
            "Test change",
            window=WINDOW,
            classes=CHANGE,
            threshold={"method": "fixed", "value": 0.5},
        ),
        [
            helper.make_node("Sub", ["after", "before"], ["difference"]),
            helper.make_node("Conv", ["difference", "nir"], ["moved"]),
            helper.make_node("Abs", ["moved"], ["distance"]),
            helper.make_node("Mul", ["distance", "steepness"], ["steep"]),
            helper.make_node("Add", ["steep", "offset"], ["logit"]),
            helper.make_node("Sigmoid", ["logit"], ["changed"]),
            helper.make_node("Sub", ["one", "changed"], ["unchanged"]),
            helper.make_node("Concat", ["unchanged", "changed"], ["probabilities"], axis=1),
        ],
        [_input("before"), _input("after")],
        {
            "nir": nir,
            "steepness": np.array(60, "float32"),
            "offset": np.array(-6, "float32"),  # half at a move of 0.1 in reflectance
            "one": np.array(1, "float32"),
        },
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
