"""The verb `models`: the installed models and what their cards say. Standard library only, so it answers at once."""

from __future__ import annotations

from typing import Any

from .errors import ModelInvalid
from .jobs import ModelsJob
from .model_file import installed_models, read_card
from .progress import Progress


def list_models(job: ModelsJob, progress: Progress) -> dict[str, Any]:
    """Lists models as {"models": [{"name", "path", "task", "title", "format", "card"}]}.

    A file that cannot be read is told as a warning and left out.
    """
    models = []
    for path in installed_models():
        try:
            card = read_card(path)
        except ModelInvalid as error:
            progress.warning(error.message)
            continue
        if job.task in ("", card.task):
            models.append(
                {
                    "name": path.stem,
                    "path": str(path),
                    "task": card.task,
                    "title": card.title or card.name,
                    "format": path.suffix.lstrip("."),
                    "card": card.to_stac(),
                }
            )
    return {"models": models}
