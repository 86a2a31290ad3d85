"""The list of installed models as a task: the engine reads their cards."""

from __future__ import annotations

from ..i18n import tr
from ..model_catalogue import InstalledModel, installed_models
from .base import BaseTask


class ModelList(BaseTask):
    """Asks for the installed models; the result is what `installed_models` returns, which knows them from then on."""

    def __init__(self) -> None:
        """There is nothing to choose."""
        super().__init__(tr("Looking for installed models"), hidden=True)

    def _run(self) -> tuple[InstalledModel, ...]:
        return installed_models()
