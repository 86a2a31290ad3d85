import os

import pytest

pytest.importorskip("openvino", reason="OpenVINO has no wheel for this system")

from engine.benchmark.speed.figures import Figures
from engine.benchmark.speed.model_turns import PLAIN, Turns
from engine.benchmark.speed.processor import _add, format_of, in_a_child
from engine.infer.openvino_backend import PRECISIONS
from engine.model_folders import shipped_models


def test_a_child_measures_all_in_turns():
    """Limited to AVX2 where it has more; this process keeps its environment."""
    before = dict(os.environ)
    path = shipped_models() / "scenes.onnx"
    turns = in_a_child(path, 1, 2, ("float32",), "AVX2", side=64)
    assert dict(os.environ) == before
    assert set(turns.peaks) == {"float32", "int8"}
    assert [len(values) for values in turns.peaks.values()] == [2, 2]
    plain, other = turns.windows
    assert plain == PLAIN and other.endswith("float32")
    assert all(len(values) == 2 and min(values) > 0 for values in turns.windows.values())
    assert turns.agreements[other].startswith("same class 100.00%")


def test_ratios_are_to_plain_onnx_runtime_and_to_the_peak_of_the_format():
    """600 GFLOP in 2 s are 300 GFLOP/s, half of 600; in .5 s 1200, a third of 3600."""
    name = f"OpenVINO, {PRECISIONS['encoder']}"
    turns = Turns({"float32": [600.0], "bfloat16": [3600.0]}, {PLAIN: [2.0], name: [0.5]}, {})
    figures = Figures("", "")
    _add(figures, "all", turns, 600)
    assert dict(figures.ratios) == {
        f"all: {PLAIN}, by the peak in float32": pytest.approx(1 / 2),
        f"all: {PLAIN} by {name}": 4,
        f"all: {name}, by the peak in bfloat16": pytest.approx(1 / 3),
    }


def test_the_format_of_each_way_to_run_a_model():
    assert [format_of(f"OpenVINO, CPU, {words}") for words in PRECISIONS.values()] == [
        "float32",
        "bfloat16",
        "bfloat16",
        "int8",
    ]
    assert format_of("ONNX Runtime 1.31.1, CPU") == "float32"
