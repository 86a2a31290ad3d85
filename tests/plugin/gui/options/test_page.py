"""The page in QGIS's options: made by the factory, stored only on OK, and unregistered again."""

from __future__ import annotations

from types import SimpleNamespace

from qgis.core import QgsSettings
from qgis.gui import QgsOptionsPageWidget

from spectralgpt_qgis import settings
from spectralgpt_qgis.gui.options.engine_work import EngineWork
from spectralgpt_qgis.gui.options.page import PAGE, EngineOptions
from tests.plugin.waiting import wait


def test_the_page_comes_keeps_and_goes(no_engine):
    registered = []
    iface = SimpleNamespace(
        registerOptionsWidgetFactory=registered.append,
        unregisterOptionsWidgetFactory=registered.remove,
    )
    work = EngineWork()
    part = EngineOptions(iface, lambda: work)
    part.add()
    (factory,) = registered
    page = factory.createWidget(None)
    assert isinstance(page, QgsOptionsPageWidget)
    assert page.objectName() == PAGE
    assert factory.title() == "SpectralGPT"
    page.panel.computing.threads.setValue(5)
    assert settings.value("threads") == 0
    page.apply()
    assert settings.value("threads") == 5
    wait(lambda: not work.looking)
    page.deleteLater()
    part.remove()
    assert registered == []
    work.close()
    QgsSettings().remove("SpectralGPT")
