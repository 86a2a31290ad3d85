"""Models whose maps can be computed by hand, and small rasters to run them on."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import rasterio
from onnx import TensorProto, helper, numpy_helper
from rasterio.transform import from_origin

from engine.cards import Band, Card, ModelClass, Normalisation
from engine.errors import ClientGone
from engine.infer import contention, kept_scores, pace
from engine.model_file import CARD_KEY, SEAL_KEY, UNSEALED, seal
from engine.progress import Progress

BANDS = (
    Band("B02", "blue", 0.49, 0.065),
    Band("B03", "green", 0.56, 0.035),
    Band("B04", "red", 0.665, 0.03),
)
CLASSES = (
    ModelClass(1, "bluish", "Bluish", "#0000ff"),
    ModelClass(2, "greenish", "Greenish", "#00ff00"),
    ModelClass(4, "reddish", "Reddish", "#ff0000"),
)
CHANGE = (
    ModelClass(0, "unchanged", "Unchanged", "#ffffff"),
    ModelClass(1, "changed", "Changed", "#d7191c"),
)
SHARPNESS = 10.0


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch, tmp_path):
    """No test learns from another one how fast this machine is, or how busy, or what a model gives."""
    monkeypatch.setattr(pace, "KEPT", tmp_path / "pace.json")
    monkeypatch.setattr(kept_scores, "KEPT", tmp_path / "scores")
    monkeypatch.setattr(contention, "_SCHEDULED", tmp_path / "not told")


class Recorder(Progress):
    """Keeps the events; cancels itself after a number of updates when asked."""

    def __init__(self, cancel_after=None):
        super().__init__(self._asked)
        self.events = []
        self._left = cancel_after

    def _asked(self):
        if self._left is None:
            return False
        self._left -= 1
        return self._left < 0

    def emit(self, event):
        self.events.append(event)

    def texts(self, kind):
        return [event["message"] for event in self.events if event["event"] == kind]

    @property
    def fractions(self):
        return [event["fraction"] for event in self.events if event["event"] == "progress"]


def _constant(name, value):
    return numpy_helper.from_array(np.asarray(value), name)


def _image(name, window):
    return helper.make_tensor_value_info(
        name, TensorProto.FLOAT, ["batch", len(BANDS), window, window]
    )


def _write(path, card, nodes, inputs, output_shape, constants):
    output = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, output_shape)
    graph = helper.make_graph(nodes, "by-hand", inputs, [output], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, {CARD_KEY: json.dumps(card.to_stac()), SEAL_KEY: UNSEALED})
    onnx.save(model, path)
    seal(path)
    return str(path)


def _card(task, window, **changes):
    fields = {
        "name": f"test-{task}",
        "task": task,
        "bands": BANDS,
        "title": f"Test {task}",
        "window": window,
        "gsd": 10.0,
        "unit": "raw",
        "classes": CHANGE if task == "change-detection" else CLASSES,
        "licence": "CC-BY-4.0",
    }
    return Card(**{**fields, **changes})


@pytest.fixture
def segmenter(tmp_path):
    """softmax(10 x bands): the class of a pixel is its brightest band, wherever the window lies."""

    def make(name="segmenter.onnx", window=16, valid=False, groups=False, **changes):
        card = _card("segmentation", window, **changes)
        inputs = [_image("image", window)]
        nodes = [
            helper.make_node("Mul", ["image", "sharpness"], ["sharp"]),
            helper.make_node("Softmax", ["sharp"], ["softmax"], axis=1),
        ]
        last = "softmax"
        if valid:  # spoils the prediction when the input is fed wrongly
            shape = ["batch", 1, window, window]
            inputs.append(helper.make_tensor_value_info("valid", TensorProto.FLOAT, shape))
            nodes.append(helper.make_node("Mul", [last, "valid"], ["masked"]))
            last = "masked"
        if groups:
            inputs.append(helper.make_tensor_value_info("groups", TensorProto.INT64, ["present"]))
            nodes += [
                helper.make_node("ReduceMin", ["groups"], ["first"], keepdims=0),
                helper.make_node("Cast", ["first"], ["zero"], to=TensorProto.FLOAT),
                helper.make_node("Add", [last, "zero"], ["grouped"]),
            ]
            last = "grouped"
        nodes.append(helper.make_node("Identity", [last], ["probabilities"]))
        return _write(
            tmp_path / name, card, nodes, inputs,
            ["batch", len(BANDS), window, window], [_constant("sharpness", np.float32(SHARPNESS))],
        )  # fmt: skip

    return make


@pytest.fixture
def scene_classifier(tmp_path):
    """softmax(10 x mean of each band over the window), or sigmoid(20 x (mean - 0.3)) with many labels."""

    def make(name="scenes.onnx", window=8, multilabel=False, **changes):
        card = _card("scene-classification", window, multilabel=multilabel, **changes)
        nodes = [helper.make_node("ReduceMean", ["image"], ["mean"], axes=[2, 3], keepdims=0)]
        if multilabel:
            nodes += [
                helper.make_node("Sub", ["mean", "middle"], ["above"]),
                helper.make_node("Mul", ["above", "steep"], ["steeper"]),
                helper.make_node("Sigmoid", ["steeper"], ["probabilities"]),
            ]
        else:
            nodes += [
                helper.make_node("Mul", ["mean", "sharpness"], ["sharp"]),
                helper.make_node("Softmax", ["sharp"], ["probabilities"], axis=1),
            ]
        constants = [
            _constant("sharpness", np.float32(SHARPNESS)),
            _constant("middle", np.float32(0.3)),
            _constant("steep", np.float32(20)),
        ]
        return _write(
            tmp_path / name, card, nodes, [_image("image", window)],
            ["batch", len(BANDS)], constants,
        )  # fmt: skip

    return make


@pytest.fixture
def change_detector(tmp_path):
    """The score of change is the largest absolute difference of a band, cut to 0..1."""

    def make(name="change.onnx", window=16, kind="none", gain=1.0, **changes):
        card = _card("change-detection", window, normalisation=Normalisation(kind), **changes)
        nodes = [
            helper.make_node("Sub", ["after", "before"], ["difference"]),
            helper.make_node("Abs", ["difference"], ["size"]),
            helper.make_node("ReduceMax", ["size"], ["largest"], axes=[1], keepdims=1),
            helper.make_node("Mul", ["largest", "gain"], ["gained"]),
            helper.make_node("Clip", ["gained", "zero", "one"], ["changed"]),
            helper.make_node("Sub", ["one", "changed"], ["unchanged"]),
            helper.make_node("Concat", ["unchanged", "changed"], ["probabilities"], axis=1),
        ]
        constants = [
            _constant("zero", np.float32(0)),
            _constant("one", np.float32(1)),
            _constant("gain", np.float32(gain)),
        ]
        return _write(
            tmp_path / name, card, nodes, [_image("before", window), _image("after", window)],
            ["batch", 2, window, window], constants,
        )  # fmt: skip

    return make


@pytest.fixture
def make_raster(tmp_path):
    """Writes [bands, rows, columns] as a GeoTIFF in UTM 31N, 10 m pixels, bands named as Sentinel-2's."""

    def make(values, name="raster.tif", corner=(500_000, 4_600_000), pixel=10.0, **profile):
        path = tmp_path / name
        values = np.asarray(values)
        names = profile.pop("names", [band.name for band in BANDS])
        options = {
            "driver": "GTiff",
            "count": len(values),
            "height": values.shape[1],
            "width": values.shape[2],
            "dtype": values.dtype,
            "crs": "EPSG:32631",
            "transform": from_origin(*corner, pixel, pixel),
            **profile,
        }
        with rasterio.open(path, "w", **options) as dataset:
            dataset.write(values)
            for index, band in enumerate(names, 1):
                dataset.set_band_description(index, band)
        return str(path)

    return make


@pytest.fixture
def recorder():
    return Recorder


@pytest.fixture
def folder(tmp_path) -> Path:
    """An empty folder for outputs: what is in it afterwards is what the engine left there."""
    path = tmp_path / "out"
    path.mkdir()
    return path


@pytest.fixture
def brightest():
    """What the segmenter must find, computed without windows: class values [rows, columns]."""

    def compute(values):
        return np.array([item.value for item in CLASSES])[np.asarray(values).argmax(axis=0)]

    return compute


@pytest.fixture
def softmax():
    def compute(values):
        powers = np.exp(SHARPNESS * np.asarray(values, np.float64))
        return powers / powers.sum(axis=0)

    return compute


@pytest.fixture
def gone(recorder):
    """A progress whose client goes away after a number of looks."""

    class Gone(recorder):
        def __init__(self, after):
            super().__init__()
            self.left = after

        def check(self):
            self.left -= 1
            if self.left < 0:
                raise ClientGone()

    return Gone
