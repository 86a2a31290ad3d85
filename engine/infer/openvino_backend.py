"""The OpenVINO backend on the processor, in four precisions.

In bfloat16 the last layers of a dense head lose what tells two similar classes apart, while a transformer's tokens lose
next to nothing. Hence the choices: all in float32, all in bfloat16, the encoder in bfloat16 and the rest in float32, or
the linear layers in int8 and the rest in float32.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..cards import Card
from ..errors import EngineError, ModelInvalid, OutOfMemory
from .backend import Arrays, Backend, Floats, check_graph, checked_scores, lanes_of
from .int8_products import use_int8
from .processor import lacks_int8
from .quiet_openvino import openvino, opset13

PRECISIONS = {
    "float32": "float32",
    "bfloat16": "bfloat16",
    "encoder": "encoder in bfloat16, the rest in float32",
    "int8": "linear layers in int8, the rest in float32",
}
_NEEDED = {"bfloat16": "BF16", "encoder": "BF16", "int8": "INT8"}  # in OpenVINO's words
# The first tensor of each type initialises state shared by the process. Two threads that do so at once deadlock, one
# holding Python's lock and one OpenVINO's: so it is done here, at import.
for _dtype in (np.float32, np.int64):
    openvino.Tensor(np.zeros(1, _dtype), shared_memory=True)
_BRIDGE = "tokens"  # name of the input through which the second half takes the encoder's output


def precisions() -> tuple[str, ...]:
    """The keys of `PRECISIONS` that this processor computes without emulation."""
    abilities = set(openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"))
    # OpenVINO lists int8 even so, and then multiplies the rounded weights in float32.
    if lacks_int8():
        abilities.discard(_NEEDED["int8"])
    return tuple(name for name in PRECISIONS if name not in _NEEDED or _NEEDED[name] in abilities)


class OpenVinoBackend(Backend):
    """A model in OpenVINO."""

    def __init__(self, path: Path, card: Card, precision: str, threads: int) -> None:
        """Reads the model; it is compiled at the first prediction, when the sizes are known.

        Args:
            path: An .onnx file.
            card: Its card.
            precision: One of `PRECISIONS`.
            threads: Processor threads, 0 = all.

        Raises:
            ModelInvalid: The file is no graph that OpenVINO can run, or not the one its card describes.
        """
        self._path, self._card, self._precision = path, card, precision
        self.lanes, self._share = lanes_of(threads)
        self.device, self.batch = "cpu", 1
        self._core = openvino.Core()
        try:
            self._model = self._core.read_model(str(path))
        except RuntimeError as error:
            raise self._invalid(error) from error
        shapes = {
            item.get_any_name(): [
                None if size.is_dynamic else size.get_length() for size in item.get_partial_shape()
            ]
            for item in self._model.inputs
        }
        # An output has several names where OpenVINO has dropped a node that only hands on (seen with 2025.3).
        outputs = {name for item in self._model.outputs for name in item.get_names()}
        check_graph(path, card, shapes, outputs)
        self.inputs = frozenset(shapes)
        version = openvino.__version__.split("-")[0]
        self.name = f"OpenVINO {version}, CPU, {PRECISIONS[precision]}"
        self._compiled: dict[tuple[tuple[int, ...], ...], list[Any]] = {}
        self._compiling = threading.Lock()
        self._lane = threading.local()

    def prepare(self, feeds: Arrays) -> None:
        """As `Backend.prepare`: compiles the model for these sizes; an error is left for `predict` to raise."""
        used, sizes = self._used(feeds)

        def compile_model() -> None:
            with suppress(EngineError):
                self._stages(used, sizes)

        threading.Thread(target=compile_model, name="compile").start()

    def predict(self, feeds: Arrays) -> Floats:
        """As `Backend.predict`, with inference requests of its own for each thread."""
        used, sizes = self._used(feeds)
        requests = self._lane.__dict__.setdefault("requests", {})
        if sizes not in requests:
            requests[sizes] = [stage.create_infer_request() for stage in self._stages(used, sizes)]
        try:
            for request in requests[sizes]:
                # Inputs are not copied: nobody changes the arrays while the request runs.
                result = request.infer(used, share_inputs=True, share_outputs=False)[0]
                used = {**used, _BRIDGE: result}
        except MemoryError as error:
            raise self._too_large(error) from error
        except RuntimeError as error:
            raise self._invalid(error) from error
        return checked_scores(result, self._path, self._card)

    def _used(self, feeds: Arrays) -> tuple[dict[str, NDArray[Any]], tuple[tuple[int, ...], ...]]:
        """The graph's inputs among the feeds, and their sizes."""
        used = {name: feeds[name] for name in sorted(self.inputs)}
        return used, tuple(array.shape for array in used.values())

    def _stages(self, used: Arrays, sizes: tuple[tuple[int, ...], ...]) -> list[Any]:
        """The compiled model, or its two halves, for inputs of these sizes."""
        with self._compiling:
            if sizes not in self._compiled:
                try:
                    self._compiled[sizes] = self._compile(used)
                except MemoryError as error:
                    raise self._too_large(error) from error
                except RuntimeError as error:
                    raise self._invalid(error) from error
            return self._compiled[sizes]

    def _compile(self, used: Arrays) -> list[Any]:
        model = self._model.clone()
        model.reshape({name: list(array.shape) for name, array in used.items()})
        if self._precision == "int8":
            group = use_int8(model)
            return [self._compile_model(model, "f32", DYNAMIC_QUANTIZATION_GROUP_SIZE=group)]
        halves = split_after_encoder(model) if self._precision == "encoder" else None
        if halves is None:
            whole = "f32" if self._precision == "float32" else "bf16"
            return [self._compile_model(model, whole)]
        return [self._compile_model(halves[0], "bf16"), self._compile_model(halves[1], "f32")]

    def _compile_model(self, model: Any, precision: str, **further: int) -> Any:
        options = {
            **further,
            "INFERENCE_PRECISION_HINT": precision,
            "NUM_STREAMS": self.lanes,
            "INFERENCE_NUM_THREADS": self.lanes * self._share,
            # Threads of two lanes would be pinned to the same processors.
            "ENABLE_CPU_PINNING": False,
        }
        return self._core.compile_model(model, "CPU", options)

    def _invalid(self, error: Exception) -> ModelInvalid:
        return ModelInvalid(
            f"OpenVINO {openvino.__version__} cannot run '{self._path}': the ONNX model is incomplete, or has parts "
            "that OpenVINO does not support.",
            details=str(error),
        )

    def _too_large(self, error: Exception) -> OutOfMemory:
        return OutOfMemory(
            f"The computer does not have enough free memory for the model '{self._path.name}'. Close other programs, "
            "or choose a smaller model.",
            details=str(error),
        )


def split_after_encoder(model: Any) -> tuple[Any, Any] | None:
    """Splits a model after its last layer normalisation, where the transformer encoder ends.

    Args:
        model: An openvino.Model, which is modified.

    Returns:
        The encoder, and the rest, which takes the encoder's output as an input named "tokens"; None for a model
        without layer normalisation.
    """
    rest = model.clone()  # has its nodes in the same order
    norms = [place for place, node in enumerate(model.get_ordered_ops()) if _is_layer_norm(node)]
    if not norms:
        return None
    cut = model.get_ordered_ops()[norms[-1]].output(0)
    bridge = opset13.parameter(cut.get_partial_shape(), np.float32, _BRIDGE)
    bridge.output(0).get_tensor().set_names({_BRIDGE})
    for target in rest.get_ordered_ops()[norms[-1]].output(0).get_target_inputs():
        target.replace_source_output(bridge.output(0))
    first = openvino.Model([cut], model.get_parameters(), "encoder")
    second = openvino.Model(rest.get_results(), [*rest.get_parameters(), bridge], "head")
    return first, second


def _is_layer_norm(node: Any) -> bool:
    """Whether a node normalises over one axis, not over images or groups of channels."""
    if node.get_type_name() != "MVN":
        return False
    axes = node.input_value(1).get_partial_shape()
    return bool(axes.is_static and axes.to_shape() == openvino.Shape([1]))
