"""Loading and unloading: everything that is added is removed again."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from qgis.core import QgsApplication
from qgis.PyQt.QtWidgets import QPushButton

from spectralgpt_qgis import classFactory
from spectralgpt_qgis import plugin as plugin_module
from spectralgpt_qgis.gui.engine_dialog import EngineDialog
from spectralgpt_qgis.gui.engine_notice import EngineNotice
from tests.plugin.interface import Interface
from tests.plugin.waiting import wait


@pytest.fixture
def interface(qgis_processing):
    made = Interface()
    yield made
    made.close()


def providers():
    return [item.id() for item in QgsApplication.processingRegistry().providers()]


def test_loading_twice_leaves_nothing(interface, models):
    for _ in range(2):
        plugin = classFactory(interface)
        plugin.initGui()
        assert providers().count("spectralgpt") == 1
        assert [action.text() for action in interface.menu] == [
            "Open satellite product…",
            "Land-cover map…",
            "Label scenes…",
            "Detect change…",
            "Fine-tune…",
            "Describe layer for models…",
            "Models…",
            "Engine…",
        ]
        assert len(interface.layer_menu) == 5
        assert all(not action.icon().isNull() for action in interface.menu)
        plugin.unload()
        assert "spectralgpt" not in providers()
        assert interface.menu == []
        assert interface.drop_handlers == []
        assert interface.layer_menu == []
        assert interface.option_pages == []
        assert interface.bar.items() == []


def test_parts_are_removed_in_the_opposite_order(interface, models, monkeypatch):
    steps = []

    def part(name):
        return SimpleNamespace(
            add=lambda: steps.append(f"add {name}"), remove=lambda: steps.append(f"remove {name}")
        )

    monkeypatch.setattr(plugin_module, "desktop_parts", lambda iface: [part("a"), part("b")])
    plugin = classFactory(interface)
    plugin.initGui()
    plugin.unload()
    assert steps == ["add a", "add b", "remove b", "remove a"]


def test_a_part_that_fails_leaves_nothing_of_the_others(interface, models, monkeypatch):
    def fails():
        raise OSError("no room")

    whole = plugin_module.desktop_parts(interface)
    broken = SimpleNamespace(add=fails, remove=lambda: None)
    monkeypatch.setattr(plugin_module, "desktop_parts", lambda iface: [*whole, broken])
    with pytest.raises(OSError, match="no room"):
        classFactory(interface).initGui()
    assert interface.menu == []
    assert interface.layer_menu == []
    assert "spectralgpt" not in providers()


def test_without_a_desktop_there_is_the_provider_alone(qgis_processing, models):
    plugin = classFactory(None)
    plugin.initProcessing()
    assert "spectralgpt" in providers()
    plugin.unload()
    assert "spectralgpt" not in providers()


def test_a_missing_engine_is_offered_in_the_message_bar(interface, no_engine):
    plugin = classFactory(interface)
    plugin.initGui()
    wait(interface.bar.items)
    (message,) = interface.bar.items()
    assert "not installed yet" in message.text()
    (button,) = (b for b in message.findChildren(QPushButton) if b.text() == "Install…")
    button.click()
    assert interface.bar.items() == []
    dialog = interface.window.findChild(EngineDialog)
    assert dialog.isVisible()
    wait(lambda: "not installed yet" in dialog.panel.state.text())
    plugin.unload()
    assert not dialog.isVisible()


def test_an_engine_that_is_there_is_not_mentioned(interface, models):
    plugin = classFactory(interface)
    plugin.initGui()
    (engine,) = (part for part in plugin._parts if isinstance(part, EngineNotice))
    wait(lambda: not engine._start.isActive() and not engine.work.looking)
    assert interface.bar.items() == []
    plugin.unload()
