import sys
from pathlib import Path

import pytest

from spectralgpt_qgis import base_python, paths
from spectralgpt_qgis.install_problems import EnvironmentProblem
from spectralgpt_qgis.package_installer import PackageInstaller, Sources
from spectralgpt_qgis.requirement_files import read_requirements


def test_uv_gets_the_same_sources(tmp_path, monkeypatch):
    """Checks the commands for uv, which is not installed on the machines that run the tests."""
    monkeypatch.setattr("shutil.which", lambda name: "/opt/uv" if name == "uv" else None)
    commands = []
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (wheels / "a.whl").write_text("")
    folder = tmp_path / "env"
    folder.mkdir()
    base = base_python.BasePython(Path(sys.executable), (3, 11), "x86_64")
    installer = PackageInstaller(
        base, folder, Sources(wheels=str(wheels)), lambda *_: None, lambda: False
    )
    monkeypatch.setattr(installer, "_run", lambda command: commands.append(command) or (0, ""))
    paths.environment_python(folder).parent.mkdir()
    paths.environment_python(folder).write_text("")
    installer.make_environment()
    installer.install(read_requirements(paths.REQUIREMENTS, "inference"))
    assert commands[0] == ["/opt/uv", "venv", "--python", sys.executable, str(folder)]
    assert commands[1][:3] == ["/opt/uv", "pip", "install"]
    assert commands[1][-3:] == ["--no-index", "--find-links", str(wheels)]


def made(folder, report=lambda *_: None):
    base = base_python.BasePython(Path(sys.executable), (3, 11), "x86_64")
    return PackageInstaller(base, folder, Sources(), report, lambda: False)


def test_what_is_told_of_a_package_is_its_name(tmp_path, monkeypatch):
    told = []
    installer = made(tmp_path, lambda _, line: told.append(line))
    monkeypatch.setattr(
        "spectralgpt_qgis.child_process.follow",
        lambda command, line, *_, **__: (
            line("Collecting a==1 (from -r /r.txt (line 5))") or (0, "")
        ),
    )
    installer.install(read_requirements(paths.REQUIREMENTS, "inference"))
    assert told[-1] == "Collecting a==1"


def test_pins_for_other_systems_are_no_part_of_a_failure(tmp_path, monkeypatch):
    installer = made(tmp_path)
    said = "Ignoring numpy: markers don't match\nERROR: No matching distribution found for a==1"
    monkeypatch.setattr(installer, "_run", lambda command: (1, said))
    with pytest.raises(EnvironmentProblem) as failure:
        installer.install(read_requirements(paths.REQUIREMENTS, "inference"))
    assert failure.value.kind == "no-build"
    assert failure.value.details == said.splitlines()[1]
