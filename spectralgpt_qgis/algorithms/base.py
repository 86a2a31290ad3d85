"""Base of all algorithms: their identity, checks, the call of the engine, and the styling of results."""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputLayerDefinition,
    QgsProcessingParameterNumber,
    QgsProcessingUtils,
    QgsProperty,
)
from qgis.PyQt.QtGui import QIcon

from .. import engine_access, paths
from ..engine_client import EngineCancelled, EngineClient, EngineFailed
from ..help_pages import page_url
from ..i18n import time_left, tr
from ..result_layers import ResultLayer, hand_over
from ..run_journal import FinishedRun, journal
from .layer_values import endings, layer_without_crs, plain_values, unreadable_layer
from .left_behind import absolute_outputs, keeps_rows, remove_abandoned, remove_rows

if TYPE_CHECKING:
    from ..styling import LayerStyle

# GDAL takes ";" for options, and SQLite decodes "%20".
_NO_GEOPACKAGE = re.compile(r"%[0-9A-Fa-f]{2}|;[^/\\]*$")
_ENDLESS = 1e12  # upper limits from this on mean "no limit"
FILES = ("output_model", "output_report")  # outputs that are not layers


class EngineAlgorithm(QgsProcessingAlgorithm):
    """An algorithm that runs one engine job; subclasses declare parameters and outputs."""

    NAME = ""
    ICON = "spectralgpt"
    VERB = ""
    TIER = "inference"
    GROUP_ID = "mapping"

    def __init__(self) -> None:
        """Starts without results."""
        super().__init__()
        self._styles: list[tuple[str, LayerStyle]] = []
        self._files: dict[str, str] = {}  # outputs that are not layers
        self._folder = ""  # of temporary inputs
        self._choices: dict[str, Any] = {}  # values to offer again the next time

    # -- identity --------------------------------------------------------------------------------

    def createInstance(self) -> QgsProcessingAlgorithm:  # noqa: N802
        """Returns a new instance, which Processing asks for before every run."""
        return type(self)()

    def name(self) -> str:
        """The id; it is part of the interface and never renamed or translated."""
        return self.NAME

    def group(self) -> str:
        """The group in the toolbox."""
        return {
            "imagery": tr("Imagery"),
            "mapping": tr("Mapping"),
            "training": tr("Training"),
            "accuracy": tr("Accuracy"),
            "models": tr("Models"),
        }[self.GROUP_ID]

    def groupId(self) -> str:  # noqa: N802
        """The group's id."""
        return self.GROUP_ID

    def icon(self) -> QIcon:
        """The icon in the toolbox."""
        return QIcon(paths.icon(self.ICON))

    def svgIconPath(self) -> str:  # noqa: N802
        """The icon as SVG, for places that scale it."""
        return paths.icon(self.ICON)

    def helpUrl(self) -> str:  # noqa: N802
        """The page that the dialog's Help button opens; it ships with the plugin."""
        return page_url(self.NAME)

    # -- checks ----------------------------------------------------------------------------------

    def canExecute(self) -> tuple[bool, str]:  # noqa: N802
        """Whether the engine is installed; if not, why, and what to do."""
        reason = engine_access.why_not_ready(self.TIER)
        return not reason, reason

    def checkParameterValues(  # noqa: N802
        self, parameters: dict[str, Any], context: QgsProcessingContext
    ) -> tuple[bool, str]:
        """Refuses values that the user can correct, and says how."""
        # Before QGIS's own check, which only says "incorrect value" or "not found".
        reason = self._out_of_range(parameters, context) or self.unreadable(parameters, context)
        if reason:
            return False, reason
        valid, reason = super().checkParameterValues(self.plain(parameters), context)
        if not valid:
            return False, reason
        reason = (
            self._wrong_name(parameters)
            or layer_without_crs(self, parameters, context)
            or self.problem(parameters, context)
        )
        return not reason, reason

    def unreadable(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        """Why an input cannot be read (missing or damaged); empty if all can."""
        return unreadable_layer(self, parameters, context)

    def plain(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """The parameters in the form that QGIS's own methods accept."""
        return plain_values(self, parameters)

    def problem(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        """Hook for subclasses: a message about what is wrong with otherwise valid values; empty if nothing is."""
        return ""

    def _out_of_range(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        for definition in self.parameterDefinitions():
            value = parameters.get(definition.name())
            if not isinstance(definition, QgsProcessingParameterNumber):
                continue
            if value is None or isinstance(value, QgsProperty):
                continue
            number = self.parameterAsDouble(parameters, definition.name(), context)
            if number < definition.minimum() and definition.maximum() >= _ENDLESS:
                return tr("'{parameter}' ({name}) is {value}; it must be at least {low:g}.").format(
                    parameter=definition.description(),
                    name=definition.name(),
                    value=value,
                    low=definition.minimum(),
                )
            if not definition.minimum() <= number <= definition.maximum():
                return tr(
                    "'{parameter}' ({name}) is {value}; it must be between {low:g} and {high:g}."
                ).format(
                    parameter=definition.description(),
                    name=definition.name(),
                    value=value,
                    low=definition.minimum(),
                    high=definition.maximum(),
                )
        return ""

    def _wrong_name(self, parameters: dict[str, Any]) -> str:
        for definition in self.destinationParameterDefinitions():
            target = destination_text(parameters.get(definition.name()))
            ending = os.path.splitext(target)[1].lower()
            expected = endings(definition)
            if target and target != "TEMPORARY_OUTPUT" and ending not in expected:
                return tr(
                    "'{parameter}' would be written to '{target}', but this tool cannot write that type of file. "
                    "Specify a file name that ends in {expected}."
                ).format(
                    parameter=definition.description(),
                    target=target,
                    expected=tr(" or ").join(expected),
                )
            if ending == ".gpkg" and _NO_GEOPACKAGE.search(target):
                return tr(
                    "'{parameter}' would be written to '{target}', but QGIS cannot open a GeoPackage with a ';' in "
                    "its name, or with a '%' followed by two digits (such as %20) in its path. Choose another name "
                    "or folder."
                ).format(parameter=definition.description(), target=target)
        return ""

    # -- the run ---------------------------------------------------------------------------------

    def prepareAlgorithm(  # noqa: N802
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> bool:
        """Checks the parameters here too, as QGIS does not check the steps of a graphical model."""
        valid, reason = self.checkParameterValues(parameters, context)
        if not valid:
            raise QgsProcessingException(reason)
        return True

    def run_engine(self, job: dict[str, Any], feedback: QgsProcessingFeedback) -> dict[str, Any]:
        """Runs one job, and reports to the feedback.

        A feedback may have more methods than QGIS's own: `advance(fraction, message, seconds)` instead of percent
        and text, `measure(name, step, value)` for metrics, `describe(facts)` for facts that hold from now on, and
        `conclude(result)` for the engine's whole result. Its `is_abandoned()` says that the user does not want to
        wait for what a cancelled job would keep. With `is_dry` the engine only estimates the job.

        Args:
            job: The fields of the verb's job; empty ones may be left out.
            feedback: Gets progress, log and warnings, and can cancel.

        Returns:
            The engine's result; empty if the user cancelled, or only requested an estimate.

        Raises:
            QgsProcessingException: The job failed, with the reason and the remedy.
        """
        job = {**job, **absolute_outputs(job)}
        dry = getattr(feedback, "is_dry", False)
        if dry:
            job["dry_run"] = True
        client = None
        try:
            client = engine_access.client(self.TIER)
            result = self._followed(client, job, feedback)
            if dry:
                return {}
            if feedback.isCanceled():
                feedback.pushInfo(tr("Stopped early. The results so far were kept."))
            self._files = {name: str(job[name]) for name in FILES if job.get(name)}
            return result
        except EngineCancelled:
            remove_abandoned(job, client.pid)
            if not dry:  # an estimate has none: they would be those of another run
                remove_rows(job)
            feedback.pushInfo(tr("Cancelled. Nothing was written."))
            return {}
        except EngineFailed as failure:
            remove_abandoned(job, client.pid if client is not None else None)
            died = failure.kind == "EngineDied" and not dry
            if died and keeps_rows(job, QgsProcessingUtils.tempFolder()):
                feedback.pushInfo(
                    tr(
                        "The results so far were kept. To continue, run the tool again with the same settings and "
                        "the same output."
                    )
                )
            if failure.details:
                feedback.pushDebugInfo(failure.details)
            raise QgsProcessingException(self._readable(failure.message)) from failure
        finally:
            self.ended()

    def _followed(
        self, client: EngineClient, job: dict[str, Any], feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Runs the job and passes all events on to the feedback; returns the engine's result."""

        def on_state(facts: dict[str, Any]) -> None:
            self.told(facts)
            getattr(feedback, "describe", lambda _: None)(facts)

        result = client.run(
            self.VERB,
            job,
            on_progress=getattr(feedback, "advance", ProgressTeller(feedback).tell),
            on_log=lambda text: feedback.pushInfo(self._readable(text)),
            on_warning=lambda text: feedback.pushWarning(self._readable(text)),
            on_metric=getattr(feedback, "measure", None),
            on_state=on_state,
            is_cancelled=feedback.isCanceled,
            is_abandoned=getattr(feedback, "is_abandoned", None),
        )
        getattr(feedback, "conclude", lambda _: None)(result)
        return result

    def told(self, facts: dict[str, Any]) -> None:
        """Hook for subclasses: takes facts about the run, in the run's thread."""

    def ended(self) -> None:
        """Hook for subclasses: the engine has ended, with or without success."""

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        """A folder for temporary inputs, removed after the run."""
        with tempfile.TemporaryDirectory(
            prefix="spectralgpt-", dir=QgsProcessingUtils.tempFolder()
        ) as folder:
            self._folder = str(Path(folder))
            yield Path(folder)

    def _readable(self, text: str) -> str:
        """A message with temporary paths shortened to file names, which are the names of the layers."""
        if not self._folder:
            return text
        return re.sub(re.escape(self._folder) + r"[/\\](?:[\w-]+[/\\])*", "", text)

    # -- results ---------------------------------------------------------------------------------

    def keep_style(self, path: str, style: LayerStyle) -> None:
        """Remembers the style of an output, which is applied after the run, on the main thread."""
        if path:
            self._styles.append((path, style))

    def postProcessAlgorithm(  # noqa: N802
        self, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Styles the outputs: the files, for whoever opens them, and the layers that are added to the project."""
        from ..styling import save_default_style  # not at the start of QGIS

        for path, style in self._styles:
            problem = save_default_style(path, style)
            if problem:
                feedback.pushWarning(problem)
        layers = [ResultLayer(path, style) for path, style in self._styles]
        names = hand_over(layers, self.displayName(), self.subject(), context)
        if names or self._files:  # otherwise it was cancelled, or is a step of a model or script
            journal.tell(
                FinishedRun(
                    # Not id(), which asks the provider: it may be gone by now.
                    algorithm=f"spectralgpt:{self.NAME}",
                    title=self.displayName(),
                    layers=tuple(names),
                    model=self._files.get("output_model", ""),
                    report=self._files.get("output_report", ""),
                    log=feedback.htmlLog(),
                    choices=self._choices,
                )
            )
        return {}

    def subject(self) -> str:
        """Hook for subclasses: what the run was about, such as the name of its raster."""
        return ""


class ProgressTeller:
    """Passes progress to a feedback; as its texts end up in the log, they are passed on only when something is new."""

    SILENCE = 10.0  # s between two lines that differ only in the time left

    def __init__(self, feedback: QgsProcessingFeedback) -> None:
        """Starts without a message."""
        self._feedback = feedback
        self._message = ""
        self._told = time.monotonic()

    def tell(self, fraction: float, message: str, seconds: float | None) -> None:
        """Takes one progress event of the engine.

        Args:
            fraction: Share done, 0..1.
            message: The current step; empty if it has not changed.
            seconds: Time left; None if not known.
        """
        self._feedback.setProgress(100 * fraction)
        now = time.monotonic()
        is_new = bool(message) and message != self._message
        if is_new or (seconds is not None and now - self._told > self.SILENCE):
            self._message = message or self._message
            self._told = now
            parts = (self._message, time_left(seconds if fraction < 1.0 else None))
            self._feedback.setProgressText(" · ".join(part for part in parts if part))


def destination_text(value: Any) -> str:
    """The file name in a destination parameter's value; empty if there is none or it is an expression."""
    if isinstance(value, QgsProcessingOutputLayerDefinition):
        return str(value.sink.staticValue() or "")
    return value if isinstance(value, str) else ""


def written(outputs: dict[str, str]) -> dict[str, str]:
    """The outputs that were requested."""
    return {name: path for name, path in outputs.items() if path}
