"""Runs a Processing algorithm as a task, for windows that show more of a run than Processing's own dialog."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsApplication, QgsProcessingContext, QgsProcessingException

from ..i18n import tr
from .algorithm_feedback import AlgorithmFeedback
from .base import BaseTask, TaskCancelled


class AlgorithmTask(BaseTask):
    """Prepares the algorithm on the main thread, runs it on a worker thread, and finishes on the main thread.

    After a first cancel the algorithm may still keep what it has, and then succeeds; a second cancel does not wait for
    that.
    """

    def __init__(
        self,
        description: str,
        algorithm_id: str,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: AlgorithmFeedback,
    ) -> None:
        """Makes the task; call :meth:`prepare` next.

        Args:
            description: Shown in the task manager.
            algorithm_id: Such as ``"spectralgpt:finetune"``.
            parameters: As for ``processing.run``.
            context: Context of the run; made on the main thread.
            feedback: Takes what the algorithm reports.
        """
        super().__init__(description)
        self._id = algorithm_id
        self._parameters = dict(parameters)
        self._context = context
        self._algorithm: Any = None
        self.feedback = feedback

    def prepare(self) -> str:
        """Checks the parameters and reads the layers; call it on the main thread.

        Returns:
            Why it cannot run and what to do, or an empty text if it can be started.
        """
        self._algorithm = QgsApplication.processingRegistry().createAlgorithmById(self._id)
        if self._algorithm is None:
            return tr("There is no algorithm '{}'. Enable the plugin that provides it.").format(
                self._id
            )
        ready, reason = self._algorithm.canExecute()
        if ready:
            ready, reason = self._algorithm.checkParameterValues(self._parameters, self._context)
        if not ready:
            return reason
        try:
            ready = self._algorithm.prepare(self._parameters, self._context, self.feedback)
        except Exception as error:  # of a layer that cannot be read
            return str(error)
        return "" if ready else tr("The inputs could not be read. See the log for details.")

    def cancel(self) -> None:
        """Stops the algorithm; a second call does not wait for results that it would keep."""
        if self.feedback.isCanceled():
            self.feedback.abandon()
        else:
            self.feedback.cancel()
        super().cancel()

    def _run(self) -> dict[str, Any]:
        outputs = self._algorithm.runPrepared(self._parameters, self._context, self.feedback)
        if self.feedback.isCanceled() and not outputs:
            raise TaskCancelled
        return outputs

    def finished(self, result: bool) -> None:
        """Styles the outputs, then emits how it ended; called by QGIS on the main thread."""
        if result:
            try:
                self._algorithm.postProcess(self._context, self.feedback)
            except Exception as error:  # an exception that leaves a task crashes QGIS
                self.exception, result = error, False
        super().finished(result)

    def _describe(self, error: Exception) -> tuple[str, str]:
        """The algorithm's message, and as details what it logged for error reports."""
        known = isinstance(error, QgsProcessingException)  # its message is written for the user
        return str(error), "\n".join(self.feedback.details) or ("" if known else repr(error))
