"""Creates a virtual environment and fills it, with uv where that is found, else with venv and pip.

uv does not read pip's configuration. Where there is one (a mirror, a folder of wheels), pip is
used, so that it holds.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import child_process, paths
from .base_python import BasePython
from .install_problems import NO_MATCH, EnvironmentProblem, explain_output
from .requirement_files import Requirements

# Settings of pip that would install to somewhere else.
_MISLEADING = ("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_REQUIRE_VIRTUALENV")
# What pip says of a build that is nowhere when a file of constraints names the package too.
_CONSTRAINED = "ResolutionImpossible"
_PIP_SOURCES = ("index-url", "extra-index-url", "find-links", "no-index")


class StepCancelled(Exception):
    """The running step was cancelled."""


@dataclass(frozen=True)
class Sources:
    """Where packages come from; everything empty means PyPI, or what pip is configured for.

    Attributes:
        index: Address of a package index (a mirror of PyPI).
        proxy: ``http://user:password@host:port``.
        ca_file: Certificates to trust, a PEM file.
        wheels: A folder of wheels to install from without a network.
    """

    index: str = ""
    proxy: str = ""
    ca_file: str = ""
    wheels: str = ""

    def check(self) -> None:
        """Raise EnvironmentProblem when a file or folder that is named is not there."""
        if self.wheels and not any(Path(self.wheels).glob("*.whl")):
            raise EnvironmentProblem(
                "incomplete-wheels",
                f"The folder of wheels '{self.wheels}' is missing or has no .whl files.",
            )
        if self.ca_file and not Path(self.ca_file).is_file():
            raise EnvironmentProblem(
                "certificate",
                f"The CA file '{self.ca_file}' is missing. Correct it in the settings.",
            )


class PackageInstaller:
    """Builds one environment in a folder that does not exist yet."""

    def __init__(
        self,
        base: BasePython,
        folder: Path,
        sources: Sources,
        report: Callable[[float, str], None],
        is_cancelled: Callable[[], bool],
    ) -> None:
        """Check the sources; nothing is made yet.

        Args:
            base: The interpreter to build from.
            folder: The environment's folder.
            sources: Where packages come from.
            report: Gets the fraction done and a line for the user.
            is_cancelled: Polled.
        """
        sources.check()
        self._base, self._folder, self._sources = base, folder, sources
        self._report, self._is_cancelled = report, is_cancelled
        self._python = paths.environment_python(folder)
        self._environment = self._make_variables()
        self._uv = None if self._pip_is_configured() else shutil.which("uv")
        self._fraction, self._limit = 0.0, 0.9  # how far the running step may take it

    def make_environment(self) -> None:
        """Make the empty environment."""
        self._tell(0.02, f"Making an environment from {self._base} ({self._base.path})")
        if self._uv:
            command = [self._uv, "venv", "--python", str(self._base.path), str(self._folder)]
        else:
            command = [str(self._base.path), "-m", "venv", str(self._folder)]
        code, output = self._run(command)
        if code or not self._python.exists():
            raise self._explained(output)

    def install(self, requirements: Requirements) -> None:
        """Install PyTorch, if it is among them, then the packages.

        In this order: a package that needs PyTorch finds it, and does not fetch another build of it.
        """
        self._tell(0.1, f"Installing with {'uv' if self._uv else 'pip'}")
        if requirements.torch:
            self._limit = 0.5
            self._install_torch(requirements)
        self._limit = 0.9
        code, output = self._install(requirements.packages)
        if code:
            raise self._explained(output)

    def _install_torch(self, requirements: Requirements) -> None:
        """Install the build that was asked for from where it is, and never another one.

        First from the user's own sources (a mirror, a folder of wheels), then from PyTorch's index.
        """
        self._tell(0.1, "Installing PyTorch")
        attempts: list[tuple[Sequence[str], str]] = [(requirements.torch, "")]
        if self._sources.wheels:
            plain = [line.replace("+cpu", "") for line in requirements.torch]
            attempts.append((plain, ""))
        elif requirements.torch_index:
            attempts.append((requirements.torch, requirements.torch_index))
        output = ""
        for lines, index in attempts:
            code, output = self._install(lines, index)
            if not code:
                return
            if not any(mark in output for mark in (*NO_MATCH, _CONSTRAINED)):
                break
        raise self._explained(output)

    def _install(self, lines: Sequence[str], extra_index: str = "") -> tuple[int, str]:
        wanted = self._folder / "requirements.txt"
        wanted.write_text("\n".join(lines), encoding="utf-8")
        # Wheels alone: building from source needs compilers that users do not have.
        options = ["-r", str(wanted), "--only-binary", ":all:"]
        if self._sources.wheels:
            options += ["--no-index", "--find-links", self._sources.wheels]
        elif self._sources.index:
            options += ["--index-url", self._sources.index]
        if extra_index:
            options += ["--extra-index-url", extra_index]
        if self._uv:
            best = ["--index-strategy", "unsafe-best-match"] if extra_index else []
            command = [self._uv, "pip", "install", "--python", str(self._python), *options, *best]
        else:
            command = [str(self._python), "-m", "pip", "install", *options, "--no-input"]
            command += ["--progress-bar", "off", "--disable-pip-version-check"]
            command += ["--retries", "2", "--timeout", "30"]
        return self._run(command)

    def _run(self, command: list[str]) -> tuple[int, str]:
        result = child_process.follow(
            command, self._told, self._is_cancelled, self._environment, watcher=self._base.path
        )
        if self._is_cancelled():
            raise StepCancelled
        return result

    def _told(self, line: str) -> None:
        """Report what a user would want to know of an installer's output."""
        words = line.split()
        if not words:
            return
        if words[0] in ("Collecting", "Downloading", "Using", "Installing", "Prepared", "Resolved"):
            said = line.strip().partition(" (from ")[
                0
            ]  # pip names the file of requirements each time
            self._tell(self._fraction + 0.06 * (self._limit - self._fraction), said[:160])

    def _tell(self, fraction: float, message: str) -> None:
        self._fraction = max(self._fraction, fraction)
        self._report(self._fraction, message)

    def _explained(self, output: str) -> EnvironmentProblem:
        # pip lists the pins of other systems and Pythons; they would hide what went wrong.
        lines = [line for line in output.splitlines() if not line.startswith("Ignoring ")]
        return explain_output(
            "\n".join(lines), python=str(self._base), offline=bool(self._sources.wheels)
        )

    def _make_variables(self) -> dict[str, str]:
        environment = child_process.clean_environment()
        for name in _MISLEADING:
            environment.pop(name, None)
        if self._sources.proxy:
            environment.update(
                HTTP_PROXY=self._sources.proxy,
                HTTPS_PROXY=self._sources.proxy,
                http_proxy=self._sources.proxy,
                https_proxy=self._sources.proxy,
            )
        if self._sources.ca_file:
            environment.update(PIP_CERT=self._sources.ca_file, SSL_CERT_FILE=self._sources.ca_file)
        for name in ("UV_SYSTEM_CERTS", "UV_NATIVE_TLS"):  # its name in new and in older versions
            environment.setdefault(name, "1")
        return environment

    def _pip_is_configured(self) -> bool:
        """Whether pip was told where packages come from; the settings here go before that."""
        if self._sources.index or self._sources.wheels:
            return False
        code, output = child_process.output(
            [self._base.path, "-m", "pip", "config", "list"], timeout=60
        )
        if code:
            return False
        return any(f".{name}=" in line for line in output.splitlines() for name in _PIP_SOURCES)
