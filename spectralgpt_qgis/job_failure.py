"""Remembers the last failed job of this session, for the diagnostics report. No Qt."""

from __future__ import annotations

import time
from typing import NamedTuple


class JobFailure(NamedTuple):
    """A job that failed.

    Attributes:
        when: Local time, ISO.
        verb: The engine's verb.
        kind: Kind of the error.
        message: The message that the user saw.
        details: Traceback, or the end of the engine's error output.
    """

    when: str
    verb: str
    kind: str
    message: str
    details: str


_last: list[JobFailure] = []


def remember_failure(verb: str, kind: str, message: str, details: str) -> None:
    """Keep a failure instead of the previous one."""
    when = time.strftime("%Y-%m-%dT%H:%M:%S")
    _last[:] = [JobFailure(when, verb, kind, message, details)]


def last_failure() -> JobFailure | None:
    """Return the last failure of this session."""
    return _last[0] if _last else None
