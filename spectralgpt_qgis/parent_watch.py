"""Runs a command that must not outlive the process that asked for it, however that ends. A script of its own.

    python parent_watch.py COMMAND ARGUMENT ...

Its standard input is a pipe that the asking process holds: when that is killed, the system closes the pipe, and what
runs here is ended with all that it started. Otherwise an installer would go on writing into a folder nobody waits for.
"""

from __future__ import annotations

import os
import signal
import subprocess  # nosec B404
import sys
import threading


def main() -> int:
    """Return the command's exit code."""
    process = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)  # nosec B603
    threading.Thread(target=_end_with_parent, args=(process,), daemon=True).start()
    return process.wait()


def _end_with_parent(process: subprocess.Popen[bytes]) -> None:
    while os.read(0, 1024):  # unbuffered: a thread that holds a buffer may not be left at the end
        pass
    if os.name == "nt":
        taskkill = os.path.join(
            os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32", "taskkill.exe"
        )
        command = [taskkill, "/F", "/T", "/PID", str(process.pid)]
        subprocess.call(command)  # nosec B603
    else:
        # This process leads the group, see child_process.start.
        os.killpg(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
