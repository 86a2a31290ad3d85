"""A segmentation model that costs next to nothing, to measure the time of everything around the model."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ...model_file import CARD_KEY, SEAL_KEY, UNSEALED, seal
from .base_model import CLASSES, base_card


def write_null_model(folder: Path) -> Path:
    """Writes null.onnx with ten classes, whose scores are ten of the twelve bands unchanged.

    Args:
        folder: Folder to write to.

    Returns:
        The written file.
    """
    card = dataclasses.replace(base_card(), name="null", title="Ten bands taken as ten classes")
    side = card.window
    image = helper.make_tensor_value_info(
        "image", TensorProto.FLOAT, ["batch", len(card.bands), side, side]
    )
    scores = helper.make_tensor_value_info(
        "probabilities", TensorProto.FLOAT, ["batch", CLASSES, side, side]
    )
    bounds = {"first": 0, "stop": CLASSES, "axis": 1}
    constants = [numpy_helper.from_array(np.array([value]), name) for name, value in bounds.items()]
    nodes = [helper.make_node("Slice", ["image", *bounds], ["probabilities"])]
    graph = helper.make_graph(nodes, "null", [image], [scores], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, {CARD_KEY: json.dumps(card.to_stac()), SEAL_KEY: UNSEALED})
    path = folder / "null.onnx"
    onnx.save(model, path)
    seal(path)
    return path
