"""An engine small enough to be really installed within seconds: one tiny wheel from a folder, without a network."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from spectralgpt_qgis.engine_environment import EngineEnvironment
from spectralgpt_qgis.package_installer import Sources

ROOT = Path(__file__).resolve().parents[2]

# The engine's self-test, which checks that the tiny library is installed and works.
DOCTOR = """
import json, sys
job = json.loads(sys.stdin.readline())
import sgpt_tiny
if sgpt_tiny.double(2) == 4:
    print(json.dumps({"event": "result", "tier": job["parameters"]["tier"]}))
else:
    print(json.dumps({"event": "error", "kind": "EnvironmentBroken", "message": "sgpt_tiny is off"}))
"""
SLOW_DOCTOR = "import time; time.sleep(60)"

# Runs an installation and prints every line of its report; this is the process that tests kill.
INSTALL = """
import sys
from pathlib import Path
sys.path.insert(0, {checkout!r})
from spectralgpt_qgis.engine_environment import EngineEnvironment
from spectralgpt_qgis.package_installer import Sources
EngineEnvironment(Path({home!r}), root=Path({root!r})).install(
    sources=Sources(wheels={wheels!r}), force=True,
    report=lambda fraction, message: print(message, flush=True),
)
"""


class Place:
    """A home folder, a folder of wheels, and an engine that requires one tiny library."""

    def __init__(self, folder):
        self.home, self.root, self.wheels = folder / "home", folder / "root", folder / "wheels"
        self.requirements = self.root / "engine" / "requirements"

    def fill(self):
        self.requirements.mkdir(parents=True)
        self.wheels.mkdir()
        (self.root / "engine" / "__init__.py").write_text("")
        self.doctor(DOCTOR)
        self.require("sgpt-tiny==1.0")
        self.wheel("sgpt_tiny", "1.0", "def double(x): return 2 * x")
        self.wheel("sgpt_tiny", "2.0", "def double(x): return 2 * x")
        self.wheel("sgpt_tiny", "3.0", "def double(x): return 'wrong'")
        return self

    def doctor(self, text):
        (self.root / "engine" / "__main__.py").write_text(text)

    def require(self, *lines):
        (self.requirements / "inference.txt").write_text("# pinned\n" + "\n".join(lines) + "\n")
        (self.requirements / "training.txt").write_text("-r inference.txt\nsgpt-more==1.0\n")

    def wheel(self, name, version, code, needs=""):
        info = f"{name}-{version}.dist-info"
        with zipfile.ZipFile(self.wheels / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{name}.py", code)
            wheel.writestr(
                f"{info}/METADATA",
                f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
                + (f"Requires-Dist: {needs}\n" if needs else ""),
            )
            wheel.writestr(
                f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            )
            wheel.writestr(f"{info}/RECORD", "")

    @property
    def environment(self):
        return EngineEnvironment(self.home, root=self.root)

    def install(self, **options):
        options.setdefault("sources", Sources(wheels=str(self.wheels)))
        return self.environment.install(**options)

    def installing(self, script=INSTALL):
        """Start an installation in a separate process."""
        script = script.format(
            checkout=str(ROOT), home=str(self.home), root=str(self.root), wheels=str(self.wheels)
        )
        return subprocess.Popen(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )

    def builds(self):
        return sorted(folder.name for folder in (self.home / "engine").glob("env-*"))

    def version(self):
        script = "import importlib.metadata as m; print(m.version('sgpt-tiny'))"
        return subprocess.check_output([self.environment.python, "-c", script], text=True).strip()


def until(process, words):
    for line in process.stdout:
        if words in line:
            return
    pytest.fail(f"the installation ended before it said '{words}'")
