import numpy as np
import pytest

pytest.importorskip("openvino", reason="OpenVINO has no wheel for this system")

from engine.infer.int8_products import quantised, use_int8
from engine.infer.processor import processor_name
from engine.infer.quiet_openvino import openvino, opset13

EXACT = {"INFERENCE_PRECISION_HINT": "f32"}


def product(weights, half=False, turned=False):
    """x [rows, inputs] by weights [outputs, inputs], as exporters write it."""
    stored = weights if turned else np.ascontiguousarray(weights.T)
    given = opset13.parameter([8, weights.shape[1]], np.float32, "x")
    constant = opset13.constant(stored.astype(np.float16) if half else stored)
    if half:
        constant = opset13.convert(constant, np.float32)
    result = opset13.matmul(given, constant, False, turned)
    return openvino.Model([result], [given], "product")


def constants(model):
    found = [n for n in model.get_ordered_ops() if n.get_type_name() == "Constant"]
    return {node.get_element_type().get_type_name() for node in found}


def test_a_row_is_rounded_to_steps_of_its_largest_value_by_127():
    values, scales = quantised(np.array([[12.7, -6.35, 0.06], [0, 0, 0]], np.float32))
    assert values.tolist() == [[127, -64, 1], [0, 0, 0]]  # 0.06 / 0.1 = 0.6, nearest is 1
    np.testing.assert_allclose(scales, [[0.1], [1]], rtol=1e-6)


@pytest.mark.skipif("vnni" not in processor_name(), reason="without VNNI, 16 bits may overflow")
@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("turned", [False, True])
def test_whole_numbers_are_multiplied_exactly(half, turned):
    """Whole values lose nothing by rounding where each row, and each group however small, reaches 127."""
    generator = np.random.default_rng(0)
    weights = generator.integers(-127, 128, (64, 128)).astype(np.float32)
    given = generator.integers(-127, 128, (8, 128)).astype(np.float32)
    weights[:, ::32] = given[:, ::32] = 127
    model = product(weights, half, turned)
    assert use_int8(model) == 128
    assert "i8" in constants(model)
    computed = openvino.Core().compile_model(model, "CPU", EXACT)(given)[0]
    np.testing.assert_allclose(computed, given @ weights.T, rtol=1e-5)


def test_groups_divide_the_inputs_where_they_can():
    weights = np.ones((64, 192), np.float32)
    assert use_int8(product(weights)) == 64


def test_small_matrices_and_other_nodes_stay_as_they_are():
    model = product(np.ones((4, 16), np.float32))
    assert use_int8(model) == 0
    assert "i8" not in constants(model)


def test_weights_that_two_layers_share_are_stored_once():
    weights = opset13.constant(np.eye(128, dtype=np.float32))
    given = opset13.parameter([8, 128], np.float32, "x")
    twice = opset13.matmul(opset13.matmul(given, weights, False, True), weights, False, True)
    model = openvino.Model([twice], [given], "twice")
    use_int8(model)
    stored = [
        n for n in model.get_ordered_ops() if n.get_output_element_type(0).get_type_name() == "i8"
    ]
    assert len(stored) == 1
