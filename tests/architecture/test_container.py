"""The recipe of the container names what there is, and its entry point sends words where they belong."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RECIPE = (ROOT / "container" / "Containerfile").read_text(encoding="utf-8")


def test_what_is_copied_is_all_that_the_package_is_made_of():
    copied = [
        name
        for line in re.findall(r"^COPY (.+)$", RECIPE, re.M)
        for name in line.split()[:-1]
        if not name.startswith("--")
    ]
    for name in copied:
        assert (ROOT / name).exists(), name
    needed = {"spectralgpt_qgis", "engine", "resources", "i18n", "scripts", "metadata.txt"}
    assert needed <= set(copied)


@pytest.fixture
def image(tmp_path):
    """Stand-ins for the programs in the container, each of which tells its name and arguments."""
    plugin = tmp_path / "profiles" / "default" / "python" / "plugins" / "spectralgpt_qgis"
    plugin.mkdir(parents=True)
    programs = tmp_path / "programs"
    programs.mkdir()
    told = '#!/bin/sh\necho "$(basename "$0")" "${PYTHONPATH:-}" "$@"\n'
    for name in ("qgis_process.bin", "engine-python"):
        (programs / name).write_text(told)
        (programs / name).chmod(0o755)
    (plugin / "engine_environment.py").write_text(f"print({str(programs / 'engine-python')!r})\n")

    def run(*words):
        environment = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "QGIS_CUSTOM_CONFIG_PATH": str(tmp_path),
        }
        script = ROOT / "container" / "entrypoint.sh"
        done = subprocess.run(
            ["sh", script, *words], env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    run.plugin = plugin
    return run


@pytest.mark.skipif(os.name == "nt", reason="the container's shell")
def test_words_go_to_the_engine_or_to_qgis_process(image):
    assert image("engine", "segment", "--input", "a b.tif") == (
        f"engine-python {image.plugin} -m engine segment --input a b.tif"
    )
    assert image("run", "spectralgpt:segment") == "qgis_process.bin  run spectralgpt:segment"
    assert image() == "qgis_process.bin"
