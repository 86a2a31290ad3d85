"""Keeps layers whose files are deleted at the end of the QGIS session out of saved projects, where they would break."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import QgsMapLayer, QgsProcessingUtils, QgsProject
from qgis.PyQt.QtCore import QObject

# Custom properties by which the plugin recognises its own layers.
MODEL = "spectralgpt/preview_of"  # a preview: the path of its model
TITLES = "spectralgpt/class_titles"  # places to label: titles of the classes, JSON
QUICK_LOOK = "spectralgpt/quick_look"  # the quick look of a run
_LEFT_OUT = "layer-left-out"  # a tag that QGIS does not know


class TemporaryLayers(QObject):
    """Leaves previews, quick looks and places out of the project file while they are temporary; QGIS would save them.

    Before QGIS writes the project file, it emits signals with its XML: first with the layer tree, then with each layer
    before it is added. Adding a layer cannot be prevented, so its element is made meaningless: it gets an unknown tag,
    and for versions of QGIS that read it nevertheless, it becomes a layer embedded from a project that does not exist.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        """Starts listening to the project's signals.

        Args:
            parent: Qt parent of this object; call :meth:`stop` before it is deleted.
        """
        super().__init__(parent)
        project = QgsProject.instance()
        project.writeProject.connect(self._leave_out_of_tree)
        project.writeMapLayer.connect(self._leave_out)

    def stop(self) -> None:
        """Stops listening."""
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
    """Whether a layer is the plugin's own and its file is deleted at the end of the session."""
    ours = any(layer.customProperty(name) is not None for name in (MODEL, TITLES, QUICK_LOOK))
    file = Path(layer.source().partition("|")[0])
    return ours and Path(QgsProcessingUtils.tempFolder()) in file.parents
