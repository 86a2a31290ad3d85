"""A desk with the sample scene on it."""

from __future__ import annotations

import pytest
from qgis.core import QgsProject

from tests.plugin.training import desk as desk_module


@pytest.fixture
def desk(qgis_app):
    """Stands in for QGIS's interface."""
    made = desk_module.Desk()
    yield made
    made.current = None  # a layer must not outlive QGIS
    made.drawn.clear()
    made.window.deleteLater()


@pytest.fixture
def raster(desk, scene):
    """The sample in the project, 380 x 377 pixels."""
    layer = desk_module.sample_layer(scene, "Boadella 2020-02-02")
    QgsProject.instance().addMapLayer(layer)
    desk.current = layer
    return layer


@pytest.fixture
def saved_project(tmp_path):
    """The project has a file, and so a folder."""
    folder = tmp_path / "project"
    folder.mkdir()
    assert QgsProject.instance().write(str(folder / "field.qgz"))
    return folder
