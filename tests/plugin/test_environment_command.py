import os
import signal
import subprocess
import sys
import time

from tests.plugin.small_engine import DOCTOR, ROOT, SLOW_DOCTOR, until

INTERRUPTIBLE = """
import sys
from pathlib import Path
sys.path.insert(0, {checkout!r})
from spectralgpt_qgis import environment_command
made = environment_command.EngineEnvironment
environment_command.EngineEnvironment = lambda home: made(home, root=Path({root!r}))
sys.exit(environment_command.main(["repair", "--home", {home!r}, "--wheels", {wheels!r}]))
"""


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
    """After Ctrl+C, the exit code is 130 and the old environment stays in use."""
    installed.doctor(SLOW_DOCTOR)
    process = installed.installing(INTERRUPTIBLE)
    until(process, "Testing the new")
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    installed.doctor(DOCTOR)
    assert installed.environment.check() == {"tier": "inference"}
