"""The package: made, inspected, unzipped into a new QGIS profile, and run from there."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import zipfile
from configparser import ConfigParser
from pathlib import Path

import pytest

from spectralgpt_qgis import engine_access, paths

ROOT = Path(__file__).resolve().parents[2]
NAME = "spectralgpt_qgis"
SCENE = ROOT / "resources" / "sample" / "boadella_2020-06-21.tif"
TINY_MODEL = ROOT / "tests" / "data" / "models" / "landcover.onnx"


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The zip that `make package` makes."""
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(["/usr/bin/python3", ROOT / "scripts" / "package.py", "--out", out], check=True)
    (package,) = out.iterdir()
    return package


@pytest.fixture(scope="module")
def profile(package, tmp_path_factory):
    """A new QGIS configuration folder in which the package is unzipped and enabled."""
    folder = tmp_path_factory.mktemp("profile")
    subprocess.run(
        ["/usr/bin/python3", ROOT / "scripts" / "profile.py", folder, "--zip", package], check=True
    )
    return folder


@pytest.fixture
def qgis_process(profile, tmp_path):
    """Return a function that runs qgis_process in the new profile, outside the checkout."""
    python = engine_access.status().python
    if python is None:
        pytest.fail("There is no engine to test with: run `make setup`, or set SPECTRALGPT_PYTHON.")
    # Not Debian's wrapper, which passes options that only the desktop application knows.
    program = shutil.which("qgis_process.bin") or "qgis_process"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment.update(
        QGIS_CUSTOM_CONFIG_PATH=str(profile),
        QT_QPA_PLATFORM="offscreen",
        XDG_RUNTIME_DIR=str(tmp_path),
    )
    environment[paths.HOME_VARIABLE] = str(tmp_path / "home")
    environment[paths.PYTHON_VARIABLE] = str(python)

    def run(*arguments):
        return subprocess.run(
            [program, *map(str, arguments)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run


def test_it_is_what_the_plugin_site_accepts(package):
    assert package.stat().st_size < 25_000_000
    names = zipfile.ZipFile(package).namelist()
    assert {name.split("/")[0] for name in names} == {NAME}
    report = "engine/report/document.html.jinja"
    for name in (
        "__init__.py",
        "metadata.txt",
        "LICENSE",
        "engine/__main__.py",
        "plugin.py",
        report,
        "i18n/spectralgpt_zh.qm",
        "i18n/spectralgpt_zh.ts",
        "i18n/engine_messages.json",
    ):
        assert f"{NAME}/{name}" in names
    assert f"{NAME}/i18n/spectralgpt.ts" not in names
    forbidden = (".pyc", ".so", ".dll", ".exe", ".bat", ".sh", ".ps1", ".whl")
    assert not [name for name in names if name.endswith(forbidden)]
    assert not [name for name in names if "__pycache__" in name or "/." in name or ".." in name]


def test_hidden_folders_stay_behind(tmp_path):
    """A killed recipe leaves megabytes in resources/models/.backbone-unfinished."""
    kept = tmp_path / "models" / "backbone.safetensors"
    hidden = tmp_path / "models" / ".backbone-unfinished" / "stage1.pt"
    for file in (kept, hidden):
        file.parent.mkdir(exist_ok=True)
        file.touch()
    code = (
        "import sys, pathlib, package; print(*package._files(pathlib.Path(sys.argv[1])), sep='\\n')"
    )
    listed = subprocess.run(
        ["/usr/bin/python3", "-c", code, tmp_path],
        env={**os.environ, "PYTHONPATH": str(ROOT / "scripts")},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert listed == [str(kept)]


def test_its_metadata_is_complete(package):
    metadata = ConfigParser(interpolation=None)
    metadata.read_string(zipfile.ZipFile(package).read(f"{NAME}/metadata.txt").decode())
    general = dict(metadata["general"])
    for name in ("name", "description", "version", "author", "about"):
        assert general[name]
    assert "example.org" not in str(general)
    assert (general["qgisminimumversion"], general["qgismaximumversion"]) == ("3.22", "4.99")
    assert general["hasprocessingprovider"] == "yes"
    assert "installed separately" in general["about"]
    assert f"{NAME}/{general['icon']}" in zipfile.ZipFile(package).namelist()
    assert f"## {general['version']}" in (ROOT / "CHANGELOG.md").read_text().replace("[", "")


def test_what_the_site_still_wants_is_said(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    from package import WANTED_BY_SITE, not_yet_publishable

    filled = {name: "https://gis.example.com/spectralgpt" for name in WANTED_BY_SITE}
    assert not_yet_publishable(filled) == []
    wanting = {**filled, "email": " ", "tracker": "https://example.org/issues"}
    del wanting["repository"]
    assert not_yet_publishable(wanting) == ["email", "tracker", "repository"]


def test_every_module_is_python_39(package):
    archive = zipfile.ZipFile(package)
    for name in archive.namelist():
        if name.endswith(".py"):
            ast.parse(archive.read(name), name, feature_version=(3, 9))


def test_qgis_loads_it(qgis_process):
    listed = qgis_process("plugins")
    assert f"* {NAME}" in listed.stdout
    listed = qgis_process("list")
    for algorithm in ("segment", "classify", "detectchange", "importmodel"):
        assert f"spectralgpt:{algorithm}" in listed.stdout


@pytest.mark.parametrize("model", ["landcover", TINY_MODEL], ids=["shipped", "tiny"])
def test_it_maps_the_sample(qgis_process, tmp_path, model):
    if model == "landcover" and not (paths.MODELS / "landcover.onnx").exists():
        pytest.skip("resources/models/landcover.onnx is not made yet")
    output = tmp_path / "landcover.tif"
    parameters = {"INPUT": SCENE, "MODEL": model, "OUTPUT": output}
    done = qgis_process(
        *("--json", "run", "spectralgpt:segment", "--"),
        *(f"{name}={value}" for name, value in parameters.items()),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads(done.stdout[done.stdout.index("{") :])["results"]
    assert results["OUTPUT"] == str(output)

    from qgis.core import QgsRasterLayer

    made, scene = QgsRasterLayer(str(output)), QgsRasterLayer(str(SCENE))
    assert made.isValid()
    assert (made.width(), made.height()) == (scene.width(), scene.height())
    assert made.crs() == scene.crs()
