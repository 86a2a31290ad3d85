"""Runs a command that must not outlive the process that started it. A stand-alone script.

    python parent_watch.py COMMAND ARGUMENT ...

Its standard input is a pipe from the starting process. However that process ends, the system closes the pipe, and this
script kills the command with all that it started. Otherwise an installer would continue to write into a folder that is
no longer used.
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
    while os.read(0, 1024):  # unbuffered, as a thread that holds a buffer's lock aborts the exit
        pass
    if os.name == "nt":
        taskkill = os.path.join(
            os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32", "taskkill.exe"
        )
        command = [taskkill, "/F", "/T", "/PID", str(process.pid)]
        subprocess.call(command)  # nosec B603
    else:
        # This process is the leader of its group, see child_process.start.
        os.killpg(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
