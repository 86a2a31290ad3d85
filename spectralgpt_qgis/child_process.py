"""Starts and ends child processes, without QGIS's environment variables and without leaving any behind.

QGIS sets environment variables for its own Python, PROJ, GDAL and Qt. A child process with other
versions of these libraries fails in obscure ways if it reads them, so they are removed.
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess  # nosec B404
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from . import paths

_DROPPED = ("VIRTUAL_ENV", "LD_LIBRARY_PATH", "LD_PRELOAD", "CONDA_PREFIX", "GIO_EXTRA_MODULES")
_DROPPED_PREFIXES = ("PYTHON", "PROJ_", "GDAL_", "CPL_", "DYLD_", "QT_", "QGIS_", "__PYVENV")
# Settings of GDAL for web servers, such as a login or a proxy: what opens a layer in QGIS must open it there, too.
_KEPT_PREFIXES = ("GDAL_HTTP_", "CPL_VSIL_CURL_", "GDAL_DISABLE_READDIR_ON_OPEN")
# Variables with the path of certificates; if that does not exist, every download fails.
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")

_MERGED = subprocess.STDOUT
# These constants exist only on Windows; 0 means "no flag".
_NO_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0)
_NEW_GROUP = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)


def clean_environment(**extra: str) -> dict[str, str]:
    """Return this process's environment variables without those that would mislead another Python.

    Args:
        extra: Further variables to set.
    """
    environment = {
        name: value
        for name, value in os.environ.items()
        if name.upper().startswith(_KEPT_PREFIXES)
        or (name.upper() not in _DROPPED and not name.upper().startswith(_DROPPED_PREFIXES))
    }
    for name in _CERTIFICATES:
        if name in environment and not os.path.exists(environment[name]):
            del environment[name]
    return {
        **environment,
        "PYTHONUTF8": "1",
        "PYTHONIOENCODING": "utf-8",
        "PYTHONSAFEPATH": "1",
        "PYTHONNOUSERSITE": "1",
        **extra,
    }


def start(command: Sequence[str | Path], **options: Any) -> subprocess.Popen[bytes]:
    """Start a command in a process group of its own, without a console window.

    Args:
        command: Program and arguments; never goes through a shell.
        options: Further arguments of ``subprocess.Popen``.

    Raises:
        OSError: If the program does not exist or cannot be run.
    """
    options.setdefault("env", clean_environment())
    if os.name == "nt":
        options["creationflags"] = _NO_WINDOW | _NEW_GROUP
    else:
        options["start_new_session"] = True
    arguments = [str(part) for part in command]
    return subprocess.Popen(arguments, **options)  # nosec B603


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and all that it started; does nothing if they have ended."""
    if os.name == "nt":
        if process.poll() is None:
            taskkill = Path(os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32", "taskkill.exe")
            command = [str(taskkill), "/F", "/T", "/PID", str(process.pid)]
            silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            subprocess.call(command, creationflags=_NO_WINDOW, **silent)  # nosec B603
            process.kill()
    else:
        # The process group has the id of its first process, and exists as long as any of its processes runs.
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            process.poll()
    process.wait()


def output(command: Sequence[str | Path], timeout: float) -> tuple[int, str]:
    """Run a short command and return its exit code and all its output; never raises.

    The exit code is -1 if the command cannot be started or takes longer than `timeout` seconds.
    """
    try:
        process = start(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=_MERGED)
    except OSError as error:
        return -1, str(error)
    try:
        text, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        end(process)
        return -1, "no answer"
    return process.returncode, text.decode("utf-8", "replace")


def follow(
    command: Sequence[str | Path],
    on_line: Callable[[str], None],
    is_cancelled: Callable[[], bool],
    environment: dict[str, str],
    watcher: Path | None = None,
) -> tuple[int, str]:
    """Run a long command and pass on its output line by line.

    Args:
        command: Program and arguments.
        on_line: Called with each line of standard output and standard error.
        is_cancelled: Polled; if it returns True, the command is killed with all that it started.
        environment: The command's environment variables.
        watcher: A Python that runs the command under parent_watch.py, so that it ends with this process.

    Returns:
        The exit code and the last lines.

    Raises:
        OSError: If the command cannot be started.
    """
    if watcher is not None:
        command = [watcher, "-I", "-S", paths.PARENT_WATCH, *command]
    process = start(
        command,
        stdin=subprocess.DEVNULL if watcher is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=_MERGED,
        env=environment,
    )
    lines: queue.Queue[str | None] = queue.Queue()
    tail: deque[str] = deque(maxlen=80)

    def listen() -> None:
        with process.stdout as stdout:  # type: ignore[union-attr]
            for raw in stdout:
                lines.put(raw.decode("utf-8", "replace").rstrip())
        lines.put(None)

    threading.Thread(target=listen, daemon=True).start()
    try:
        while not is_cancelled():
            try:
                line = lines.get(timeout=0.1)
            except queue.Empty:
                continue
            if line is None:
                process.wait()
                break
            tail.append(line)
            on_line(line)
    finally:
        end(process)
        if process.stdin is not None:
            process.stdin.close()
    return process.returncode, "\n".join(tail)
