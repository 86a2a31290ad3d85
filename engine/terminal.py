"""Shows a run on a terminal: a bar on standard error, the result as JSON on standard output."""

from __future__ import annotations

import json
import sys

from .logins import masked
from .progress import Event, Progress
from .protocol import as_json


class Terminal(Progress):
    """A progress for people: with a bar on a terminal, and messages only in a file."""

    def __init__(self) -> None:
        """Starts uncancelled; setting `interrupted` cancels, as Ctrl+C does."""
        self.interrupted = False
        self._clear = "\r\033[K" if sys.stderr.isatty() else ""
        super().__init__(lambda: self.interrupted)

    def emit(self, event: Event) -> None:
        """Shows one event, without logins."""
        event = masked(event)
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
            pass  # only for clients that display the run
        elif kind == "cancelled":
            sys.stderr.write(f"{self._clear}Cancelled.\n")
        else:
            result = {key: value for key, value in event.items() if key != "event"}
            sys.stderr.write(self._clear)
            sys.stdout.write(_encodable(as_json(result, indent=2)) + "\n")
        sys.stderr.flush()

    def _bar(self, event: Event) -> None:
        if not self._clear:
            return
        done = int(30 * event["fraction"])
        left = f", {event['eta_s']} s left" if "eta_s" in event else ""
        sys.stderr.write(
            f"{self._clear}[{'#' * done}{'.' * (30 - done)}] {event['fraction']:4.0%}{left}  {event['message']}"
        )


def _encodable(text: str) -> str:
    """Escapes JSON if standard output cannot encode it, such as a redirected file on Windows."""
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(json.loads(text), indent=2)
    return text
