"""The verb `import`: a published SpectralGPT checkpoint becomes a model of ours."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from . import checkpoint
from .cards import Card
from .errors import ModelTaskMismatch
from .infer.staging import StagedOutputs
from .jobs import ImportJob
from .model.network import Network
from .model.predictor import IMAGES, Predictor
from .official import load_official
from .official_cards import official_card
from .progress import Progress

_CHUNK = 1 << 24


def import_model(job: ImportJob, progress: Progress) -> dict[str, Any]:
    """Reads a checkpoint and writes it as .safetensors (to train from) or .onnx (to predict with).

    Args:
        job: What to read and what to write.
        progress: Told how far it is.

    Returns:
        Outputs, the model's name and seal, its task, its bands, classes and number of parameters.

    Raises:
        CheckpointMismatch: The input is not one of the published checkpoints.
        InvalidParameter: The output's name ends otherwise.
        ModelTaskMismatch: A backbone is to be written as .onnx.
        OutputNotWritable: The output cannot be written.
        DiskFull: There is no room for it.
    """
    output = Path(job.output)
    with StagedOutputs([job.input]) as outputs:
        staged = outputs.stage(job.output, (".safetensors", ".onnx"))
        progress.update(0.0, "Reading the checkpoint")
        network, kind = load_official(job.input, job.kind)
        progress.update(0.2, "Taking the checkpoint's fingerprint")
        source = {"file": Path(job.input).name, "sha256": _sha256(Path(job.input), progress)}
        card = official_card(kind, job.name or output.stem, network.architecture(), source)
        progress.update(0.4, "Writing the model")
        sha256 = _write(staged, network, card, progress)
        progress.check()
    progress.update(1.0, "Done")
    return {
        "outputs": {"output": str(output)},
        "model": {"name": card.name, "sha256": sha256},
        "task": kind,
        "window": card.window,
        "parameters": sum(weight.numel() for weight in network.parameters()),
        "bands": [band.name for band in card.bands],
        "classes": [
            {"value": item.value, "name": item.name, "title": item.title, "color": item.color}
            for item in card.classes
        ],
        "licence": card.licence,
    }


def _write(path: Path, network: Network, card: Card, progress: Progress) -> str:
    """Writes the model in the format its ending asks for; returns its seal."""
    if path.suffix.lower() == ".safetensors":
        return checkpoint.save(path, network, card)
    if card.task not in IMAGES:
        raise ModelTaskMismatch(
            "This checkpoint is a backbone: it predicts nothing until it is fine-tuned, so it cannot become .onnx. "
            "Give an output that ends in .safetensors, and fine-tune from it."
        )
    # Only this branch needs the exporter and its libraries.
    from .export.streamed import export_streamed

    progress.check()
    return export_streamed(Predictor(network, card).eval(), card, path)


def _sha256(path: Path, progress: Progress) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            progress.check()
            digest.update(chunk)
    return digest.hexdigest()
