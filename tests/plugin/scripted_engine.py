"""Makes tiny fake engines from a few lines of code, each with one kind of misbehaviour."""

from __future__ import annotations

from pathlib import Path

HEAD = """
import json, os, subprocess, sys, threading, time
job = json.loads(sys.stdin.readline())
def say(**event):
    print(json.dumps(event), flush=True)
"""
# Stops like the real engine: at {"cancel": true}, or at the end of stdin.
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
    """Writes a package `engine` that runs `body`, which can use `say`, `wait` and the job."""
    package = root / "engine"
    package.mkdir(exist_ok=True)
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text(HEAD + POLITE + body)
