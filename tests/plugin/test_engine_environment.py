"""Making the engine's environment, for real but small: one tiny wheel from a folder, no network."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from spectralgpt_qgis import base_python, install_size, paths
from spectralgpt_qgis.engine_environment import EngineEnvironment, InstallCancelled
from spectralgpt_qgis.install_problems import EnvironmentProblem, explain_error, explain_output
from spectralgpt_qgis.package_installer import PackageInstaller, Sources
from spectralgpt_qgis.requirement_files import read_requirements

ROOT = Path(__file__).resolve().parents[2]

# The engine's self-test: the tiny library is there and computes.
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

# Runs an installation and says every line of its report: the process that gets killed.
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

INTERRUPTIBLE = """
import sys
from pathlib import Path
sys.path.insert(0, {checkout!r})
from spectralgpt_qgis import environment_command
made = environment_command.EngineEnvironment
environment_command.EngineEnvironment = lambda home: made(home, root=Path({root!r}))
sys.exit(environment_command.main(["repair", "--home", {home!r}, "--wheels", {wheels!r}]))
"""


class Place:
    """A home, a folder of wheels, and an engine that needs one tiny library."""

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
        """Start an installation in a process of its own."""
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


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.delenv(paths.PYTHON_VARIABLE, raising=False)
    return Place(tmp_path).fill()


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A place with the first version installed; making it takes seconds, so it is made once."""
    folder = tmp_path_factory.mktemp("built")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(paths.PYTHON_VARIABLE, raising=False)
        Place(folder).fill().install()
    return folder


@pytest.fixture
def installed(built, tmp_path, monkeypatch):
    """A place of its own with the first version installed: nothing in it depends on where it is."""
    monkeypatch.delenv(paths.PYTHON_VARIABLE, raising=False)
    shutil.copytree(built, tmp_path / "place", symlinks=True)
    return Place(tmp_path / "place")


def until(process, words):
    for line in process.stdout:
        if words in line:
            return
    pytest.fail(f"the installation ended before it said '{words}'")


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
    assert installed.builds() == first  # nothing was done

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
    """Like accelerate: the newest PyTorch would bring gigabytes of libraries that stay behind."""
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
    """kill -9 at three moments: the old environment works, and the next installation too."""
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
    """An installer that takes a minute; what it started goes on writing every tenth of a second."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "uv"
    script.write_text(
        "#!/bin/sh\n"
        'if [ "$1" = venv ]; then exec "$3" -m venv --without-pip "$4"; fi\n'
        # it writes before it speaks: who kills it at its word finds the file
        f'date >> "{tmp_path}/alive"\n'
        'echo "Downloading gigabytes"\n'
        f'(while :; do date >> "{tmp_path}/alive"; sleep 0.1; done) & wait\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return tmp_path / "alive"


@pytest.mark.skipif(os.name == "nt", reason="the installer is a shell script")
def test_qgis_killed_in_the_middle_of_a_first_installation(place, slow_uv, monkeypatch):
    """kill -9: what the installer started ends too, the next start says what happened, Install works."""
    process = place.installing()
    until(process, "Downloading gigabytes")
    assert place.environment.interrupted() is False  # it is at work
    process.kill()
    process.wait()
    time.sleep(1)
    written = slow_uv.stat().st_size
    time.sleep(0.5)
    assert slow_uv.stat().st_size == written

    status = place.environment.status()
    assert (status.state, status.usable) == ("missing", False)
    assert status.message.startswith("The last installation of the engine did not come to its end.")
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
    assert "Installation for inference, cpu" in log[0]  # begun anew
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
    ("sources", "kind"),
    [
        ({"wheels": "/nowhere"}, "incomplete-wheels"),
        ({"ca_file": "/nowhere.pem"}, "certificate"),
        ({"index": "http://127.0.0.1:9/simple"}, "no-network"),
        ({"index": "https://pypi.example/simple", "proxy": "http://127.0.0.1:9"}, "proxy"),
    ],
)
def test_sources_that_cannot_be_reached(place, sources, kind, monkeypatch):
    for name in ("PIP_FIND_LINKS", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    with pytest.raises(EnvironmentProblem) as problem:
        place.install(sources=Sources(**sources))
    assert problem.value.kind == kind


def test_too_little_space_is_said_before_anything_is_made(place, monkeypatch):
    usage = type("Usage", (), {"free": 123_000_000})
    monkeypatch.setattr(install_size.shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(EnvironmentProblem) as problem:
        place.install()
    assert problem.value.kind == "no-space"
    assert "has 0.1 GB free" in problem.value.message
    assert place.builds() == []


def test_a_home_that_cannot_be_made(place):
    place.home.write_text("a file stands where the folder should be")
    with pytest.raises(EnvironmentProblem) as problem:
        place.install()
    assert str(place.home) in problem.value.message


@pytest.mark.parametrize(
    ("output", "kind"),
    [
        ("ERROR: Could not install: [Errno 28] No space left on device", "no-space"),
        ("OSError: [WinError 112] There is not enough space on the disk", "no-space"),
        ("error: Permission denied (os error 13)", "no-permission"),
        ("[WinError 5] Access is denied: 'C:\\\\x'", "no-permission"),
        ("[WinError 32] The process cannot access the file", "in-use"),
        ("This program is blocked by group policy.", "blocked"),
        ("because ensurepip is not\navailable.  ensurepip is not available", "no-venv"),
        (
            "SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]'))",
            "certificate",
        ),
        ("invalid peer certificate: UnknownIssuer", "certificate"),
        ("OSError('Tunnel connection failed: 407 Proxy Authentication Required')", "proxy"),
        ("HTTPError: 403 Client Error: Forbidden for url", "forbidden"),
        ("[Errno -3] Temporary failure in name resolution", "no-network"),
        ("dns error: failed to lookup address information", "no-network"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES", "damaged-download"),
        ("version `GLIBC_2.28' not found", "old-system"),
        ("ERROR: No matching distribution found for numpy==9", "no-build"),
        ("something new went wrong\nerror: a surprise", "failed"),
    ],
)
def test_what_installers_say_in_words(output, kind):
    problem = explain_output(output, python="Python 3.12 on win32 AMD64", offline=False)
    assert problem.kind == kind
    assert problem.message[-1] in ".)0123456789abcdefghijklmnopqrstuvwxyz"


def test_errors_of_the_file_system_name_the_file():
    problem = explain_error(PermissionError(13, "Permission denied", "/opt/engine"))
    assert problem.kind == "no-permission"
    assert "/opt/engine" in problem.message


# -- the interpreter -------------------------------------------------------------------------------


@pytest.fixture
def interpreters(tmp_path, monkeypatch):
    """Return a function that makes fake interpreters the only ones there are."""

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
    """On Windows and macOS sys.executable is QGIS; its Python stands beside the library."""
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


# -- what is installed -----------------------------------------------------------------------------


def test_the_pinned_files_of_both_tiers():
    inference = read_requirements(paths.REQUIREMENTS, "inference")
    training = read_requirements(paths.REQUIREMENTS, "training")
    assert set(inference.packages) < set(training.packages)
    assert inference.torch == ()
    assert not any(line.startswith("torch") for line in training.packages)
    assert all("==" in line for line in (*training.packages, *training.torch))
    assert inference.fingerprint != training.fingerprint


@pytest.mark.parametrize(
    ("system", "accelerator", "torch", "index"),
    [
        ("linux", "cpu", "torch==2.0+cpu", "https://download.pytorch.org/whl/cpu"),
        ("linux", "cuda", "torch==2.0", ""),
        ("win32", "cpu", "torch==2.0", ""),
        ("win32", "cuda", "torch==2.0+cu130", "https://download.pytorch.org/whl/cu130"),
        ("darwin", "cpu", "torch==2.0", ""),
    ],
)
def test_no_gigabytes_that_nobody_asked_for(
    tmp_path, monkeypatch, system, accelerator, torch, index
):
    marker = '; python_version >= "3.10"'
    (tmp_path / "training.txt").write_text(f"torch==2.0{marker}\nonnxruntime==1.2\n")
    monkeypatch.setattr(sys, "platform", system)
    found = read_requirements(tmp_path, "training", accelerator)
    assert found.torch == (torch + marker,)
    assert found.torch_index == index
    name = "onnxruntime-gpu[cuda,cudnn]" if accelerator == "cuda" else "onnxruntime"
    assert found.packages == (f"{name}==1.2",)


def test_uv_gets_the_same_sources(tmp_path, monkeypatch):
    """The commands that uv would get; it is not part of the machines that run the tests."""
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


# -- the command line ------------------------------------------------------------------------------


def command(*arguments, **variables):
    return subprocess.run(
        [sys.executable, ROOT / "spectralgpt_qgis" / "engine_environment.py", *arguments],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_command_line_tells_the_state(tmp_path):
    missing = command("status", "--home", tmp_path, SPECTRALGPT_PYTHON="")
    assert (missing.returncode, missing.stdout.split(":")[0]) == (1, "missing")
    ready = command("python", SPECTRALGPT_PYTHON=sys.executable)
    assert (ready.returncode, ready.stdout.strip()) == (0, sys.executable)


def test_the_command_line_says_what_is_wrong(tmp_path):
    done = command("install", "--home", tmp_path, "--wheels", "/nowhere", SPECTRALGPT_PYTHON="")
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("Error: The folder of wheels '/nowhere'")


def test_the_command_line_can_be_interrupted(installed):
    """Ctrl+C: exit code 130, the old environment in use."""
    installed.doctor(SLOW_DOCTOR)
    process = installed.installing(INTERRUPTIBLE)
    until(process, "Testing the new")
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    installed.doctor(DOCTOR)
    assert installed.environment.check() == {"tier": "inference"}
