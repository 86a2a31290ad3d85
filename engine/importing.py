"""The verb `import`: converts a published SpectralGPT checkpoint to a model of ours, or copies a model of ours."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .card_editing import copy_file, write_with_card
from .cards import Card
from .endings import ONNX, SAFETENSORS, ending
from .errors import InvalidParameter, ModelInvalid, ModelTaskMismatch
from .infer.staging import StagedOutputs, write_error
from .jobs import ImportJob
from .model_file import CARD_KEY, read_card, read_metadata, verify
from .model_folders import SUFFIXES
from .progress import Progress

if TYPE_CHECKING:
    from .model.network import Network

_CHUNK = 1 << 24
_DEEPNESS = ("model_type", "class_names", "tile_size", "standardization_mean")


def import_model(job: ImportJob, progress: Progress) -> dict[str, Any]:
    """Reads a checkpoint and writes it as .safetensors (for training) or .onnx (for prediction).

    A model of ours (.onnx or .safetensors with a card and a seal) is checked and copied.

    Args:
        job: The checked job.
        progress: Takes the progress.

    Returns:
        Outputs, the model's name and seal, its task, its bands, classes and number of parameters (0 for a copy).

    Raises:
        CheckpointMismatch: The input is not one of the published checkpoints.
        ModelInvalid: The input is not a model of ours, or was changed since it was made.
        InvalidParameter: The output's name has the wrong ending.
        ModelTaskMismatch: .onnx is requested for a backbone.
        OutputNotWritable: The output cannot be written.
        DiskFull: The disk is full.
    """
    if ending(job.input) in SUFFIXES:
        return _adopt(job, progress)
    return _convert(job, progress)


def _adopt(job: ImportJob, progress: Progress) -> dict[str, Any]:
    """Checks a model of ours and copies it, under another name if requested."""
    source, output = Path(job.input), Path(job.output)
    _refuse_foreign(source)
    card = read_card(source)
    progress.update(0.0, "Checking the model")
    sha256 = verify(source)
    if ending(output) != ending(source):
        raise InvalidParameter(
            f"'{source.name}' is copied without conversion, so the output must end in {source.suffix}, not "
            f"'{output.name}'. To convert it to another format, use 'Export model'."
        )
    with StagedOutputs([job.input]) as outputs:
        staged = outputs.stage(job.output, (ending(source),))
        progress.update(0.3, "Copying the model")
        part = progress.part(0.3, 0.99)
        try:
            if job.name and job.name != card.name:
                card = dataclasses.replace(card, name=job.name)
                sha256 = write_with_card(source, staged, card, part)
            else:
                copy_file(source, staged, part)
        except OSError as error:
            raise write_error(staged, error) from error
        progress.check()
    progress.update(1.0, "Done")
    return _told(output, card, sha256, 0)


def _refuse_foreign(source: Path) -> None:
    """Refuses an ONNX file without our card, and says what it seems to be.

    Raises:
        ModelInvalid: The file has no card.
    """
    metadata = read_metadata(source)
    if CARD_KEY in metadata:
        return
    made_for = ""
    if any(key in metadata for key in _DEEPNESS):
        made_for = " It seems to have been made for the Deepness plugin: use it there."
    raise ModelInvalid(
        f"'{source.name}' has no SpectralGPT card. It does not say which bands it needs (by wavelength) and how "
        f"values are scaled, so it cannot be used here.{made_for} Choose a model made with this plugin, or a "
        "published SpectralGPT checkpoint (.pth)."
    )


def _convert(job: ImportJob, progress: Progress) -> dict[str, Any]:
    """Converts a published checkpoint to a model of ours."""
    # Imported late, as only this needs the libraries of the training tier.
    from .official import load_official
    from .official_cards import official_card

    output = Path(job.output)
    with StagedOutputs([job.input]) as outputs:
        staged = outputs.stage(job.output, (SAFETENSORS, ONNX))
        progress.update(0.0, "Reading the checkpoint")
        network, kind = load_official(job.input, job.kind)
        progress.update(0.2, "Computing the checksum of the checkpoint")
        source = {"file": Path(job.input).name, "sha256": _sha256(Path(job.input), progress)}
        card = official_card(kind, job.name or output.stem, network.architecture(), source)
        progress.update(0.4, "Writing the model")
        sha256 = _write(staged, network, card, progress)
        progress.check()
    progress.update(1.0, "Done")
    return _told(output, card, sha256, sum(weight.numel() for weight in network.parameters()))


def _told(output: Path, card: Card, sha256: str, parameters: int) -> dict[str, Any]:
    return {
        "outputs": {"output": str(output)},
        "model": {"name": card.name, "sha256": sha256},
        "title": card.title,
        "task": card.task,
        "window": card.window,
        "parameters": parameters,
        "bands": [band.name for band in card.bands],
        "classes": [
            {"value": item.value, "name": item.name, "title": item.title, "color": item.color}
            for item in card.classes
        ],
        "licence": card.licence,
    }


def _write(path: Path, network: Network, card: Card, progress: Progress) -> str:
    """Writes the network in the format given by the file's ending; returns the file's seal."""
    from . import checkpoint
    from .model.predictor import IMAGES, Predictor

    if ending(path) == SAFETENSORS:
        return checkpoint.save(path, network, card)
    if card.task not in IMAGES:
        raise ModelTaskMismatch(
            "This checkpoint is a backbone, which cannot make predictions before it is fine-tuned, so it cannot "
            "become an .onnx file. Choose an output that ends in .safetensors, and fine-tune from it."
        )
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
