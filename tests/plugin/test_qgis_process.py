"""The algorithms in qgis_process, QGIS's command line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.plugin.tiny_models import expected_classes, read

ROOT = Path(__file__).resolve().parents[2]


def test_on_the_command_line(models, scene, tmp_path):
    """Runs `qgis_process` in a separate profile, with the plugin of this checkout."""
    program = shutil.which("qgis_process.bin") or shutil.which("qgis_process")
    assert program, "QGIS's command line is not installed"
    profile = tmp_path / "profile"
    subprocess.run([sys.executable, str(ROOT / "scripts" / "profile.py"), str(profile)], check=True)
    environment = {
        **os.environ,
        "QGIS_CUSTOM_CONFIG_PATH": str(profile),
        "QT_QPA_PLATFORM": "offscreen",
    }
    listed = subprocess.run(
        [program, "help", "spectralgpt:segment"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout
    assert "OUTPUT_VECTOR" in listed
    done = subprocess.run(
        [
            *(program, "--json", "run", "spectralgpt:segment", "--"),
            *(f"INPUT={scene}", f"OUTPUT={tmp_path / 'map.tif'}", "DEVICE=cpu"),
        ],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads(done.stdout[done.stdout.index("{") :])["results"]
    assert results["OUTPUT"] == str(tmp_path / "map.tif")
    assert results["WINDOWS_RUN"] > 0
    assert (read(tmp_path / "map.tif") == expected_classes(scene)).mean() > 0.999
    assert (tmp_path / "map.qml").is_file(), "headless results have their style too"
