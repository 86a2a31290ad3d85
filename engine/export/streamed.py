"""Exports a large predictor to one ONNX file, writing its weights one by one.

torch's exporter refers to the weights where they are, for example in a memory-mapped checkpoint. Building a complete
ONNX message in memory would copy all of them several times.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import onnx
import onnx_ir
from onnx import TensorProto, helper

from ..cards import Card
from ..endings import ONNX
from ..errors import InvalidParameter
from ..infer.staging import StagedOutputs, write_error
from ..model.predictor import Predictor
from ..model_file import CARD_KEY, SEAL_KEY, UNSEALED, seal
from ..protobuf import length_prefix
from .onnx import clean, trace

# Field numbers in onnx.proto; these fields are length-delimited.
_MODEL_GRAPH, _GRAPH_INITIALIZER, _TENSOR_RAW_DATA = 7, 5, 9
_LARGEST_FILE = 2**31 - 2**20  # bytes; the limit of the protobuf format


def export_streamed(predictor: Predictor, card: Card, path: str | Path) -> str:
    """Writes a predictor as ONNX with full-precision weights, with only one of them in memory at a time.

    Unlike `export_onnx` it does not run the result, as that alone would need the weights in memory twice.

    Args:
        predictor: Normalisation, network and softmax or sigmoid, in evaluation mode.
        card: Card for the file's metadata.
        path: File to write, ending in .onnx; it appears complete or not at all.

    Returns:
        The file's seal (SHA-256).

    Raises:
        InvalidParameter: The path does not end in .onnx, or the weights need more than 2 GB.
        ModelInvalid: The network cannot be exported.
        OutputNotWritable: The file cannot be written.
        DiskFull: The disk is full.
    """
    with StagedOutputs() as outputs:
        staged = outputs.stage(str(path), (ONNX,))
        model = trace(predictor).model
        weights = _take_weights(model.graph)
        proto = clean(onnx_ir.to_proto(model))
        helper.set_model_props(proto, {CARD_KEY: json.dumps(card.to_stac()), SEAL_KEY: UNSEALED})
        try:
            with staged.open("wb") as file:
                write_model(file, proto, weights)
            return seal(staged)
        except OSError as error:
            raise write_error(staged, error) from error


def write_model(
    file: BinaryIO, proto: onnx.ModelProto, weights: Iterable[onnx_ir.TensorProtocol]
) -> None:
    """Writes a model whose initializers are given separately from its graph.

    Args:
        file: File to write to.
        proto: The model, without the initializers in `weights`.
        weights: The initializers.

    Raises:
        InvalidParameter: The model is larger than the format allows.
    """
    graph = proto.graph.SerializeToString()
    rest = onnx.ModelProto()
    rest.CopyFrom(proto)
    rest.ClearField("graph")
    heads = [(weight, _head(weight)) for weight in weights]
    size = len(graph) + sum(len(head) + weight.nbytes for weight, head in heads)
    if size > _LARGEST_FILE:
        raise InvalidParameter(
            f"The model needs {size / 1e9:.1f} GB, but a single ONNX file can hold at most 2 GB. Write a "
            ".safetensors model instead."
        )
    file.write(rest.SerializeToString())
    file.write(length_prefix(_MODEL_GRAPH, size))
    file.write(graph)
    for weight, head in heads:
        file.write(head)
        file.write(weight.tobytes())


def _take_weights(graph: onnx_ir.Graph) -> list[onnx_ir.TensorProtocol]:
    """Removes the initializers from a graph and returns them under the names its nodes use."""
    weights = []
    for name, value in list(graph.initializers.items()):
        tensor = value.const_value
        if tensor is not None:
            tensor.name = name
            weights.append(tensor)
            value.const_value = None
            del graph.initializers[name]
    return weights


def _head(weight: onnx_ir.TensorProtocol) -> bytes:
    """An initializer's record in the graph up to its raw data, which follow."""
    described = TensorProto(
        name=weight.name or "",
        dims=weight.shape.numpy(),
        data_type=int(weight.dtype),
    ).SerializeToString() + length_prefix(_TENSOR_RAW_DATA, weight.nbytes)
    return length_prefix(_GRAPH_INITIALIZER, len(described) + weight.nbytes) + described
