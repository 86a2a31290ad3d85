"""Explains why an engine process ended without an answer."""

from __future__ import annotations

import signal

_MEMORY = (
    "The engine ran out of memory or was terminated by the system. Close other programs, choose a smaller extent, or "
    "reduce the number of threads, and run it again."
)
_REPAIR = "Repair the engine in the settings under SpectralGPT."

# On Windows, the exit code of a process that crashed is an NTSTATUS.
_WINDOWS = {
    0xC0000005: "The engine crashed in one of its libraries (access violation, 0xC0000005). Try the device 'cpu'. If "
    "it happens again, update the graphics driver. " + _REPAIR,
    0xC0000135: "A library that the engine needs was not found (0xC0000135). Install the 'Microsoft Visual C++ "
    "Redistributable' (x64), then restart QGIS. " + _REPAIR,
    0xC0000142: "A library of the engine could not start (0xC0000142). Install the 'Microsoft Visual C++ "
    "Redistributable' (x64), then restart Windows.",
    0xC000007B: "A library of the engine is damaged or not 64-bit (0xC000007B). " + _REPAIR,
    0xC000001D: "The engine needs an instruction that this processor does not support (0xC000001D).",
    0xC0000017: _MEMORY,
    0xC000012D: _MEMORY,
    0xC000013A: "The engine was interrupted (0xC000013A).",
}

_SIGNALS = {
    "SIGSEGV": "crashed in one of its libraries",
    "SIGBUS": "crashed in one of its libraries, or the disk is full",
    "SIGILL": "needs an instruction that this processor does not support",
    "SIGABRT": "was aborted by one of its libraries",
    "SIGFPE": "crashed in a computation",
    "SIGTERM": "was terminated by another program or by the system",
    "SIGINT": "was interrupted",
    "SIGHUP": "was terminated because its terminal was closed",
}


def explain_exit(code: int | None, errors: str = "", memory: int = 0) -> str:
    """Return how the engine ended and what to do.

    Args:
        code: The exit code from ``subprocess``, negative for a signal; None if the engine had to be
            killed.
        errors: The last lines of its error output.
        memory: Its memory limit in MB; 0 for none.
    """
    reason = _explain(code, errors)
    if not memory or code is None:
        return reason
    return (
        f"{reason} It is limited to {memory} MB of memory, which may not be enough. See the memory limit under "
        "Settings > Options > SpectralGPT."
    )


def _explain(code: int | None, errors: str) -> str:
    if code is None:
        return "The engine stopped responding and was terminated. Run it again."
    if code < 0 or 128 < code < 160:
        return _explain_signal(-code if code < 0 else code - 128)
    if code & 0xFFFFFFFF in _WINDOWS:
        return _WINDOWS[code & 0xFFFFFFFF]
    if "No module named" in errors:
        missing = errors.rsplit("No module named", 1)[1].strip().splitlines()[0]
        return f"The engine's environment is not complete: {missing} is missing. {_REPAIR}"
    if "MemoryError" in errors or "bad_alloc" in errors:
        return _MEMORY
    last = next((line for line in reversed(errors.splitlines()) if line.strip()), "")
    ended = f"The engine stopped without a result (exit code {code})."
    return f"{ended} Its last words: {last.strip()[:300]}" if last else f"{ended} {_REPAIR}"


def _explain_signal(number: int) -> str:
    if number == getattr(signal, "SIGKILL", 9):
        return f"{_MEMORY} (signal 9)"
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    fate = _SIGNALS.get(name, "was terminated by the system")
    return f"The engine {fate} ({name}). Run it again; if it happens again: {_REPAIR}"
