"""The command line of engine_environment.py: install, check, repair, remove, status and python."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from . import paths
from .engine_environment import EngineEnvironment, InstallCancelled
from .install_problems import EnvironmentProblem
from .package_installer import Sources
from .requirement_files import ACCELERATORS, TIERS

DONE, FAILED, CANCELLED = 0, 1, 130


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    options = _parser().parse_args(arguments)
    environment = EngineEnvironment(options.home)
    interrupted = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: interrupted.set())
    signal.signal(signal.SIGTERM, lambda *_: interrupted.set())
    try:
        return _do(options, environment, interrupted)
    except EnvironmentProblem as problem:
        if problem.details:
            _say(sys.stderr, problem.details)
        _say(sys.stderr, f"Error: {problem.message}")
        return FAILED
    except InstallCancelled:
        _say(sys.stderr, "Cancelled. The environment in use is as it was.")
        return CANCELLED


def _do(
    options: argparse.Namespace, environment: EngineEnvironment, interrupted: threading.Event
) -> int:
    sources = Sources(options.index, options.proxy, options.ca, options.wheels)
    if options.action == "install":
        environment.install(
            options.tier,
            accelerator=options.accelerator,
            sources=sources,
            extra=options.extra,
            report=_report,
            is_cancelled=interrupted.is_set,
        )
    elif options.action == "repair":
        environment.repair(sources, report=_report, is_cancelled=interrupted.is_set)
    elif options.action == "remove":
        environment.remove()
        _say(sys.stdout, "The engine's environment is removed; models are kept.")
    elif options.action == "check":
        for name, value in environment.check().items():
            _say(sys.stdout, f"{name}: {value}")
    elif options.action == "python":
        _say(sys.stdout, str(environment.python))
    else:
        status = environment.status()
        _say(sys.stdout, f"{status.state}: {status.message}")
        if status.python:
            _say(sys.stdout, str(status.python))
        return DONE if status.usable else FAILED
    return DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="engine_environment.py",
        description="The Python environment of the SpectralGPT engine.",
    )
    actions = ("install", "check", "repair", "remove", "status", "python")
    parser.add_argument("action", choices=actions, help="what to do; python prints its path")
    add: Any = parser.add_argument
    add("--tier", choices=TIERS, default="inference", help="training adds PyTorch")
    add("--home", type=Path, help=f"folder; default: ${paths.HOME_VARIABLE}, else the user's data")
    add("--accelerator", choices=ACCELERATORS, default="cpu", help="cuda downloads gigabytes")
    add("--wheels", default="", metavar="DIR", help="install from a folder of wheels, offline")
    add("--index", default="", metavar="URL", help="package index instead of PyPI")
    add("--proxy", default="", metavar="URL", help="http://user:password@host:port")
    add("--ca", default="", metavar="FILE", help="certificates to trust (PEM)")
    add("--extra", type=Path, action="append", default=[], metavar="FILE", help="more requirements")
    return parser


def _report(fraction: float, message: str) -> None:
    _say(sys.stdout, f"[{fraction:4.0%}] {message}")


def _say(stream: Any, text: str) -> None:
    stream.write(text + "\n")
    stream.flush()
