"""Installs the engine's environment for real, but small: one tiny wheel from a folder, without a network."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path

import pytest

from spectralgpt_qgis import install_size, paths
from spectralgpt_qgis.engine_environment import InstallCancelled
from spectralgpt_qgis.install_problems import EnvironmentProblem
from spectralgpt_qgis.package_installer import Sources
from tests.plugin.small_engine import DOCTOR, SLOW_DOCTOR, until

# -- the usual life --------------------------------------------------------------------------------


def test_before_the_first_installation(place):
    assert place.environment.status().state == "missing"
    with pytest.raises(EnvironmentProblem, match="not installed yet"):
        _ = place.environment.python
    place.environment.remove()


def test_the_first_installation(place):
    told = []
    status = place.install(report=lambda fraction, message: told.append(fraction))
    assert (status.state, status.tier, place.version()) == ("ready", "inference", "1.0")
    assert status.serves("inference")
    assert not status.serves("training")
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_an_update_of_the_plugin_is_noticed_and_swapped_in(installed):
    first = installed.builds()
    assert installed.install().state == "ready"
    assert installed.builds() == first  # nothing was rebuilt

    installed.require("sgpt-tiny==2.0")
    status = installed.environment.status()
    assert (status.state, status.usable) == ("outdated", True)
    assert installed.install().state == "ready"
    assert installed.version() == "2.0"
    assert len(installed.builds()) == 1
    assert installed.builds() != first


def test_check_runs_the_self_test(installed):
    assert installed.environment.check() == {"tier": "inference"}


def test_training_offline_takes_any_build_of_pytorch_and_serves_inference_too(place):
    place.wheel("torch", "2.0", "")
    (place.requirements / "training.txt").write_text("-r inference.txt\ntorch==2.0\n")
    assert place.install(tier="training").serves("training")
    first = place.builds()
    assert place.install(tier="inference").tier == "training"
    assert place.builds() == first


def test_a_package_that_needs_pytorch_fetches_no_other_build_of_it(place):
    """A package such as accelerate would otherwise install the newest PyTorch, with gigabytes of libraries."""
    place.wheel("torch", "2.0", "")
    place.wheel("torch", "3.0", "", needs="gigabytes")
    place.wheel("gigabytes", "1.0", "")
    place.wheel("faster", "1.0", "", needs="torch")
    (place.requirements / "training.txt").write_text("-r inference.txt\ntorch==2.0\nfaster==1.0\n")
    assert place.install(tier="training").serves("training")
    found = {path.name for path in place.home.rglob("*.dist-info")}
    assert {"torch-2.0.dist-info", "faster-1.0.dist-info"} <= found
    assert "gigabytes-1.0.dist-info" not in found


def test_a_self_test_that_fails_leaves_the_old_environment_in_use(installed):
    installed.require("sgpt-tiny==3.0")
    with pytest.raises(EnvironmentProblem) as problem:
        installed.install()
    assert (problem.value.kind, str(problem.value)) == ("self-test", "sgpt_tiny is off")
    assert installed.version() == "1.0"
    assert len(installed.builds()) == 1


@pytest.mark.parametrize("damage", ["python", "record", "base"])
def test_damage_is_noticed(installed, damage):
    record = installed.home / "engine" / "current.json"
    folder = record.parent / json.loads(record.read_text())["environment"]
    if damage == "python":
        paths.environment_python(folder).unlink()
    elif damage == "record":
        record.write_text('{"environment": "env-')
    else:
        (folder / "pyvenv.cfg").write_text("home = /gone/bin\n")
    status = installed.environment.status()
    assert (status.state, status.usable) == ("broken", False)
    assert "Repair" in status.message


def test_repair_builds_anew_what_was_there(installed):
    first = installed.builds()
    shutil.rmtree(installed.home / "engine" / first[0] / "lib")
    with pytest.raises(EnvironmentProblem):
        installed.environment.check()
    installed.environment.repair(Sources(wheels=str(installed.wheels)))
    assert installed.environment.check() == {"tier": "inference"}
    assert len(installed.builds()) == 1
    assert installed.builds() != first


def test_remove_keeps_the_users_models(installed):
    model = paths.user_models(installed.home) / "mine.onnx"
    model.parent.mkdir()
    model.write_text("weights")
    installed.environment.remove()
    assert installed.environment.status().state == "missing"
    assert [entry.name for entry in installed.home.iterdir()] == ["models"]
    assert model.exists()


def test_a_prepared_interpreter_is_used_as_it_is(place, monkeypatch):
    monkeypatch.setenv(paths.PYTHON_VARIABLE, sys.executable)
    assert place.environment.python == Path(sys.executable)
    assert place.environment.status().serves("training")


# -- interruptions ---------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["Making an environment", "Installing", "Testing the new"])
def test_killed_half_way(installed, moment):
    """After kill -9 at any of three moments, the old environment works, and so does the next installation."""
    installed.require("sgpt-tiny==2.0")
    installed.doctor(SLOW_DOCTOR)
    process = installed.installing()
    until(process, moment)
    process.kill()
    process.wait()
    installed.doctor(DOCTOR)
    assert installed.version() == "1.0"
    assert installed.environment.status().state == "outdated"
    assert installed.install().state == "ready"
    assert installed.version() == "2.0"


@pytest.fixture
def slow_uv(tmp_path, monkeypatch):
    """An installer that never ends; a process that it starts writes to a file every tenth of a second."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "uv"
    script.write_text(
        "#!/bin/sh\n"
        'if [ "$1" = venv ]; then exec "$3" -m venv --without-pip "$4"; fi\n'
        # writes before it prints, so that the file exists when a test kills it after its first line
        f'date >> "{tmp_path}/alive"\n'
        'echo "Downloading gigabytes"\n'
        f'(while :; do date >> "{tmp_path}/alive"; sleep 0.1; done) & wait\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return tmp_path / "alive"


@pytest.mark.skipif(os.name == "nt", reason="the installer is a shell script")
def test_qgis_killed_in_the_middle_of_a_first_installation(place, slow_uv, monkeypatch):
    """After kill -9, the installer's processes end too, the next start says what happened, and Install works."""
    process = place.installing()
    until(process, "Downloading gigabytes")
    assert place.environment.interrupted() is False  # it is still running
    process.kill()
    process.wait()
    time.sleep(1)
    written = slow_uv.stat().st_size
    time.sleep(0.5)
    assert slow_uv.stat().st_size == written

    status = place.environment.status()
    assert (status.state, status.usable) == ("missing", False)
    assert status.message.startswith("The last installation of the engine was not completed.")
    assert "Downloading gigabytes" in place.environment.log.tail()[-1]
    assert len(place.builds()) == 1

    monkeypatch.setenv("PATH", os.environ["PATH"].partition(os.pathsep)[2])
    assert place.install().state == "ready"
    assert len(place.builds()) == 1
    assert not place.environment.interrupted()


def test_the_log_of_the_last_installation_is_kept(installed):
    assert any("Testing the new environment" in line for line in installed.environment.log.tail())
    installed.require("sgpt-tiny==3.0")
    with pytest.raises(EnvironmentProblem):
        installed.install()
    assert installed.environment.log.tail()[-1].endswith("Failed: sgpt_tiny is off")
    with pytest.raises(EnvironmentProblem):
        installed.install(sources=Sources(wheels="/nowhere"))
    log = installed.environment.log.tail()
    assert "Installation for inference, cpu" in log[0]  # a new log
    assert "The folder of wheels '/nowhere'" in log[-1]


def test_two_at_once_are_refused_until_the_first_is_gone(installed):
    installed.doctor(SLOW_DOCTOR)
    process = installed.installing()
    try:
        until(process, "Testing the new")
        with pytest.raises(EnvironmentProblem) as problem:
            installed.install(force=True)
        assert problem.value.kind == "busy"
        assert str(process.pid) in problem.value.message
        with pytest.raises(EnvironmentProblem):
            installed.environment.remove()
    finally:
        process.kill()
        process.wait()
        installed.doctor(DOCTOR)
    assert installed.install(force=True).state == "ready"


def test_cancelled(installed):
    before = installed.builds()
    seen = []
    with pytest.raises(InstallCancelled):
        installed.install(
            force=True,
            report=lambda fraction, message: seen.append(message),
            is_cancelled=lambda: any("Installing" in message for message in seen),
        )
    assert installed.builds() == before
    assert installed.environment.log.tail()[-1].endswith("Cancelled.")
    assert installed.environment.check() == {"tier": "inference"}


# -- what goes wrong, in words ---------------------------------------------------------------------


def test_a_package_that_the_folder_of_wheels_lacks(place):
    place.require("sgpt-tiny==1.0", "sgpt-absent==4.2")
    with pytest.raises(EnvironmentProblem) as problem:
        place.install()
    assert problem.value.kind == "incomplete-wheels"
    assert "sgpt-absent==4.2" in problem.value.message
    assert place.builds() == []
    assert place.environment.status().state == "missing"


@pytest.mark.parametrize(
    ("sources", "kinds"),
    [
        ({"wheels": "/nowhere"}, ["incomplete-wheels"]),
        ({"ca_file": "/nowhere.pem"}, ["certificate"]),
        ({"index": "http://127.0.0.1:9/simple"}, ["no-network"]),
        # pip 26.2 does not say that it was the proxy; the message of "no-network" names it, too.
        (
            {"index": "https://pypi.example/simple", "proxy": "http://127.0.0.1:9"},
            ["proxy", "no-network"],
        ),
    ],
)
def test_sources_that_cannot_be_reached(place, sources, kinds, monkeypatch):
    for name in ("PIP_FIND_LINKS", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    with pytest.raises(EnvironmentProblem) as problem:
        place.install(sources=Sources(**sources))
    assert problem.value.kind in kinds


def test_too_little_space_is_said_before_anything_is_made(place, monkeypatch):
    usage = type("Usage", (), {"free": 123_000_000})
    monkeypatch.setattr(install_size.shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(EnvironmentProblem) as problem:
        place.install()
    assert problem.value.kind == "no-space"
    assert "has 0.1 GB of free space" in problem.value.message
    assert place.builds() == []


def test_a_home_that_cannot_be_made(place):
    place.home.write_text("a file stands where the folder should be")
    with pytest.raises(EnvironmentProblem) as problem:
        place.install()
    assert str(place.home) in problem.value.message
