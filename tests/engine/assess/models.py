"""A model whose map can be computed by hand: the class of a pixel is its brightest band."""

import json

import numpy as np
import onnx
import rasterio
from onnx import TensorProto, helper, numpy_helper

from engine.cards import Band, Card, ModelClass
from engine.model_file import CARD_KEY, SEAL_KEY, UNSEALED, seal
from tests.engine.assess.maps import TRANSFORM

BANDS = (
    Band("B02", "blue", 0.49, 0.065),
    Band("B03", "green", 0.56, 0.035),
    Band("B04", "red", 0.665, 0.03),
)
CLASSES = (
    ModelClass(1, "bluish", "Rather blue", "#0000ff"),
    ModelClass(2, "greenish", "Rather green", "#00ff00"),
    ModelClass(4, "reddish", "Rather red", "#ff0000"),
)
WINDOW = 16


def brightest_band_model(path):
    """Writes the model and gives its path."""
    card = Card("brightest", "segmentation", BANDS, title="Brightest", window=WINDOW, unit="raw",
                classes=CLASSES)  # fmt: skip
    shape = ["batch", 3, WINDOW, WINDOW]
    graph = helper.make_graph(
        [
            helper.make_node("Mul", ["image", "sharpness"], ["sharp"]),
            helper.make_node("Softmax", ["sharp"], ["probabilities"], axis=1),
        ],
        "by-hand",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(np.asarray(np.float32(10)), "sharpness")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, {CARD_KEY: json.dumps(card.to_stac()), SEAL_KEY: UNSEALED})
    onnx.save(model, path)
    seal(path)
    return str(path)


def write_image(path, values):
    """Writes [3, rows, columns] with the bands' names."""
    with rasterio.open(
        path, "w", driver="GTiff", count=3, height=values.shape[1], width=values.shape[2],
        dtype=values.dtype, crs="EPSG:32631", transform=TRANSFORM,
    ) as dataset:  # fmt: skip
        dataset.write(values)
        dataset.descriptions = tuple(band.name for band in BANDS)
    return str(path)
