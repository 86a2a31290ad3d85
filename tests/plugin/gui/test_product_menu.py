"""The entry for layers that are one file of a satellite product."""

from __future__ import annotations

import shutil

import pytest
from qgis.core import QgsProject, QgsRasterLayer

from spectralgpt_qgis.gui.product_menu import ProductMenu
from tests.plugin.interface import Interface

BAND = "T31TDG_20200202T105211_B02_10m"


@pytest.fixture
def interface(qgis_app):
    made = Interface()
    yield made
    made.close()


@pytest.fixture
def band(scene, tmp_path):
    """A layer whose file is called like a band of Sentinel-2; what is in it does not matter."""
    path = tmp_path / f"{BAND}.jp2"
    shutil.copy(scene, path)
    return QgsRasterLayer(str(path), "band")


def test_only_files_of_products_have_the_entry(interface, scene, band):
    before = QgsProject.instance().addMapLayer(band)
    opened = []
    menu = ProductMenu(interface, lambda *given: opened.append(given))
    menu.add()
    QgsProject.instance().addMapLayer(QgsRasterLayer(scene, "other"))
    later = QgsProject.instance().addMapLayer(band.clone())
    assert interface.offered == [
        ("Open its whole product…", layer.name()) for layer in (before, later)
    ]
    interface.current = before
    interface.some_layers_menu[0].trigger()
    assert opened == [("spectralgpt:openproduct", {"INPUT": before.source()})]
    menu.remove()
    assert interface.some_layers_menu == []
    QgsProject.instance().addMapLayer(band.clone())
    assert len(interface.offered) == 2
