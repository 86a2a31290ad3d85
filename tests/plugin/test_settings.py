"""Settings store values that differ from the defaults, and name the sources of the engine."""

from __future__ import annotations

from pathlib import Path

import pytest
from qgis.core import QgsSettings

from spectralgpt_qgis import engine_access, paths, settings
from spectralgpt_qgis.i18n import time_left


@pytest.fixture(autouse=True)
def fresh():
    yield
    QgsSettings().remove("SpectralGPT")
    QgsSettings().remove("proxy")


def test_defaults_types_and_what_is_kept():
    assert settings.value("threads") == 0
    settings.set_value("threads", 4)
    assert settings.value("threads") == 4
    settings.set_value("threads", 0)
    assert not QgsSettings().contains("SpectralGPT/threads")
    with pytest.raises(KeyError):
        settings.value("colour")


def test_the_engines_home(monkeypatch, tmp_path):
    settings.set_value("engine_home", "/data/engine")
    monkeypatch.delenv(paths.HOME_VARIABLE, raising=False)
    assert settings.engine_environment().home == Path("/data/engine")
    monkeypatch.setenv(paths.HOME_VARIABLE, str(tmp_path))
    assert settings.engine_environment().home == tmp_path


@pytest.mark.parametrize(
    ("values", "address"),
    [
        ({"proxyEnabled": False, "proxyHost": "proxy"}, ""),
        (
            {"proxyEnabled": True, "proxyType": "HttpProxy", "proxyHost": "proxy", "proxyPort": 80},
            "http://proxy:80",
        ),
        (
            {
                "proxyEnabled": True,
                "proxyType": "Socks5Proxy",
                "proxyHost": "proxy",
                "proxyUser": "ada",
                "proxyPassword": "p@ss/word",
            },
            "socks5://ada:p%40ss%2Fword@proxy",
        ),
        ({"proxyEnabled": True, "proxyType": "DefaultProxy", "proxyHost": "proxy"}, ""),
    ],
)
def test_the_proxy_of_qgis_is_used_unless_there_is_one_of_our_own(values, address):
    for name, value in values.items():
        QgsSettings().setValue(f"proxy/{name}", value)
    assert settings.install_sources().proxy == address
    settings.set_value("proxy", "http://own:8080")
    assert settings.install_sources().proxy == "http://own:8080"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (0.0, ""),
        (0.2, "about 1 s left"),
        (31, "about 31 s left"),
        (90, "about 2 min left"),
        (7500, "about 2 h 5 min left"),
    ],
)
def test_time_left_in_words(seconds, words):
    assert time_left(seconds) == words


TOOLS = ("segment", "classify", "detectchange", "finetune", "pretrain", "evaluate")


@pytest.mark.parametrize("tool", TOOLS)
def test_what_runs_where_a_tool_does_not_say(provider, models, tool):
    def defaults():
        algorithm = provider.algorithm(tool).create()
        names = ("DEVICE", "THREADS")
        return [algorithm.parameterDefinition(name).defaultValue() for name in names]

    assert defaults() == ["auto", 0]
    settings.set_value("device", "cpu")
    settings.set_value("threads", 3)
    assert defaults() == ["cpu", 3]
    settings.set_value("device", "abacus")  # edited by hand
    settings.set_value("threads", -5)
    assert defaults() == ["auto", 0]


def test_the_memory_limit_holds_for_every_job(models):
    assert engine_access.client()._memory == 0
    settings.set_value("memory", 4096)
    assert engine_access.client()._memory == 4096
    assert engine_access.client("training")._memory == 4096
