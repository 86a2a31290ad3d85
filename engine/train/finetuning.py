"""The verb `finetune`: trains a model from the user's labels."""

from __future__ import annotations

import dataclasses
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch

from ..data.labels import read_labels
from ..endings import ONNX, SAFETENSORS
from ..infer.backend import usable_threads
from ..infer.staging import StagedOutputs
from ..infer.writer import raster_environment
from ..language import speaking
from ..progress import Progress, Unstoppable
from ..training_jobs import FinetuneJob
from .base_model import open_base
from .device import choose_device
from .made_model import write_model
from .map_finetuning import finetune_map
from .scene_finetuning import finetune_scenes
from .tuned_report import write_report


def finetune_model(job: FinetuneJob, progress: Progress) -> dict[str, Any]:
    """Makes a model from labels: NAME.onnx for prediction, NAME.safetensors for further training.

    Args:
        job: The checked job.
        progress: Takes steps and metrics; a cancel while the encoder is trained keeps the best model so far.

    Returns:
        The protocol's result: outputs, model, method, classes, accuracy, warnings, seconds.

    Raises:
        EngineError: A subclass; its message says what was given, what was expected and what to do.
    """
    started = time.monotonic()
    told = Listener(progress)
    if job.threads:
        torch.set_num_threads(usable_threads(job.threads))
    device = choose_device(job.device)
    base = open_base(job.base)
    layer = read_labels(job.labels, job.field, classes=job.classes, multilabel=job.multilabel)
    with ExitStack() as stack:
        stack.enter_context(raster_environment(job.threads))
        stack.enter_context(speaking(job.language))
        outputs = stack.enter_context(
            StagedOutputs((*job.inputs, *job.after, job.labels, str(base.path)))
        )
        staged = outputs.stage(job.output_model, (ONNX,))
        trainable = str(Path(job.output_model).with_suffix(SAFETENSORS))
        weights = outputs.stage(trainable, (SAFETENSORS,))
        report = outputs.stage(job.output_report, (".html",)) if job.output_report else None
        if job.task == "scene-classification":
            made = finetune_scenes(job, base, layer, device, stack, told)
        else:
            made = finetune_map(job, base, layer, device, stack, told)
        # From here on a cancel must not lose the finished model.
        told.state(keeps=True)
        last = Unstoppable(told)
        last.update(0.95, "Writing the model")
        sealed = write_model(made, staged, weights)
        if report is not None:
            write_report(report, made.run(job, told.warnings))
        last.update(1.0, "Done")
    return {
        "outputs": {
            "output_model": job.output_model,
            "trainable_model": trainable,
            **({"output_report": job.output_report} if job.output_report else {}),
        },
        "seconds": round(time.monotonic() - started, 2),
        "model": {"name": made.card.name, "sha256": sealed},
        "method": made.method.name,
        "reason": made.method.reason,
        "cancelled": made.cancelled,
        "classes": [dataclasses.asdict(item) for item in made.card.classes],
        "accuracy": made.card.accuracy,
        "warnings": told.warnings,
    }


class Listener(Progress):
    """Forwards events, and collects the warnings for the report."""

    def __init__(self, progress: Progress) -> None:
        """Forwards events to `progress`."""
        super().__init__()
        self.warnings: list[str] = []
        self._progress = progress

    def check(self) -> None:
        """Raises `Cancelled` if the user has cancelled."""
        self._progress.check()

    def update(self, fraction: float, message: str = "") -> None:
        """Forwards the progress."""
        self._progress.update(fraction, message)

    def emit(self, event: dict[str, Any]) -> None:
        """Forwards an event."""
        if event["event"] == "warning" and event["message"] not in self.warnings:
            self.warnings.append(event["message"])
        self._progress.emit(event)
