"""Reads the weights of a network back from its exported graph.

The exporter keeps the names of most parameters. Only the matrices of linear layers are stored transposed, under names
of its own; they are identified by the bias that is added to their product.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor

from ..errors import ModelInvalid

_HALF = ".half"  # what `export.onnx.store_half` appends


def graph_weights(path: Path, wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Reads the weights of a network.

    Args:
        path: An .onnx file that `export.onnx.export_onnx` wrote.
        wanted: The network's `state_dict`, for names and shapes.

    Returns:
        A tensor for every name in `wanted`, float32 if it is floating-point.

    Raises:
        ModelInvalid: Weights are missing in the graph: constants were folded, or it comes from elsewhere.
    """
    graph = onnx.load(str(path)).graph
    constants = {
        tensor.name.removesuffix(_HALF): numpy_helper.to_array(tensor)
        for tensor in graph.initializer
    }
    found = {**constants, **_linear_weights(graph.node, constants)}
    weights = {}
    for name, like in wanted.items():
        value = found.get(name)
        if value is None or value.shape != tuple(like.shape):
            raise ModelInvalid(
                f"The graph of '{path.name}' does not contain the weight '{name}' of its network. Use ONNX Runtime "
                "for this model, or keep its .safetensors file next to it."
            )
        dtype = like.dtype if not like.dtype.is_floating_point else torch.float32
        weights[name] = torch.from_numpy(np.array(value)).to(dtype)
    return weights


def _linear_weights(
    nodes: Iterable[onnx.NodeProto], constants: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Matrices [outputs, inputs] of linear layers, by the names that follow from their biases."""
    products = {}  # name of a product with a constant -> name of the constant
    found = {}
    for node in nodes:
        if node.op_type == "MatMul" and node.input[1] in constants:
            products[node.output[0]] = node.input[1]
        elif node.op_type == "Add":
            matrices = [products[name] for name in node.input if name in products]
            biases = [name for name in node.input if name in constants and name.endswith(".bias")]
            if matrices and biases:
                name = biases[0].removesuffix("bias") + "weight"
                found[name] = constants[matrices[0]].T
    return found
