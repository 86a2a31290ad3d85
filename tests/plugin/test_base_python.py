import sys

import pytest

from spectralgpt_qgis import base_python
from spectralgpt_qgis.install_problems import EnvironmentProblem


@pytest.fixture
def interpreters(tmp_path, monkeypatch):
    """Return a function that makes fake interpreters, which are then the only ones that exist."""

    def make(*scripts):
        files = []
        for number, script in enumerate(scripts):
            files.append(tmp_path / f"python{number}")
            files[-1].write_text(f"#!/bin/sh\n{script}\n")
            files[-1].chmod(0o755)
        monkeypatch.setattr(base_python, "candidates", lambda: files)

    return make


def test_the_first_suitable_interpreter_is_taken(interpreters):
    interpreters(
        "echo 3 8 64 x86_64",
        "echo 3 12 32 x86",
        "exit 1",
        "echo warning; echo 3 12 64 x86_64",
        "echo 3 11 64 x86_64",
    )
    found = base_python.find_base_python()
    assert (found.path.name, found.version, found.machine) == ("python3", (3, 12), "x86_64")


def test_unsuitable_interpreters_are_named(interpreters):
    interpreters("echo 3 8 64 x86_64", "echo 2 7 64 x86_64")
    with pytest.raises(EnvironmentProblem) as problem:
        base_python.find_base_python()
    assert problem.value.kind == "no-python"
    assert "Python 3.9 to 3.14" in problem.value.message
    assert "python0: Python 3.8" in problem.value.details


def test_a_debian_without_venv_is_told_the_package(interpreters):
    interpreters('echo "ModuleNotFoundError: No module named ensurepip" >&2; exit 1')
    with pytest.raises(EnvironmentProblem) as problem:
        base_python.find_base_python()
    assert problem.value.kind == "no-venv"
    assert "sudo apt install python3-venv" in problem.value.message


def test_inside_qgis_the_program_itself_is_no_candidate(tmp_path, monkeypatch):
    """On Windows and macOS, sys.executable is QGIS; the interpreter is beside the Python library."""
    program = tmp_path / "bin" / "qgis-bin.exe"
    python = tmp_path / "apps" / "Python312" / "python3"
    for file in (program, python):
        file.parent.mkdir(parents=True)
        file.write_text("")
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(sys, "_base_executable", str(program))
    monkeypatch.setattr(sys, "base_prefix", str(python.parent))
    found = base_python.candidates()
    assert found[0] == python
    assert program not in found
