"""The verb `export`: writes an installed model to a file for use elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..card_editing import copy_file
from ..endings import ONNX, SAFETENSORS, ending
from ..errors import ModelInvalid, ModelTaskMismatch
from ..infer.staging import StagedOutputs, write_error
from ..model_file import find_model, read_card, verify
from ..model_jobs import ExportJob
from ..progress import Progress


def export_model(job: ExportJob, progress: Progress) -> dict[str, Any]:
    """Writes a model as plain ONNX, as ONNX for Deepness, or as weights to train from.

    A file that exists in the requested format is copied unchanged; a missing ONNX file is made from the weights.

    Args:
        job: The model, the format, and the file to write.
        progress: Takes the progress.

    Returns:
        {"outputs": {"output": path}, "model": {"name", "title", "sha256"}, "task", "format", "difference"}; the last is
        the largest difference of a probability between the written file and the model, 0 for a copy.

    Raises:
        ModelInvalid: The model does not exist, is damaged, or lacks what the format needs.
        ModelTaskMismatch: ONNX is requested for a backbone, which predicts nothing.
        InvalidParameter: The output has the wrong ending, or the format does not support this model.
        OutputNotWritable: The output cannot be written.
        DiskFull: The disk is full.
    """
    path = find_model(job.model)
    form = SAFETENSORS if job.format == "safetensors" else ONNX
    source = _in_format(path, form)
    with StagedOutputs([str(path), str(source or "")]) as outputs:
        staged = outputs.stage(job.output, (form,))
        progress.update(0.0, "Checking the model")
        sha256 = verify(source or path)
        progress.update(0.2, "Writing the model")
        difference = 0.0
        try:
            if source is None:
                source, difference = _predicting(path, staged, progress)
            elif job.format != "deepness":
                copy_file(source, staged, progress.part(0.2, 0.95))
            if job.format == "deepness":
                from .deepness import export_deepness

                difference = max(
                    difference, export_deepness(source, staged, sha256, progress.part(0.3, 0.95))
                )
        except OSError as error:
            raise write_error(staged, error) from error
        progress.check()
    card = read_card(path)
    progress.update(1.0, "Done")
    return {
        "outputs": {"output": str(job.output)},
        "model": {"name": card.name, "title": card.title, "sha256": sha256},
        "task": card.task,
        "format": job.format,
        "difference": difference,
    }


def _in_format(path: Path, form: str) -> Path | None:
    """The model's file with this ending; None if it must be made.

    Raises:
        ModelInvalid: Weights to train from are requested, but there are none.
    """
    wanted = path if ending(path) == form else path.with_suffix(form)
    if wanted.is_file():
        return wanted
    if form == SAFETENSORS:
        raise ModelInvalid(
            f"The model '{path.stem}' has no weights to train from: there is no {wanted.name} next to it. Export it "
            "as ONNX instead."
        )
    return None


def _predicting(path: Path, staged: Path, progress: Progress) -> tuple[Path, float]:
    """Makes an ONNX file from weights; returns it and the largest difference of a probability."""
    card = read_card(path)
    if card.task == "backbone":
        raise ModelTaskMismatch(
            f"The model '{path.stem}' is a backbone, which cannot make predictions before it is fine-tuned. Export "
            "its weights (safetensors), or fine-tune it first."
        )
    # Imported late, as only this needs the libraries of the training tier.
    from ..checkpoint import load
    from ..model.predictor import Predictor
    from .onnx import export_onnx

    network, card = load(path)
    progress.check()
    made = export_onnx(Predictor(network, card), card, staged)
    return made.path, made.difference
