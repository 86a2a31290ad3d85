"""Stops the runs of our algorithms that go on in the background: they must end before the plugin goes.

A run keeps a pointer to the provider, which QGIS deletes when it is removed: whoever then asks the run for its id, as
Processing does at its end, takes QGIS down.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from qgis.core import QgsApplication, QgsTask
from qgis.PyQt.QtCore import QCoreApplication, QEventLoop

from .engine_client import EngineClient

_WAIT = 7.0  # s; an engine that does not end by itself is ended after 5
_POLL = 0.01  # s


def stop_runs(titles: Iterable[str]) -> bool:
    """Cancels runs and waits, on the main thread, until QGIS has heard of their end.

    Args:
        titles: Titles of our algorithms: a task tells no more of its algorithm.

    Returns:
        Whether none is left.
    """
    titles = tuple(titles)
    end = time.monotonic() + _WAIT
    while time.monotonic() < end:
        tasks = _runs(titles)
        if not tasks:
            return True
        EngineClient.abandon_all()  # a training would take its time to write its best model
        for task in tasks:  # of a batch, the next one may have been started meanwhile
            task.cancel()
        # Not what the user does meanwhile: it could start the next run.
        QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)
        time.sleep(_POLL)
    return not _runs(titles)


def _runs(titles: tuple[str, ...]) -> list[QgsTask]:
    return [
        task
        for task in QgsApplication.taskManager().tasks()
        if any(title in task.description() for title in titles)
    ]
