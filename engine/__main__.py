"""Command line of the engine: `python -m engine VERB ...`, and `python -m engine run` for the protocol.

Exit codes: 0 done, 1 failed, 2 bad usage, 130 cancelled.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from .command_line import parsed, parser
from .jobs import run_job
from .memory_limit import keep_limit
from .protocol import EXIT_BAD_USAGE, EventStream, report, serve, stdout_for_events
from .terminal import Terminal


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    if os.environ.get("RANK", "0") != "0":  # of several processes under torchrun only one reports
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    keep_limit()
    # Threads of one computation synchronise thousands of times. If QGIS or another program keeps a core busy, those
    # that spin while waiting take processor time from the one they wait for: ten times as long, as measured.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    options = parsed(sys.argv[1:] if arguments is None else arguments)
    verb, as_json = options.pop("verb"), options.pop("json", False)
    if verb is None:
        parser().print_help(sys.stderr)
        return EXIT_BAD_USAGE
    if verb == "run":
        with stdout_for_events() as stream:
            return serve(sys.stdin, EventStream(stream), run_job)

    job = {"verb": verb, "parameters": options}
    if as_json:
        with stdout_for_events() as stream:
            events = EventStream(stream)
            signal.signal(signal.SIGINT, lambda *_: events.cancel())
            return report(events, lambda progress: run_job(job, progress))
    terminal = Terminal()

    def interrupt(*_: Any) -> None:
        terminal.interrupted = True

    signal.signal(signal.SIGINT, interrupt)
    return report(terminal, lambda progress: run_job(job, progress))


if __name__ == "__main__":
    sys.exit(main())
