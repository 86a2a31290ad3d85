"""Explains failures to make the engine's environment in words that a user can act on.

Each entry lists texts by which the problem is recognised in the output of pip, uv, Python or the
system, and what they mean. The order matters: causes come before their consequences.
"""

from __future__ import annotations

import errno
from typing import NamedTuple


class EnvironmentProblem(Exception):
    """The environment could not be installed, checked or found.

    Attributes:
        kind: A short name of the problem, such as ``"no-network"``.
        message: What happened and what to do.
        details: The output that led to it.
    """

    def __init__(self, kind: str, message: str, details: str = "") -> None:
        """Keep the parts; the exception's text is the message."""
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.details = details


class _Cause(NamedTuple):
    kind: str
    message: str
    marks: tuple[str, ...]


_CAUSES = (
    _Cause(
        "no-space",
        "The disk is full. Free some space, or choose another folder for the engine in the settings.",
        (
            "No space left",
            "Errno 28]",
            "not enough space on the disk",
            "WinError 112",
            "os error 28",
        ),
    ),
    _Cause(
        "blocked",
        "The system's security software (antivirus or application control) stopped the installation. Ask your "
        "administrator to allow the engine's folder, or choose another one in the settings.",
        ("WinError 225", "WinError 1260", "blocked by group policy", "Application Control"),
    ),
    _Cause(
        "in-use",
        "A file of the engine is in use. Wait until running jobs are done, or restart QGIS.",
        ("WinError 32", "being used by another process", "Text file busy"),
    ),
    _Cause(
        "no-permission",
        "You do not have write access to the engine's folder. Choose another folder in the settings, or have its "
        "permissions changed.",
        ("Permission denied", "Errno 13]", "Access is denied", "WinError 5]", "Read-only file"),
    ),
    _Cause(
        "path-too-long",
        "The path of the engine's folder is too long for Windows. Choose a shorter one in the settings.",
        ("WinError 206", "filename or extension is too long"),
    ),
    _Cause(
        "no-venv",
        "Python was found, but not its module for virtual environments. On Debian and Ubuntu "
        "install it with: sudo apt install python3-venv",
        ("ensurepip is not available", "No module named venv", "No module named ensurepip"),
    ),
    _Cause(
        "certificate",
        "The certificate of the package server was rejected, as often happens behind a corporate proxy that inspects "
        "traffic. Specify your organisation's CA file in the settings, or use a folder of wheels.",
        (
            "CERTIFICATE_VERIFY_FAILED",
            "SSLError",
            "invalid peer certificate",
            "UnknownIssuer",
            "self-signed certificate",
            "self signed certificate",
            "CA certificate bundle",
            "TLS CA",
        ),
    ),
    _Cause(
        "proxy",
        "The proxy refused the connection. Check the proxy in the settings "
        "(http://user:password@host:port).",
        (
            "ProxyError",
            "Cannot connect to proxy",
            "Tunnel connection failed",
            "407 Proxy Authentication",
            "tunnel error",
            "proxy authentication",
        ),
    ),
    _Cause(
        "forbidden",
        "The package server denied access (401 or 403). Check the address and password of the package index in the "
        "settings.",
        (
            "401 Error",
            "403 Error",
            "403 Client Error",
            "401 Client Error",
            "HTTP 403",
            "HTTP 401",
            "status code 403",
            "status code 401",
            "403 Forbidden",
            "401 Unauthorized",
        ),
    ),
    _Cause(
        "no-network",
        "The package server could not be reached. Check the network and, in the settings, the proxy and the package "
        "index. Without a network connection, install from a folder of wheels.",
        (
            "name resolution",
            "getaddrinfo failed",
            "Name or service not known",
            "nodename nor serv",
            "Network is unreachable",
            "Failed to establish a new connection",
            "Connection refused",
            "ConnectTimeout",
            "ReadTimeout",
            "Read timed out",
            "Connection aborted",
            "dns error",
            "error sending request",
            "Connection reset",
            "No route to host",
            "timed out",
        ),
    ),
    _Cause(
        "damaged-download",
        "A package was damaged during download. Run the installation again.",
        ("DO NOT MATCH THE HASHES", "Hash mismatch", "BadZipFile", "IncompleteRead"),
    ),
    _Cause(
        "old-system",
        "The operating system is too old for the engine's libraries (its C library lacks functions that they need).",
        ("GLIBC_", "is not a supported wheel on this platform"),
    ),
    _Cause(
        "memory",
        "There was not enough memory. Close other programs and run the installation again.",
        ("MemoryError", "Cannot allocate memory"),
    ),
)

NO_MATCH = ("No matching distribution found", "no wheels with a matching", "No solution found")


def explain_output(output: str, *, python: str, offline: bool) -> EnvironmentProblem:
    """Return the problem that the output of pip, uv or venv reports.

    Args:
        output: The last lines of the output.
        python: Version and platform that the packages are for, as shown to the user.
        offline: Whether packages were installed from a folder of wheels only.
    """
    for cause in _CAUSES:
        if any(mark.lower() in output.lower() for mark in cause.marks):
            return EnvironmentProblem(cause.kind, cause.message, output)
    if any(mark in output for mark in NO_MATCH):
        return _missing_package(output, python, offline)
    errors = [line.strip() for line in output.splitlines() if line.strip()]
    said = next((line for line in reversed(errors) if "error" in line.lower()), "")
    message = f"The installation failed: {(said or ' '.join(errors[-1:]))[:300]}"
    return EnvironmentProblem("failed", message, output)


def explain_error(error: OSError) -> EnvironmentProblem:
    """Return the problem behind an error of the file system."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        problem = explain_output("No space left", python="", offline=False)
    elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        problem = explain_output("Permission denied", python="", offline=False)
    else:
        problem = explain_output(str(error), python="", offline=False)
    where = f" ({error.filename})" if error.filename else ""
    return EnvironmentProblem(problem.kind, problem.message + where, repr(error))


def _missing_package(output: str, python: str, offline: bool) -> EnvironmentProblem:
    line = next(
        (line for line in reversed(output.splitlines()) if NO_MATCH[0] in line), output[-200:]
    )
    package = line.split(" for ", 1)[-1].strip() if NO_MATCH[0] in line else "a package"
    if offline:
        return EnvironmentProblem(
            "incomplete-wheels",
            f"The folder of wheels has no {package} for {python}. Fill it on a machine of the "
            "same system and Python with: pip download -r engine/requirements/inference.txt",
            output,
        )
    return EnvironmentProblem(
        "no-build",
        f"No build of {package} for {python} was found. Use 64-bit Python 3.9 to 3.14. If a package mirror is set in "
        "the settings, it may be incomplete.",
        output,
    )
