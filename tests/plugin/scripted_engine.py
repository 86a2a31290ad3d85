"""Engines of a few lines, each misbehaving in one way."""

from __future__ import annotations

from pathlib import Path

HEAD = """
import json, os, subprocess, sys, threading, time
job = json.loads(sys.stdin.readline())
def say(**event):
    print(json.dumps(event), flush=True)
"""
# Ends as the real engine does: at {"cancel": true} or at the end of stdin.
POLITE = """
def wait():
    for line in sys.stdin:
        if json.loads(line).get("cancel"):
            break
    say(event="cancelled")
    sys.exit(130)
"""


def is_running(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def write_engine(root, body):
    """A package `engine` in a folder that runs `body`, with `say`, `wait` and the job at hand."""
    package = root / "engine"
    package.mkdir(exist_ok=True)
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text(HEAD + POLITE + body)
