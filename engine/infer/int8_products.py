"""Dynamic int8 quantisation of a network's linear layers.

Weights become int8 with one scale for each output. Activations are rounded to int8 while the model runs, in groups of
neighbouring values with a scale each, so that no calibration is needed: a window brighter than any seen before keeps
its precision. Attention, norms and convolutions stay in float32. Whether a model keeps its results is decided by
measuring it, as for any backend.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .quiet_openvino import opset13

_LEAST_WEIGHTS = 4096  # smaller matrices take no time worth saving
_LARGEST = 127  # the range is symmetric: -128 is not used
# Activations that share a scale. Larger groups are faster, unless they do not divide a layer's inputs.
_GROUPS = (128, 64)


def use_int8(model: Any) -> int:
    """Turns the weights of the linear layers into int8, in place.

    Args:
        model: An openvino.Model of static sizes.

    Returns:
        Activations that share a scale, for OpenVINO's DYNAMIC_QUANTIZATION_GROUP_SIZE; 0 where there is no
        linear layer.
    """
    inputs = []
    shared: dict[str, Any] = {}  # a change model runs the same weights twice
    for node in model.get_ordered_ops():
        source, weights = _weights(node)
        if weights is None:
            continue
        if source not in shared:
            shared[source] = _dequantised(*quantised(weights))
        product = opset13.matmul(node.input_value(0), shared[source], False, True)
        product.set_friendly_name(node.get_friendly_name())
        node.output(0).replace(product.output(0))
        inputs.append(weights.shape[1])
    if not inputs:
        return 0
    model.validate_nodes_and_infer_types()
    return next((size for size in _GROUPS if not any(n % size for n in inputs)), _GROUPS[-1])


def quantised(weights: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Weights [outputs, inputs] as int8, and the scales [outputs, 1] to multiply them by."""
    scales = np.abs(weights).max(axis=1, keepdims=True) / _LARGEST
    scales[scales == 0] = 1
    return np.round(weights / scales).astype(np.int8), scales.astype(np.float32)


def _weights(node: Any) -> tuple[str, NDArray[np.float32] | None]:
    """Name and values [outputs, inputs] of the constant that a node multiplies its input by; else "" and None."""
    if node.get_type_name() != "MatMul" or node.get_attributes()["transpose_a"]:
        return "", None
    constant = node.input_value(1).get_node()
    if constant.get_type_name() == "Convert":  # stored in half precision
        constant = constant.input_value(0).get_node()
    if constant.get_type_name() != "Constant":
        return "", None
    values = np.asarray(constant.data, np.float32)
    if values.ndim != 2 or values.size < _LEAST_WEIGHTS:
        return "", None
    turned = node.get_attributes()["transpose_b"]
    return f"{constant.get_friendly_name()} {turned}", values if turned else values.T


def _dequantised(values: NDArray[np.int8], scales: NDArray[np.float32]) -> Any:
    """The pattern of operations that OpenVINO recognises as int8 weights and keeps so."""
    wide = opset13.convert(opset13.constant(values), np.float32)
    return opset13.multiply(wide, opset13.constant(scales))
