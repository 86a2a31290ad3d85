"""What may run a model on the processor besides ONNX Runtime."""

from pathlib import Path

import pytest

from engine.infer.processor_backends import other_backends
from engine.model_file import read_card

openvino_backend = pytest.importorskip("engine.infer.openvino_backend")


def test_each_precision_has_a_backend(segmenter):
    path = Path(segmenter())
    found = other_backends(path, read_card(path), 1)
    assert list(found) == [f"openvino-{name}" for name in openvino_backend.precisions()]


def test_a_library_that_does_not_start_is_left_out(segmenter, monkeypatch):
    """So it is where the system gives it no more threads: ONNX Runtime still runs the model."""

    def fail():
        raise RuntimeError("Resource temporarily unavailable")

    monkeypatch.setattr(openvino_backend, "precisions", fail)
    path = Path(segmenter())
    assert other_backends(path, read_card(path), 1) == {}
