"""paths.py finds everything in a checkout and in an installed plugin."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path, PurePosixPath

import pytest

from spectralgpt_qgis import paths

ROOT = Path(__file__).resolve().parents[2]


def load(file):
    specification = importlib.util.spec_from_file_location("paths_elsewhere", file)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_in_the_checkout():
    assert paths.ROOT == ROOT
    for place in (paths.ENGINE / "__main__.py", paths.REQUIREMENTS / "inference.txt"):
        assert place.is_file()
    assert paths.METADATA.is_file()
    assert Path(paths.icon("spectralgpt")).is_file()


def test_in_an_installed_plugin(tmp_path):
    plugin = tmp_path / "python" / "plugins" / "spectralgpt_qgis"
    (plugin / "engine").mkdir(parents=True)
    shutil.copy(ROOT / "spectralgpt_qgis" / "paths.py", plugin)
    (plugin / "metadata.txt").write_text("[general]\nversion=7.8.9\nabout=100% local\n")
    installed = load(plugin / "paths.py")
    assert plugin == installed.ROOT
    assert plugin / "engine" == installed.ENGINE
    assert plugin / "resources" / "models" == installed.MODELS
    assert installed.version() == "7.8.9"


def test_a_linked_checkout_leads_back_to_it(tmp_path):
    (tmp_path / "paths.py").symlink_to(ROOT / "spectralgpt_qgis" / "paths.py")
    assert load(tmp_path / "paths.py").ROOT == ROOT


def test_home_can_be_chosen(monkeypatch, tmp_path):
    monkeypatch.setenv(paths.HOME_VARIABLE, str(tmp_path / "engine home"))
    assert paths.engine_home() == tmp_path / "engine home"
    assert paths.user_models() == tmp_path / "engine home" / "models"


@pytest.mark.parametrize(
    ("name", "platform", "expected"),
    [
        ("posix", "linux", "/home/ada/.local/share/SpectralGPT"),
        ("posix", "darwin", "/home/ada/Library/Application Support/SpectralGPT"),
    ],
)
def test_home_of_each_platform(monkeypatch, name, platform, expected):
    monkeypatch.delenv(paths.HOME_VARIABLE, raising=False)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setattr(sys, "platform", platform)
    assert paths.engine_home() == Path(expected)


def test_interpreters_of_both_kinds_of_system(monkeypatch):
    assert paths.environment_python(PurePosixPath("/env")) == PurePosixPath("/env/bin/python")
    monkeypatch.setattr(os, "name", "nt")
    windows = paths.environment_python(PurePosixPath("/env"))
    monkeypatch.undo()
    assert windows == PurePosixPath("/env/Scripts/python.exe")
