"""Layers whose files end with this session of QGIS: in a project that is opened another day they would be broken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import QgsMapLayer, QgsProcessingUtils, QgsProject
from qgis.PyQt.QtCore import QObject

# Properties by which our own layers are known.
MODEL = "spectralgpt/preview_of"  # the model's file
TITLES = "spectralgpt/class_titles"  # of the classes of places to label, JSON
QUICK_LOOK = "spectralgpt/quick_look"  # of a run that goes on
_LEFT_OUT = "layer-left-out"  # no tag of QGIS's


class TemporaryLayers(QObject):
    """Leaves previews, quick looks and places out of the project's file while they are temporary; QGIS keeps them.

    QGIS hands out its file before it is written: the tree of layers first, then each layer before it is added, which
    cannot be hindered. What is added then is nothing when the project is opened: an element under another name, which
    some versions of QGIS look at nevertheless, and for those a layer embedded from no other project.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        """Watches from now on.

        Args:
            parent: What it ends with; call :meth:`stop` before.
        """
        super().__init__(parent)
        project = QgsProject.instance()
        project.writeProject.connect(self._leave_out_of_tree)
        project.writeMapLayer.connect(self._leave_out)

    def stop(self) -> None:
        """Watches no more."""
        project = QgsProject.instance()
        project.writeProject.disconnect(self._leave_out_of_tree)
        project.writeMapLayer.disconnect(self._leave_out)

    def _leave_out_of_tree(self, document: Any) -> None:
        ids = {layer.id() for layer in QgsProject.instance().mapLayers().values() if _ends(layer)}
        found = document.elementsByTagName("layer-tree-layer")
        nodes = [found.at(place).toElement() for place in range(found.count())]
        for node in nodes:
            if node.attribute("id") in ids:
                node.parentNode().removeChild(node)

    def _leave_out(self, layer: QgsMapLayer, element: Any, _: Any) -> None:
        if not _ends(layer):
            return
        element.setTagName(_LEFT_OUT)
        element.setAttribute("embedded", "1")
        element.setAttribute("id", layer.id())
        while element.hasChildNodes():
            element.removeChild(element.firstChild())


def _ends(layer: QgsMapLayer) -> bool:
    """Whether a layer is ours and its file goes with this session."""
    ours = any(layer.customProperty(name) is not None for name in (MODEL, TITLES, QUICK_LOOK))
    file = Path(layer.source().partition("|")[0])
    return ours and Path(QgsProcessingUtils.tempFolder()) in file.parents
