"""Graphs of networks that several tests export."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import onnx
import pytest
import torch

from engine.export import onnx as exporting
from engine.model.predictor import Predictor


@contextmanager
def recorded_once() -> Iterator[None]:
    """Records the graph of a network once, as that takes up to 20 s; equal networks have equal graphs."""
    trace, graphs = exporting._traced, []

    def traced(predictor: Predictor) -> onnx.ModelProto:
        equal = (graph for known, graph in graphs if _are_equal(known, predictor))
        graph = next(equal, None)
        if graph is None:
            graph = trace(predictor)
            graphs.append((predictor, graph))
        copy = onnx.ModelProto()  # as an export changes it
        copy.CopyFrom(graph)
        return copy

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exporting, "_traced", traced)
        yield


def _are_equal(one: Predictor, other: Predictor) -> bool:
    mine, theirs = one.state_dict(), other.state_dict()
    return (
        one.card == other.card
        and mine.keys() == theirs.keys()
        and all(torch.equal(mine[name], theirs[name]) for name in mine)
    )
