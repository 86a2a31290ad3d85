"""Loads results into the project: styles each layer and groups those of one run, with the map on top."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from qgis.core import (
    QgsLayerTreeGroup,
    QgsLayerTreeNode,
    QgsMapLayer,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingLayerPostProcessorInterface,
    QgsRasterLayer,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QTime

from .i18n import tr

if TYPE_CHECKING:
    from .styling import LayerStyle

_RANK = "spectralgpt/rank"  # custom property of a layer: its position in the group, from the top
_RUN = "spectralgpt/run"  # custom property of a group that holds the results of a run


class ResultLayer(NamedTuple):
    """An output of a run.

    Attributes:
        path: Path as the algorithm returns it.
        style: Style to apply.
    """

    path: str
    style: LayerStyle


def hand_over(
    layers: Sequence[ResultLayer], title: str, subject: str, context: QgsProcessingContext
) -> list[str]:
    """Arranges that the outputs that will be loaded are styled and grouped; may be called in any thread.

    Args:
        layers: Layers of one run; rasters are placed in this order, from the top, below the vector layers.
        title: Title of the tool.
        subject: What the run was about, such as the name of its raster; may be empty.
        context: Context of the run.

    Returns:
        The names of the layers that will be loaded.
    """
    loaded = [layer for layer in layers if context.willLoadLayerOnCompletion(layer.path)]
    loaded.sort(key=lambda layer: PurePath(layer.path).suffix.lower() != ".gpkg")
    group = _group_name(title, subject) if len(loaded) > 1 else ""
    names = []
    for rank, layer in enumerate(loaded):
        details = context.layerToLoadOnCompletionDetails(layer.path)
        names.append(details.name)
        if hasattr(details, "groupName"):  # QGIS 3.32 and later can group and sort the layers
            details.groupName = group
            details.layerSortKey = -rank
            processor = ResultPostProcessor.kept(layer.style, group)
        else:
            processor = ResultPostProcessor.kept(layer.style, group, rank)
        details.setPostProcessor(processor)
    return names


def _group_name(title: str, subject: str) -> str:
    """A group name with the time, to tell the results of several runs apart."""
    time = QTime.currentTime().toString("HH:mm:ss")
    if not subject:
        return tr("{tool} ({time})").format(tool=title, time=time)
    return tr("{tool}: {subject} ({time})").format(tool=title, subject=subject, time=time)


class ResultPostProcessor(QgsProcessingLayerPostProcessorInterface):
    """Styles an output when Processing adds it to the project, and moves it into its group."""

    # References to the processors, as Processing keeps none to those made in Python.
    _waiting: ClassVar[list[ResultPostProcessor]] = []
    # A large number, as a tool that iterates over the features of a layer adds all its results at the very end.
    _KEEP = 10_000

    def __init__(self, style: LayerStyle, group: str = "", rank: int | None = None) -> None:
        """Makes a processor for one layer.

        Args:
            style: Style to apply.
            group: Name of the group of the run; empty for none.
            rank: Position in the group, from the top; None where QGIS itself moves the layer into the group.
        """
        super().__init__()
        self._style, self._group, self._rank = style, group, rank

    @classmethod
    def kept(
        cls, style: LayerStyle, group: str = "", rank: int | None = None
    ) -> ResultPostProcessor:
        """Makes a processor and keeps a reference to it until its run has ended."""
        processor = cls(style, group, rank)
        cls._waiting.append(processor)
        del cls._waiting[: -cls._KEEP]
        return processor

    def postProcessLayer(  # noqa: N802
        self,
        layer: QgsMapLayer,
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> None:
        """Styles and moves the layer; called by Processing on the main thread."""
        if not isinstance(layer, (QgsRasterLayer, QgsVectorLayer)) or not layer.isValid():
            return
        self._style.apply(layer)
        layer.triggerRepaint()
        layer.emitStyleChanged()
        project = context.project()
        if project is not None:
            self._move(layer, project.layerTreeRoot())

    def _move(self, layer: QgsMapLayer, root: QgsLayerTreeGroup) -> None:
        """Moves a layer into its group, which is created if necessary, and out of the group of any other run."""
        node = root.findLayer(layer.id())
        if node is None:
            return
        if self._group and self._rank is None:
            node.parent().setCustomProperty(_RUN, True)
            return
        # Searched from the root, as QGIS may have added the layer inside the group, like the one before it.
        group = root.findGroup(self._group) if self._group else None
        parent, place = _beside(node)
        if group is None and self._group:
            group = parent.insertGroup(place, self._group)
            group.setCustomProperty(_RUN, True)
        if group is None and parent is node.parent():
            return
        moved = node.clone()
        if group is None:
            parent.insertChildNode(place, moved)
        else:
            moved.setCustomProperty(_RANK, self._rank)
            group.insertChildNode(_place(group, self._rank), moved)
        # Only after the clone was inserted, else QGIS removes the layer from the project.
        node.parent().removeChildNode(node)


def _beside(node: QgsLayerTreeNode) -> tuple[QgsLayerTreeGroup, int]:
    """Parent and position of a node, or of the outermost group of another run that contains it.

    QGIS adds new layers next to the current layer, which may be in the group of another run.
    """
    while node.parent().customProperty(_RUN):
        node = node.parent()
    return node.parent(), node.parent().children().index(node)


def _place(group: QgsLayerTreeGroup, rank: int) -> int:
    """The position in a group for a layer of this rank: before the first layer with a higher rank."""
    ranks = [int(child.customProperty(_RANK, -1)) for child in group.children()]
    return next((place for place, other in enumerate(ranks) if other > rank), len(ranks))
