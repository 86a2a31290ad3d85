"""Stops background runs of the plugin's algorithms, which must end before the plugin is unloaded.

A run has a pointer to the provider, which QGIS deletes when it is removed. QGIS then crashes as soon as the run's
algorithm is asked for its id, as Processing does at the end of a run.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from qgis.core import QgsApplication, QgsTask
from qgis.PyQt.QtCore import QCoreApplication, QEventLoop

from .engine_client import EngineClient

_WAIT = 7.0  # s; an engine that does not end by itself is killed after 5 s
_POLL = 0.01  # s


def stop_runs(titles: Iterable[str]) -> bool:
    """Cancels runs and waits, on the main thread, until QGIS has processed their end.

    Args:
        titles: Titles of the plugin's algorithms, by which their tasks are recognised.

    Returns:
        Whether all have ended.
    """
    titles = tuple(titles)
    end = time.monotonic() + _WAIT
    while time.monotonic() < end:
        tasks = _runs(titles)
        if not tasks:
            return True
        EngineClient.abandon_all()  # a cancelled training would take a while to write its best model
        for task in tasks:  # a batch may have started the next run meanwhile
            task.cancel()
        # Without user input, which could start another run.
        QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)
        time.sleep(_POLL)
    return not _runs(titles)


def _runs(titles: tuple[str, ...]) -> list[QgsTask]:
    return [
        task
        for task in QgsApplication.taskManager().tasks()
        if any(title in task.description() for title in titles)
    ]
