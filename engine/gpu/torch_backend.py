"""PyTorch on an NVIDIA GPU: the network that a model's graph was exported from, in half precision."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..cards import Card
from ..checkpoint import load
from ..endings import SAFETENSORS
from ..errors import EngineError, ModelInvalid, OutOfMemory
from ..infer.backend import Arrays, Backend, Floats, checked_scores
from ..model.dense_head import DenseNetwork
from ..model.predictor import Predictor
from ..model.registry import build_network
from .fast_head import use_fast_head
from .graph_weights import graph_weights

# Fastest first. "half" stores the whole network in float16; "mixed" keeps norms and softmax in float32.
PRECISIONS = {
    "half": "float16",
    "mixed": "float16 with norms in float32",
    "float32": "float32",
}
MOST_BATCH = 64
_MEMORY_SHARE = 0.6  # share of the free memory for a batch; two may be on the GPU at a time
_LANES = 2  # one batch computes while another is copied


class TorchBackend(Backend):
    """A model in PyTorch on the first GPU."""

    def __init__(self, path: Path, card: Card, precision: str) -> None:
        """Loads the network, and finds out how many windows fit into the free memory.

        Args:
            path: An .onnx file; the weights are read from the .safetensors file beside it if that is the same model.
            card: Its card.
            precision: One of `PRECISIONS`.

        Raises:
            ModelInvalid: The network cannot be built from the file.
            OutOfMemory: The model does not fit.
        """
        self._path, self._card, self._precision = path, card, precision
        self.device, self.lanes, self.batch = "gpu", _LANES, 1
        predictor = load_predictor(path, card)
        self.inputs = frozenset(predictor.input_names)
        self._names = predictor.input_names
        self.name = (
            f"PyTorch {torch.__version__}, {torch.cuda.get_device_name()}, {PRECISIONS[precision]}"
        )
        try:
            self._predictor = predictor.eval().requires_grad_(False).to("cuda")
            if precision == "half":
                self._predictor.network = HalfNetwork(self._predictor.network)
            self.batch = self._fitting_batch()
        except torch.cuda.OutOfMemoryError as error:
            raise self._too_large(error) from error

    def predict(self, feeds: Arrays) -> Floats:
        """See `Backend.predict`."""
        try:
            inputs = [torch.from_numpy(np.ascontiguousarray(feeds[name])) for name in self._names]
            # Pinned memory on both sides: copies are several times faster than with pageable memory, which is allocated
            # for each batch.
            scores = self.compute(
                [value.pin_memory().to("cuda", non_blocking=True) for value in inputs]
            )
            given = torch.empty(scores.shape, pin_memory=True).copy_(scores)
        except torch.cuda.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            raise self._too_large(error) from error
        except RuntimeError as error:
            raise ModelInvalid(
                f"The model '{self._path.name}' failed on the GPU. Choose the device 'cpu'. If it is one of the "
                "models that come with the plugin, please report this.",
                details=str(error),
            ) from error
        return checked_scores(given.numpy(), self._path, self._card)

    def compute(self, inputs: Sequence[Tensor]) -> Tensor:
        """Computes probabilities, float32, from inputs on the GPU; the result stays there."""
        with (
            torch.inference_mode(),
            torch.autocast("cuda", torch.float16, enabled=self._precision == "mixed"),
        ):
            scores: Tensor = self._predictor(*inputs)
            return scores.float()

    def example(self, count: int) -> list[Tensor]:
        """Example inputs for a batch, on the GPU."""
        return [value.to("cuda") for value in self._predictor.example_inputs(count)]

    def _fitting_batch(self) -> int:
        """Number of windows that fit into memory, estimated from the memory that a further window needs."""
        needed = [self._peak(count) for count in (1, 2)]
        free, _ = torch.cuda.mem_get_info()
        each = max(needed[1] - needed[0], 1)
        return int(max(1, min(MOST_BATCH, _MEMORY_SHARE * free / each)))

    def _peak(self, count: int) -> int:
        """Peak memory of a batch besides the weights, bytes."""
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        self.compute(self.example(count))
        peak = torch.cuda.max_memory_allocated() - before
        torch.cuda.empty_cache()
        return int(peak)

    def _too_large(self, error: Exception) -> OutOfMemory:
        return OutOfMemory(
            f"The GPU does not have enough free memory for the model '{self._path.name}'. Close other programs, or "
            "choose a smaller model.",
            details=str(error),
        )


class HalfNetwork(nn.Module):
    """A network with float16 weights that takes and returns float32."""

    def __init__(self, network: nn.Module) -> None:
        """Converts the network in place."""
        super().__init__()
        self._network = network.half()
        if isinstance(network, DenseNetwork):
            use_fast_head(network)

    def forward(self, **arguments: Tensor | None) -> Tensor:
        """Calls the network with keyword arguments, like `Predictor`."""
        halved = {
            name: value.half() if value is not None and value.is_floating_point() else value
            for name, value in arguments.items()
        }
        scores: Tensor = self._network(**halved)
        return scores.float()


def load_predictor(path: Path, card: Card) -> Predictor:
    """Loads the network of a model file, with its normalisation and softmax or sigmoid.

    Args:
        path: An .onnx file.
        card: Its card.

    Raises:
        ModelInvalid: The type of network is unknown, or its weights cannot be read.
    """
    beside = path.with_suffix(SAFETENSORS)
    if beside.exists():
        try:
            network, its_card = load(beside)
            if (its_card.bands, its_card.classes) == (card.bands, card.classes):
                return Predictor(network, card)
        except EngineError:
            pass  # not the same model: use the weights in the graph
    network = build_network(card.architecture)
    predictor = Predictor(network, card)
    weights = graph_weights(path, {f"network.{k}": v for k, v in network.state_dict().items()})
    network.load_state_dict({k.removeprefix("network."): v for k, v in weights.items()})
    return predictor
