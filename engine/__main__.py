"""Command line of the engine: `python -m engine VERB ...`, and `python -m engine run` for the protocol.

Exit codes: 0 done, 1 failed, 2 bad usage, 130 cancelled.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import signal
import sys
from typing import Any

from .jobs import VERBS, run_job
from .memory_limit import keep_limit
from .parameters import Job
from .progress import Event, Progress
from .protocol import EXIT_BAD_USAGE, EventStream, report, serve, stdout_for_events

_ITEMS = {
    "tuple[str, ...]": str,
    "tuple[int, ...]": int,
    "tuple[float, ...]": float,
    "tuple[float, ...] | None": float,
}
_SINGLE = {"int": int, "float": float, "float | None": float, "str": str}


class Terminal(Progress):
    """A progress for people: a bar on standard error, the result as JSON on standard output."""

    def __init__(self) -> None:
        """Cancelled by Ctrl+C."""
        self.interrupted = False
        self._clear = "\r\033[K" if sys.stderr.isatty() else ""
        super().__init__(lambda: self.interrupted)

    def emit(self, event: Event) -> None:
        """Shows one event."""
        kind = event["event"]
        if kind == "progress":
            self._bar(event)
        elif kind in ("log", "warning"):
            sys.stderr.write(
                f"{self._clear}{'Warning: ' if kind == 'warning' else ''}{event['message']}\n"
            )
        elif kind == "metric":
            sys.stderr.write(
                f"{self._clear}{event['name']} {event['step']}: {event['value']:.4f}\n"
            )
        elif kind == "error":
            details = f"\n{event['details']}" if event["details"] else ""
            sys.stderr.write(f"{self._clear}Error: {event['message']}{details}\n")
        elif kind == "state":
            pass  # for who draws the run
        elif kind == "cancelled":
            sys.stderr.write(f"{self._clear}Cancelled.\n")
        else:
            result = {key: value for key, value in event.items() if key != "event"}
            sys.stderr.write(self._clear)
            sys.stdout.write(json.dumps(result, indent=2, ensure_ascii=False, default=str) + "\n")
        sys.stderr.flush()

    def _bar(self, event: Event) -> None:
        if not self._clear:
            return
        done = int(30 * event["fraction"])
        left = f", {event['eta_s']} s left" if "eta_s" in event else ""
        sys.stderr.write(
            f"{self._clear}[{'#' * done}{'.' * (30 - done)}] {event['fraction']:4.0%}{left}  {event['message']}"
        )


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    if os.environ.get("RANK", "0") != "0":  # of several processes under torchrun one reports
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    keep_limit()
    # Threads of one computation meet many thousand times. Where QGIS or another program keeps a core busy, those
    # that spin while they wait take the time of the one that they wait for: ten times as long, as was measured.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    options = vars(_parser().parse_args(arguments))
    verb, as_json = options.pop("verb"), options.pop("json", False)
    if verb is None:
        _parser().print_help(sys.stderr)
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m engine", description="SpectralGPT engine.")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB")
    verbs.add_parser("run", help="run one job from standard input, events on standard output")
    for verb, (job_class, _, _) in VERBS.items():
        sub = verbs.add_parser(verb, help=job_class.summary, description=job_class.__doc__)
        sub.add_argument("--json", action="store_true", help="JSON events on standard output")
        for field in dataclasses.fields(job_class):  # type: ignore[arg-type]
            _add_option(sub, job_class, field)
    return parser


def _add_option(
    parser: argparse.ArgumentParser, job_class: type[Job], field: dataclasses.Field[Any]
) -> None:
    kind = str(field.type)
    options: dict[str, Any] = {
        "dest": field.name,
        "help": field.metadata["help"].replace("%", "%%"),
    }
    if field.metadata.get("positional"):
        parser.add_argument(
            field.name, choices=field.metadata["choices"], help=field.metadata["help"]
        )
        return
    if field.default is dataclasses.MISSING:
        options["required"] = True
    else:
        options["default"] = field.default
    if kind == "bool":
        options["action"] = argparse.BooleanOptionalAction if field.default else "store_true"
    elif kind in _ITEMS:
        options.update(type=_ITEMS[kind], nargs=4 if kind == "tuple[float, ...] | None" else "+")
    else:
        options["type"] = _SINGLE[kind]
        if "choices" in field.metadata:
            options["choices"] = field.metadata["choices"]
    parser.add_argument("--" + field.name.replace("_", "-"), **options)


if __name__ == "__main__":
    sys.exit(main())
