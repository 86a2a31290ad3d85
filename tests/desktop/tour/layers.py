"""Adds and shows layers of the project, and describes them for tests."""

from __future__ import annotations

from qgis.core import (
    QgsContrastEnhancement,
    QgsMultiBandColorRenderer,
    QgsProject,
    QgsRasterLayer,
)
from qgis.utils import iface

from .screen import drawn, pause


def add_image(path, name):
    """Adds a scene in natural colours."""
    layer = QgsRasterLayer(path, name)
    renderer = QgsMultiBandColorRenderer(layer.dataProvider(), 4, 3, 2)
    for band, setter in (
        (4, renderer.setRedContrastEnhancement),
        (3, renderer.setGreenContrastEnhancement),
        (2, renderer.setBlueContrastEnhancement),
    ):
        stretch = QgsContrastEnhancement(layer.dataProvider().dataType(band))
        stretch.setMinimumValue(100)
        stretch.setMaximumValue(1700)
        stretch.setContrastEnhancementAlgorithm(
            QgsContrastEnhancement.ContrastEnhancementAlgorithm.StretchToMinimumMaximum
        )
        setter(stretch)
    layer.setRenderer(renderer)
    QgsProject.instance().addMapLayer(layer)
    return layer


def described(layer):
    """The properties of a layer's style that tests check."""
    renderer = layer.renderer()
    found = {"name": layer.name(), "type": renderer.type()}
    if renderer.type() == "paletted":
        found["classes"] = [
            [item.value, item.label, item.color.name(), item.color.alpha()]
            for item in renderer.classes()
        ]
    if renderer.type() == "categorizedSymbol":
        found["attribute"] = renderer.classAttribute()
        found["classes"] = [
            [str(item.value()), item.label(), item.symbol().color().name()]
            for item in renderer.categories()
        ]
    return found


def layers_by_name():
    return {layer.name(): layer for layer in QgsProject.instance().mapLayers().values()}


def show_only(*names):
    root = QgsProject.instance().layerTreeRoot()
    for expanded in (False, True):  # collapsed and expanded, so that the tree updates it
        for node in root.findLayers():
            node.setItemVisibilityChecked(node.name() in names)
            node.setExpanded(expanded and node.name() in names)
        pause(0.1)
    iface.mapCanvas().setExtent(layers_by_name()[names[-1]].extent().buffered(0.001))
    drawn()
