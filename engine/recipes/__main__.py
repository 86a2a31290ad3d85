"""`python -m engine.recipes --data DATA --out resources/models [NAME ...]`: makes what ships."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from ..errors import EngineError
from ..progress import Event, Progress

# In order of dependence: all models start from the backbone.
RECIPES = ("backbone", "scenes", "landcover", "change")


class Terminal(Progress):
    """Reports to stderr, with progress at most once every ten seconds."""

    def __init__(self) -> None:
        """Starts without a report."""
        super().__init__()
        self._told = 0.0

    def emit(self, event: Event) -> None:
        """Writes an event as one line."""
        kind = event["event"]
        if kind == "progress":
            if time.monotonic() - self._told < 10:
                return
            self._told = time.monotonic()
            line = f"{100 * event['fraction']:5.1f} %  {event['message']}"
        elif kind == "metric":
            line = f"  {event['name']} after epoch {event['step']}: {event['value']:.4f}"
        else:
            line = str(event.get("message", event))
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the chosen recipes in order, and returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m engine.recipes", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(RECIPES)}; all")
    parser.add_argument("--data", type=Path, required=True, help="root of the shared collections")
    parser.add_argument("--out", type=Path, required=True, help="folder of the models")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in RECIPES]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; expected some of {', '.join(RECIPES)}")
    if not options.data.is_dir():
        parser.error(f"--data {options.data} is not a folder; give that of the shared collections")
    progress = Terminal()
    for name in RECIPES:
        if options.names and name not in options.names:
            continue
        started = time.monotonic()
        try:
            path = import_module(f".{name}", __package__).make(options.data, options.out, progress)
        except EngineError as error:
            sys.stderr.write(f"{name}: {error.message}\n")
            return 1
        minutes = (time.monotonic() - started) / 60
        size = path.stat().st_size / 1e6
        progress.log(f"{name}: {path}, {size:.1f} MB, {minutes:.1f} minutes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
