"""Installs, checks, repairs and removes the engine's own Python. Without Qt, so that it runs from a shell too.

    python3 spectralgpt_qgis/engine_environment.py install --tier inference

Every environment is a folder of its own in the engine's home; ``current.json`` names the one in
use. A new one is built beside it, and named there in one atomic step after its self-test has passed,
so that an installation may fail, be cancelled or be killed at any moment.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if not __package__:  # run as a script
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from spectralgpt_qgis import paths
from spectralgpt_qgis.engine_client import EngineCancelled, EngineClient, EngineFailed
from spectralgpt_qgis.install_lock import install_lock, is_locked
from spectralgpt_qgis.install_log import InstallLog
from spectralgpt_qgis.install_problems import EnvironmentProblem, explain_error
from spectralgpt_qgis.install_size import free_space, install_size
from spectralgpt_qgis.requirement_files import ACCELERATORS, TIERS, read_requirements

if TYPE_CHECKING:
    from spectralgpt_qgis.package_installer import Sources

Report = Callable[[float, str], None]


class InstallCancelled(Exception):
    """The installation was cancelled; the environment in use is unchanged."""


class Status(NamedTuple):
    """State of the environment, as far as it is known without starting it.

    Attributes:
        state: ``"ready"``, ``"outdated"`` (works, but the plugin now requires other versions),
            ``"missing"`` or ``"broken"``.
        message: The state in words, with what to do.
        tier: The tier that is installed.
        accelerator: ``"cpu"`` or ``"cuda"``.
        python: The interpreter; None if there is none.
        interrupted: Whether the last installation was interrupted and left no usable environment.
    """

    state: str
    message: str
    tier: str = ""
    accelerator: str = ""
    python: Path | None = None
    interrupted: bool = False

    @property
    def usable(self) -> bool:
        """Whether the engine can be started."""
        return self.state in ("ready", "outdated")

    def serves(self, tier: str) -> bool:
        """Return whether jobs of this tier can run; the training tier includes inference."""
        return self.usable and TIERS.index(self.tier) >= TIERS.index(tier)


class EngineEnvironment:
    """The engine's environment in one home folder."""

    def __init__(self, home: Path | None = None, *, root: Path = paths.ROOT) -> None:
        """Changes nothing on the disk yet.

        Args:
            home: Folder that contains or will contain it; by default in the user's data folder.
            root: The folder that contains the ``engine`` package.
        """
        self.home = home or paths.engine_home()
        self._folder = self.home / "engine"
        self._pointer = self._folder / "current.json"
        self._root = root
        self.log = InstallLog(self._folder / "install.log")

    @property
    def python(self) -> Path:
        """The engine's interpreter.

        Raises:
            EnvironmentProblem: If there is no usable environment.
        """
        status = self.status()
        if status.python is None or not status.usable:
            raise EnvironmentProblem(status.state, status.message)
        return status.python

    def status(self) -> Status:
        """Return the environment's state; cheap enough to be called often."""
        prepared = os.environ.get(paths.PYTHON_VARIABLE)
        if prepared:
            return Status("ready", f"Using {prepared}.", "training", "cpu", Path(prepared))
        if not self._pointer.exists():
            if self.interrupted():
                return Status(
                    "missing",
                    "The last installation of the engine was not completed. Install it again.",
                    interrupted=True,
                )
            return Status("missing", "The engine is not installed yet. Install it in the settings.")
        record = self._record()
        folder = self._folder / str(record.get("environment", ""))
        python = paths.environment_python(folder)
        tier, accelerator = str(record.get("tier")), str(record.get("accelerator"))
        if not record.get("environment") or tier not in TIERS:
            return Status("broken", "The engine's record is damaged. Repair the engine.")
        if not python.exists() or not _base_exists(folder):
            return Status(
                "broken",
                "The Python installation that the engine is based on was removed or replaced. Repair the engine.",
                tier,
                accelerator,
            )
        if self._fingerprint(record) != record.get("fingerprint"):
            return Status(
                "outdated",
                "The plugin was updated and needs other versions of the engine's libraries. Update the engine.",
                tier,
                accelerator,
                python,
            )
        size = "with training" if tier == "training" else "without training"
        return Status("ready", f"The engine is installed ({size}).", tier, accelerator, python)

    def interrupted(self) -> bool:
        """Return whether an installation was interrupted: its folder exists, but no process is working on it."""
        current = self._record().get("environment")
        unfinished = any(folder.name != current for folder in self._folder.glob("env-*"))
        return unfinished and not is_locked(self._folder / "lock")

    def install(
        self,
        tier: str = "inference",
        *,
        accelerator: str = "cpu",
        sources: Sources | None = None,
        extra: Sequence[Path] = (),
        report: Report = lambda fraction, message: None,
        is_cancelled: Callable[[], bool] = lambda: False,
        force: bool = False,
    ) -> Status:
        """Build an environment, test it and switch to it; does nothing if a suitable one is in use.

        Args:
            tier: ``"inference"`` or ``"training"``; an installed training tier serves inference too.
            accelerator: ``"cpu"`` or ``"cuda"`` (several gigabytes).
            sources: Sources of the packages.
            extra: Further requirement files, for developers.
            report: Called with the fraction done (0..1) and a line for the user.
            is_cancelled: Polled.
            force: Whether to build it even if a suitable one is in use.

        Raises:
            EnvironmentProblem: With what went wrong and what to do; the old environment stays in use.
            InstallCancelled: It was cancelled; the old environment stays in use.
        """
        from spectralgpt_qgis.package_installer import Sources  # QGIS starts without it

        sources = sources or Sources()
        extra = [file.resolve() for file in extra]
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with install_lock(self._folder / "lock"):
                status = self.status()
                if not force and self._satisfied(status, tier, accelerator, extra):
                    report(1.0, status.message)
                    return status
                self._sweep()
                self.log.begin(f"Installation for {tier}, {accelerator}, Python of {sys.prefix}")
                report = self._logged(report)
                self._check_space(tier, accelerator)
                record = self._new_record(tier, accelerator, extra)
                try:
                    self._build(record, sources, report, is_cancelled)
                    self._point_to(record)
                finally:
                    self._sweep()
        except OSError as error:
            raise self._noted(explain_error(error)) from error
        except InstallCancelled:
            self.log.add("Cancelled.")
            raise
        except EnvironmentProblem as problem:
            raise self._noted(problem) from problem.__cause__
        status = self.status()
        report(1.0, status.message)
        return status

    def _new_record(self, tier: str, accelerator: str, extra: Sequence[Path]) -> dict[str, Any]:
        """The record of an environment that is going to be built, for current.json."""
        record: dict[str, Any] = {
            "environment": f"env-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}",
            "tier": tier,
            "accelerator": accelerator,
            "extra": [str(file) for file in extra],
        }
        record["fingerprint"] = self._fingerprint(record)
        return record

    def check(self, report: Report = lambda fraction, message: None) -> dict[str, Any]:
        """Run the engine's self-test and return the versions and devices that it found.

        Raises:
            EnvironmentProblem: If there is no environment, or a library fails.
        """
        status = self.status()
        return self._self_test(self.python, status.tier, report)

    def repair(self, sources: Sources | None = None, **options: Any) -> Status:
        """Rebuild the environment with the same tier and accelerator."""
        record = self._record()
        tier = record.get("tier") if record.get("tier") in TIERS else "inference"
        accelerator = record.get("accelerator")
        return self.install(
            str(tier),
            accelerator=str(accelerator) if accelerator in ACCELERATORS else "cpu",
            sources=sources,
            extra=[Path(file) for file in record.get("extra", []) if Path(file).is_file()],
            force=True,
            **options,
        )

    def remove(self) -> None:
        """Remove the environment, but not the user's models.

        Raises:
            EnvironmentProblem: If it is being installed, or files cannot be removed.
        """
        if not self._folder.exists():
            return
        try:
            with install_lock(self._folder / "lock"):
                self._pointer.unlink(missing_ok=True)
                self._sweep()
            shutil.rmtree(self._folder)
        except OSError as error:
            raise explain_error(error) from error

    # -- steps -----------------------------------------------------------------------------------

    def _build(
        self,
        record: dict[str, Any],
        sources: Sources,
        report: Report,
        is_cancelled: Callable[[], bool],
    ) -> None:
        from spectralgpt_qgis.base_python import find_base_python
        from spectralgpt_qgis.package_installer import PackageInstaller, StepCancelled

        report(0.0, "Looking for a Python to build from")
        base = find_base_python()
        folder = self._folder / record["environment"]
        record["python"] = str(base)
        installer = PackageInstaller(base, folder, sources, report, is_cancelled)
        requirements = self._requirements(record)
        try:
            installer.make_environment()
            installer.install(requirements)
        except StepCancelled as error:
            raise InstallCancelled from error
        report(0.9, "Testing the new environment")
        self._self_test(
            paths.environment_python(folder),
            record["tier"],
            lambda fraction, message: report(0.9 + 0.09 * fraction, f"Testing {message}"),
            is_cancelled,
        )

    def _self_test(
        self,
        python: Path,
        tier: str,
        report: Report,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> dict[str, Any]:
        try:
            return EngineClient(python, root=self._root).run(
                "doctor",
                {"tier": tier},
                on_progress=lambda fraction, message, _: report(fraction, message),
                is_cancelled=is_cancelled,
            )
        except EngineCancelled as error:
            raise InstallCancelled from error
        except EngineFailed as error:
            raise EnvironmentProblem("self-test", error.message, error.details) from error

    def _satisfied(
        self, status: Status, tier: str, accelerator: str, extra: Sequence[Path]
    ) -> bool:
        """Whether the installed environment suffices: tier, accelerator and extra files."""
        there = self._record()
        return (
            status.state == "ready"
            and status.serves(tier)
            and accelerator in ("cpu", there.get("accelerator"))
            and {str(file) for file in extra} <= set(there.get("extra", []))
        )

    def _logged(self, report: Report) -> Report:
        def tell(fraction: float, message: str) -> None:
            self.log.add(message)
            report(fraction, message)

        return tell

    def _noted(self, problem: EnvironmentProblem) -> EnvironmentProblem:
        if problem.kind != "busy":  # then the log belongs to the other installation
            self.log.add(problem.details)
            self.log.add(f"Failed: {problem.message}")
        return problem

    def _check_space(self, tier: str, accelerator: str) -> None:
        needed = install_size(tier, accelerator).disk
        free = free_space(self._folder)
        if free < needed:
            raise EnvironmentProblem(
                "no-space",
                f"The disk of {self._folder} has {free / 1000000000.0:.1f} GB of free space, but the installation "
                f"needs {needed / 1000000000.0:.1f} GB. Free some space, or choose another folder for the engine.",
            )

    def _requirements(self, record: dict[str, Any]) -> Any:
        return read_requirements(
            self._root / "engine" / "requirements",
            record["tier"],
            record["accelerator"],
            [Path(file) for file in record.get("extra", [])],
        )

    def _fingerprint(self, record: dict[str, Any]) -> str:
        try:
            return self._requirements(record).fingerprint
        except (OSError, KeyError):  # an extra requirement file of a developer no longer exists
            return ""

    def _record(self) -> dict[str, Any]:
        try:
            record = json.loads(self._pointer.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return record if isinstance(record, dict) else {}

    def _point_to(self, record: dict[str, Any]) -> None:
        new = self._pointer.with_suffix(".new")
        new.write_text(json.dumps(record, indent=2), encoding="utf-8")
        os.replace(new, self._pointer)

    def _sweep(self) -> None:
        """Remove environments that are not in use; those with open files are left for the next time."""
        current = self._record().get("environment")
        for folder in self._folder.glob("env-*"):
            if folder.name != current:
                shutil.rmtree(folder, ignore_errors=True)


def _base_exists(environment: Path) -> bool:
    """Whether the Python that pyvenv.cfg names as its home still exists."""
    try:
        lines = (environment / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return False
    pairs = (line.partition("=") for line in lines)
    homes = [value.strip() for name, _, value in pairs if name.strip() == "home"]
    return bool(homes) and Path(homes[0]).is_dir()


if __name__ == "__main__":
    from spectralgpt_qgis.environment_command import main

    sys.exit(main())
