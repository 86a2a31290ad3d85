"""Exports a model in the form that Deepness runs: one image as input, scores of every pixel as output, and metadata.

Deepness (a QGIS plugin) divides values by 255, standardises them and feeds windows of a fixed size; it knows neither
no-data nor missing bands. So the graph treats a pixel whose bands are all 0 as no-data, and all bands as present.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper, version_converter

from ..cards import Card
from ..errors import InvalidParameter, ModelInvalid
from ..model_file import read_card
from ..progress import Progress

INPUT, OUTPUT = "deepness_input", "deepness_output"  # must not occur in our own graphs
SCALE = 10_000  # digital numbers per unit of reflectance
OPSET, IR_VERSION = 17, 8  # supported by the oldest ONNX Runtime that Deepness accepts
TOLERANCE = 1e-3
SOURCE_KEY = "spectralgpt:exported-from"
_OVERLAP = 25  # percent, as in our own algorithms
_PREFIX = "deepness_"


def export_deepness(source: Path, target: Path, sha256: str, progress: Progress) -> float:
    """Writes a model for Deepness, after checking that ONNX Runtime gives the same scores as for our model.

    Args:
        source: An .onnx model of ours.
        target: File to write.
        sha256: The model's seal, which is recorded in the file.
        progress: Takes the progress, and a warning about what Deepness cannot do.

    Returns:
        Largest difference of a probability.

    Raises:
        InvalidParameter: The model needs an input that Deepness cannot provide.
        ModelInvalid: The graph cannot be converted to this form.
        OSError: The file cannot be written.
    """
    card = read_card(source)
    if card.normalisation.kind == "scene-statistics":
        raise InvalidParameter(
            f"The model '{card.title or card.name}' standardises each scene by statistics of all its pixels, which "
            "Deepness does not compute, so its maps would differ. Export the model as plain ONNX."
        )
    ours = onnx.load(source)
    progress.update(0.2, "Writing the graph for Deepness")
    proto = wrap(ours, card)
    older = _older(proto)
    progress.update(0.5, "Comparing with the model")
    difference = float("inf")
    for candidate in (older, proto):
        if candidate is not None:
            proto, difference = candidate, _difference(ours, candidate, card)
        if difference <= TOLERANCE:
            break
    if not difference <= TOLERANCE:
        raise ModelInvalid(
            f"The probabilities of the graph for Deepness differ from those of the model by up to {difference:.2g}, "
            f"but only {TOLERANCE:.2g} is acceptable. Export the model as plain ONNX, and please report the model's "
            "card."
        )
    helper.set_model_props(proto, metadata(card, sha256))
    progress.update(0.8, "Writing the model")
    target.write_bytes(proto.SerializeToString())
    bands = ", ".join(band.name for band in card.bands)
    dates = " of the first date, then of the second" if card.task == "change-detection" else ""
    progress.log(f"In Deepness, assign the bands in this order: {bands}{dates}.")
    if card.unit == "reflectance":
        progress.warning(
            f"In Deepness, values must be reflectance x {SCALE} without an added offset. First subtract the offset of "
            "1000 of Sentinel-2 products since processing baseline 04.00."
        )
    return difference


def wrap(ours: onnx.ModelProto, card: Card) -> onnx.ModelProto:
    """Wraps our graph: one input [B, dates x C, S, S] in the card's unit, and scores [B, K, S, S] as output."""
    proto = onnx.ModelProto()
    proto.CopyFrom(ours)
    del proto.metadata_props[:]
    graph = proto.graph
    given = {item.name for item in graph.input}
    dates = ["before", "after"] if card.task == "change-detection" else ["image"]
    bands, side, classes = len(card.bands), card.window, len(card.classes)
    before, constants = _entrance(dates, given, bands, card.groups)
    after, more = _exit(card.task == "scene-classification", side)
    nodes = [*before, *graph.node, *after]
    del graph.node[:], graph.input[:], graph.output[:]
    graph.node.extend(nodes)
    graph.initializer.extend([*constants, *more])
    graph.input.append(_image(INPUT, bands * len(dates), side))
    graph.output.append(_image(OUTPUT, classes, side))
    return proto


def metadata(card: Card, sha256: str) -> dict[str, str]:
    """Metadata that Deepness reads, as JSON; and, under a key of ours, the model's origin."""
    dates = 2 if card.task == "change-detection" else 1
    channels = len(card.bands) * dates
    # Deepness feeds (value / 255 - mean) / std; with these values the result is in the card's unit.
    one = SCALE / 255 if card.unit == "reflectance" else 1 / 255
    values: dict[str, Any] = {
        "model_type": "Segmentor",
        "class_names": {str(k): item.title or item.name for k, item in enumerate(card.classes)},
        "resolution": round(card.gsd * 100, 3),
        "tile_size": card.window,
        "tiles_size": card.window,  # as its documentation spells it
        "tiles_overlap": _OVERLAP,
        "standardization_mean": [0.0] * channels,
        "standardization_std": [one] * channels,
        "seg_thresh": 0.0,
        "seg_small_segment": 0,
        SOURCE_KEY: {
            "name": card.name,
            "title": card.title,
            "sha256": sha256,
            "bands": [
                {"name": band.name, "center_wavelength": band.center_wavelength}
                for band in card.bands
            ],
            "licence": card.licence,
            "attribution": card.attribution,
        },
    }
    return {key: json.dumps(value) for key, value in values.items()}


def _entrance(
    dates: list[str], given: set[str], bands: int, groups: int
) -> tuple[list[onnx.NodeProto], list[TensorProto]]:
    """Nodes that make our inputs from the single one that Deepness feeds."""
    if len(dates) == 1:
        nodes = [helper.make_node("Identity", [INPUT], [_raw(dates[0])])]
    else:
        parts = [_raw(date) for date in dates]
        nodes = [helper.make_node("Split", [INPUT, f"{_PREFIX}sizes"], parts, axis=1)]
    for date in dates:
        nodes += [
            helper.make_node("Abs", [_raw(date)], [f"{_PREFIX}{date}_size"]),
            helper.make_node(
                "ReduceSum",
                [f"{_PREFIX}{date}_size", f"{_PREFIX}channels"],
                [f"{_PREFIX}{date}_sum"],
                keepdims=1,
            ),
            helper.make_node(
                "Greater", [f"{_PREFIX}{date}_sum", f"{_PREFIX}zero"], [f"{_PREFIX}{date}_there"]
            ),
            helper.make_node(
                "Cast",
                [f"{_PREFIX}{date}_there"],
                [f"{_PREFIX}{date}_valid"],
                to=TensorProto.FLOAT,
            ),
        ]
    valids = [f"{_PREFIX}{date}_valid" for date in dates]
    kind = "Mul" if len(dates) == 2 else "Identity"
    nodes.append(helper.make_node(kind, valids, ["valid"]))
    nodes += [helper.make_node("Mul", [_raw(date), "valid"], [date]) for date in dates]
    constants: dict[str, NDArray[Any]] = {
        f"{_PREFIX}channels": np.array([1], np.int64),
        f"{_PREFIX}zero": np.array(0, np.float32),
    }
    if len(dates) == 2:
        constants[f"{_PREFIX}sizes"] = np.array([bands, bands], np.int64)
    if "groups" in given:
        constants["groups"] = np.arange(groups, dtype=np.int64)
    return nodes, [numpy_helper.from_array(value, name) for name, value in constants.items()]


def _exit(scenes: bool, side: int) -> tuple[list[onnx.NodeProto], list[TensorProto]]:
    """Nodes that make the scores of pixels; for scene models, those of the scene at every pixel."""
    if not scenes:
        return [helper.make_node("Identity", ["probabilities"], [OUTPUT])], []
    constants = {
        f"{_PREFIX}sides": np.array([2, 3], np.int64),
        f"{_PREFIX}shape": np.array([1, 1, side, side], np.int64),
    }
    nodes = [
        helper.make_node(
            "Unsqueeze", ["probabilities", f"{_PREFIX}sides"], [f"{_PREFIX}probabilities"]
        ),
        helper.make_node("Expand", [f"{_PREFIX}probabilities", f"{_PREFIX}shape"], [OUTPUT]),
    ]
    return nodes, [numpy_helper.from_array(value, name) for name, value in constants.items()]


def _older(proto: onnx.ModelProto) -> onnx.ModelProto | None:
    """Converts the graph for older versions of ONNX Runtime; None if that fails."""
    given = next(item.version for item in proto.opset_import if item.domain in ("", "ai.onnx"))
    try:
        older = version_converter.convert_version(proto, OPSET) if given > OPSET else proto
    except (RuntimeError, ValueError):
        return None
    for node in older.graph.node:
        # The converter keeps this attribute if it has its default, but older versions do not know it.
        if node.op_type.startswith("Reduce") and node.op_type != "ReduceSum":
            kept = [item for item in node.attribute if item.name != "noop_with_empty_axes"]
            del node.attribute[:]
            node.attribute.extend(kept)
    older.ir_version = min(older.ir_version, IR_VERSION)
    return older


def _difference(ours: onnx.ModelProto, theirs: onnx.ModelProto, card: Card) -> float:
    """Largest difference on random digital numbers with a corner of no-data, fed in Deepness's way."""
    two = card.task == "change-detection"
    dates = ("before", "after") if two else ("image",)
    generator = np.random.default_rng(0)
    shape = (2, len(card.bands) * len(dates), card.window, card.window)
    numbers = generator.uniform(100, 4000, shape).round()
    numbers[..., : card.window // 4, : card.window // 4] = 0
    told = metadata(card, "")
    mean, std = (
        np.array(json.loads(told[f"standardization_{key}"]))[:, None, None]
        for key in ("mean", "std")
    )
    fed = ((numbers / 255 - mean) / std).astype(np.float32)
    unit = numbers / SCALE if card.unit == "reflectance" else numbers
    feeds: dict[str, NDArray[Any]] = dict(
        zip(dates, np.split(unit.astype(np.float32), len(dates), axis=1))
    )
    feeds["valid"] = (numbers[:, :1] > 0).astype(np.float32)
    feeds["groups"] = np.arange(card.groups, dtype=np.int64)
    expected = _run(ours, "probabilities", feeds)
    if expected is not None and expected.ndim == 2:
        expected = expected[:, :, None, None]
    given = _run(theirs, OUTPUT, {INPUT: fed})
    if expected is None or given is None or given.shape[2:] != shape[2:]:
        return float("inf")
    difference = np.abs(given - expected).max()
    return float(difference) if np.isfinite(difference) else float("inf")


def _run(
    proto: onnx.ModelProto, output: str, feeds: dict[str, NDArray[Any]]
) -> NDArray[Any] | None:
    """Runs a graph and returns its output; None if it does not run."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(
            proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        names = [item.name for item in session.get_inputs()]
        result: NDArray[Any] = session.run([output], {name: feeds[name] for name in names})[0]
    except Exception:  # ONNX Runtime's exceptions have no common base class
        return None
    return result


def _image(name: str, channels: int, side: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", channels, side, side])


def _raw(date: str) -> str:
    return f"{_PREFIX}{date}"
