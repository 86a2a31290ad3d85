"""Creates a virtual environment and installs packages, with uv if available, else with venv and pip.

uv does not read pip's configuration, so pip is used if that names a source of packages (a mirror, a
folder of wheels).
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

# Settings of pip that would install the packages to another place.
_MISLEADING = ("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_REQUIRE_VIRTUALENV")
# Error of pip if no source has the build, and a constraints file names the package too.
_CONSTRAINED = "ResolutionImpossible"
_PIP_SOURCES = ("index-url", "extra-index-url", "find-links", "no-index")


class StepCancelled(Exception):
    """The running step was cancelled."""


@dataclass(frozen=True)
class Sources:
    """Sources of the packages; by default PyPI, or those in pip's configuration.

    Attributes:
        index: Address of a package index (a mirror of PyPI).
        proxy: ``http://user:password@host:port``.
        ca_file: PEM file of certificates to trust.
        wheels: Folder of wheels, to install without a network.
    """

    index: str = ""
    proxy: str = ""
    ca_file: str = ""
    wheels: str = ""

    def check(self) -> None:
        """Raise EnvironmentProblem if a file or folder that is set does not exist, or has no wheels."""
        if self.wheels and not any(Path(self.wheels).glob("*.whl")):
            raise EnvironmentProblem(
                "incomplete-wheels",
                f"The folder of wheels '{self.wheels}' is missing or contains no .whl files.",
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
            sources: Sources of the packages.
            report: Called with the fraction done and a line for the user.
            is_cancelled: Polled.
        """
        sources.check()
        self._base, self._folder, self._sources = base, folder, sources
        self._report, self._is_cancelled = report, is_cancelled
        self._python = paths.environment_python(folder)
        self._environment = self._make_variables()
        self._uv = None if self._pip_is_configured() else shutil.which("uv")
        self._fraction, self._limit = 0.0, 0.9  # upper limit of the current step

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
        """Install PyTorch, if it is required, then the packages.

        The order matters: packages that depend on PyTorch would otherwise download another build of it.
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
        """Install exactly the required build of PyTorch, from the first source that has it.

        Tries the user's own sources first (a mirror, a folder of wheels), then PyTorch's index.
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
        # Only wheels: building from source needs compilers that users do not have.
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
        """Report those lines of the installer's output that interest a user."""
        words = line.split()
        if not words:
            return
        if words[0] in ("Collecting", "Downloading", "Using", "Installing", "Prepared", "Resolved"):
            said = line.strip().partition(" (from ")[0]  # pip adds the name of the requirement file
            self._tell(self._fraction + 0.06 * (self._limit - self._fraction), said[:160])

    def _tell(self, fraction: float, message: str) -> None:
        self._fraction = max(self._fraction, fraction)
        self._report(self._fraction, message)

    def _explained(self, output: str) -> EnvironmentProblem:
        # pip lists the requirements for other systems and Pythons, which would hide what went wrong.
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
        for name in ("UV_SYSTEM_CERTS", "UV_NATIVE_TLS"):  # names in new and old versions of uv
            environment.setdefault(name, "1")
        return environment

    def _pip_is_configured(self) -> bool:
        """Whether pip's configuration names a source of packages; False if the plugin's settings override it."""
        if self._sources.index or self._sources.wheels:
            return False
        code, output = child_process.output(
            [self._base.path, "-m", "pip", "config", "list"], timeout=60
        )
        if code:
            return False
        return any(f".{name}=" in line for line in output.splitlines() for name in _PIP_SOURCES)
