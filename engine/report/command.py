"""The command line that repeats a job."""

from __future__ import annotations

import dataclasses
import shlex

from ..language import tr
from ..logins import HIDDEN, without_secrets
from ..parameters import Job


def command_line(job: Job) -> str:
    """`python -m engine VERB ...` with all options that are not defaults, quoted for a POSIX shell.

    Logins are left out; a comment then says so.
    """
    words = ["python", "-m", "engine", job.verb]
    for field in dataclasses.fields(job):  # type: ignore[arg-type]
        value = getattr(job, field.name)
        if value == field.default or value is None:
            continue
        if field.metadata.get("positional"):
            words.append(str(value))
            continue
        negation = "no-" if value is False else ""
        words.append(f"--{negation}{field.name.replace('_', '-')}")
        if isinstance(value, tuple):
            words += map(str, value)
        elif not isinstance(value, bool):
            words.append(str(value))
    command = " ".join(shlex.quote(without_secrets(word)) for word in words)
    if HIDDEN not in command:
        return command
    note = tr(
        "*** stands for a login or an access key, which reports leave out: put yours in its place."
    )
    return f"# {note}\n{command}"
