"""Exports a predictor to one ONNX file: graph and weights, with the card in the metadata, checked and sealed."""

from __future__ import annotations

import contextlib
import io
import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper

from ..cards import Card
from ..endings import ONNX
from ..errors import InvalidParameter, ModelInvalid
from ..infer.staging import StagedOutputs, write_error
from ..model.predictor import Predictor
from ..model_file import CARD_KEY, SEAL_KEY, UNSEALED, seal

OUTPUT_NAME = "probabilities"
OPSET = 18
IR_VERSION = 9  # the newest one that onnxruntime 1.17 loads
TOLERANCE = 1e-3
_SMALLEST_HALF = 1024  # values; smaller tensors are biases and norms, and stay float32
_LARGEST_FILE = 2**31 - 2**20  # bytes; the limit of the protobuf format


@dataclass(frozen=True)
class Exported:
    """The result of an export.

    Attributes:
        path: The file.
        sha256: Its seal.
        difference: Largest absolute difference of a probability between onnxruntime and torch.
    """

    path: Path
    sha256: str
    difference: float


def export_onnx(
    predictor: Predictor,
    card: Card,
    path: str | Path,
    *,
    half: bool = False,
    tolerance: float = TOLERANCE,
    quick: bool = False,
) -> Exported:
    """Writes a predictor as ONNX, after checking that onnxruntime gives the same probabilities as torch.

    Args:
        predictor: Normalisation, network and softmax or sigmoid; is put into evaluation mode.
        card: Card for the file's metadata.
        path: File to write, ending in .onnx; it appears complete or not at all.
        half: Whether to store large weights as float16; computations remain in float32.
        tolerance: Largest accepted difference of a probability.
        quick: Whether to try the older exporter first, which takes a second (see `trace_quickly`).

    Raises:
        InvalidParameter: The path does not end in .onnx, or the weights need more than 2 GB.
        ModelInvalid: The exported graph gives other probabilities than the network.
        OutputNotWritable: The file cannot be written.
        DiskFull: The disk is full.
    """
    predictor = predictor.eval().cpu()
    difference = float("inf")
    for recorded in (trace_quickly,) * quick + (_traced,):
        proto = recorded(predictor)
        if proto is None:
            continue
        clean(proto)
        if half:
            store_half(proto)
        _check_size(proto, half)
        difference = _compare(predictor, proto.SerializeToString())
        if difference <= tolerance:
            break
    if proto is None or not difference <= tolerance:
        raise ModelInvalid(
            f"The probabilities of the exported graph differ from those of the network by up to {difference:.2g}, but "
            f"only {tolerance:.2g} is acceptable. "
            + (
                "Export with full weights (half off)."
                if half
                else "Please report the model's card."
            ),
        )
    helper.set_model_props(proto, {CARD_KEY: json.dumps(card.to_stac()), SEAL_KEY: UNSEALED})
    with StagedOutputs() as outputs:
        staged = outputs.stage(str(path), (ONNX,))
        try:
            Path(staged).write_bytes(proto.SerializeToString())
            sha256 = seal(Path(staged))
        except OSError as error:
            raise write_error(staged, error) from error
    return Exported(Path(path), sha256, difference)


def store_half(proto: onnx.ModelProto) -> None:
    """Stores large float32 weights as float16, each with a Cast back to float32, in place."""
    graph = proto.graph
    casts = []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(tensor)
        if values.size < _SMALLEST_HALF or np.abs(values).max() > np.finfo(np.float16).max:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        casts.append(
            helper.make_node("Cast", [f"{name}.half"], [name], f"{name}.cast", to=TensorProto.FLOAT)
        )
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def trace(predictor: Predictor) -> torch.onnx.ONNXProgram:
    """Exports the graph with torch's exporter: dynamic batch size, and dynamic groups if some are optional.

    The example batch has two samples, as the exporter would take a batch size of one for a constant.

    Raises:
        ModelInvalid: The export failed.
    """
    batch = torch.export.Dim("batch", min=1)
    shapes: list[dict[int, Any]] = [{0: batch} for _ in predictor.input_names]
    if "groups" in predictor.input_names:
        present = torch.export.Dim("present", min=1, max=predictor.groups)
        shapes[predictor.input_names.index("groups")] = {0: present}
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        # Hides the exporter's advice to developers, on stdout too, which is reserved for the protocol.
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            predictor,
            predictor.example_inputs(batch=2),
            input_names=list(predictor.input_names),
            output_names=[OUTPUT_NAME],
            dynamic_shapes=(tuple(shapes),),
            opset_version=OPSET,
            external_data=False,
            dynamo=True,
            verbose=False,
        )
    if program is None:
        raise ModelInvalid("This version of PyTorch cannot export the network. Please report it.")
    return program


def _traced(predictor: Predictor) -> onnx.ModelProto:
    return trace(predictor).model_proto


def trace_quickly(predictor: Predictor) -> onnx.ModelProto | None:
    """Exports the graph with torch's older exporter, which records one run: a second instead of ten or more.

    It is no longer developed. For the fine-tuned networks its graphs give the same values, which
    `export_onnx` checks as for the newer exporter, and are as fast.

    Returns:
        The graph; None if the export failed.
    """
    axes = {name: {0: "batch"} for name in (*predictor.input_names, OUTPUT_NAME)}
    if "groups" in axes:
        axes["groups"] = {0: "present"}
    written: Any = io.BytesIO()  # typed as Any, as torch's stubs allow files only
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), torch.no_grad():
        warnings.simplefilter("ignore")  # the exporter's advice to developers
        try:
            torch.onnx.export(
                predictor,
                predictor.example_inputs(batch=2),
                written,
                input_names=list(predictor.input_names),
                output_names=[OUTPUT_NAME],
                dynamic_axes=axes,
                opset_version=OPSET,
                dynamo=False,
            )
        except (RuntimeError, TypeError, ValueError, torch.onnx.errors.OnnxExporterError):
            return None
    return onnx.load_from_string(written.getvalue())


def clean(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Removes debugging information of the exporter, in place."""
    proto.ir_version = IR_VERSION
    # It names source lines on this machine, and is in a field that this IR version lacks.
    for node in proto.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for values in (proto.graph.value_info, proto.graph.input, proto.graph.output):
        for value in values:
            del value.metadata_props[:]
    for tensor in proto.graph.initializer:
        del tensor.metadata_props[:]
    del proto.graph.metadata_props[:]
    del proto.metadata_props[:]
    return proto


def _compare(predictor: Predictor, model: bytes) -> float:
    """Largest difference between onnxruntime and torch: for one or more samples, no-data, missing groups."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    declared = {item.name for item in session.get_inputs()}
    difference = 0.0
    for batch in (1, 3):
        for inputs in _variants(predictor, batch):
            with torch.inference_mode():
                expected = predictor(*inputs).numpy()
            feed = {
                name: value.numpy()
                for name, value in zip(predictor.input_names, inputs)
                if name in declared
            }
            (given,) = session.run([OUTPUT_NAME], feed)
            if given.shape != expected.shape or not np.isfinite(given).all():
                return float("inf")
            difference = max(difference, float(np.abs(given - expected).max()))
    return difference


def _variants(predictor: Predictor, batch: int) -> list[tuple[torch.Tensor, ...]]:
    """Inputs for the comparison: complete, with a hole of no-data, and without each of the optional groups."""
    full = predictor.example_inputs(batch)
    names = predictor.input_names
    hole = [value.clone() for value in full]
    side = predictor.card.window // 4
    hole[names.index("valid")][..., :side, :side] = 0
    variants = [full, tuple(hole)]
    for group in predictor.card.optional_groups:
        fewer = list(hole)
        present = [index for index in range(predictor.groups) if index != group]
        fewer[names.index("groups")] = torch.tensor(present)
        variants.append(tuple(fewer))
    return variants


def _check_size(proto: onnx.ModelProto, half: bool) -> None:
    if proto.ByteSize() > _LARGEST_FILE:
        raise InvalidParameter(
            "The weights of the model need more than 2 GB, the largest size of a single ONNX file. "
            + ("Use a smaller model." if half else "Export with half-precision weights.")
        )
