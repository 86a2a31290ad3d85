"""Results on their way into the project: each styled, those of one run together in a group, the map on top."""

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

_RANK = "spectralgpt/rank"  # of a layer in its group, from the top
_RUN = "spectralgpt/run"  # of a group: the results of a run


class ResultLayer(NamedTuple):
    """An output of a run.

    Attributes:
        path: As the algorithm returns it.
        style: What it shall look like.
    """

    path: str
    style: LayerStyle


def hand_over(
    layers: Sequence[ResultLayer], title: str, subject: str, context: QgsProcessingContext
) -> list[str]:
    """Has those outputs styled and grouped that are going to be loaded; any thread may call it.

    Args:
        layers: Layers of one run; rasters lie in this order, from the top, under the vectors.
        title: Title of the tool.
        subject: What the run was about; may be empty.
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
        if hasattr(details, "groupName"):  # QGIS 3.32 and later group and sort by themselves
            details.groupName = group
            details.layerSortKey = -rank
            processor = ResultPostProcessor.kept(layer.style)
        else:
            processor = ResultPostProcessor.kept(layer.style, group, rank)
        details.setPostProcessor(processor)
    return names


def _group_name(title: str, subject: str) -> str:
    """With the time: a second run must not be mistaken for the first one."""
    time = QTime.currentTime().toString("HH:mm:ss")
    if not subject:
        return tr("{tool} ({time})").format(tool=title, time=time)
    return tr("{tool}: {subject} ({time})").format(tool=title, subject=subject, time=time)


class ResultPostProcessor(QgsProcessingLayerPostProcessorInterface):
    """Styles one output when Processing adds it to the project, and puts it into its group."""

    # Processing keeps no reference to a post-processor made in Python.
    _waiting: ClassVar[list[ResultPostProcessor]] = []
    # A tool that is run for every feature of a layer adds its results at the very end.
    _KEEP = 10_000

    def __init__(self, style: LayerStyle, group: str = "", rank: int = 0) -> None:
        """Takes what the layer will get.

        Args:
            style: What it shall look like.
            group: The group it goes into; empty where it stays where it is.
            rank: Its place in the group, from the top.
        """
        super().__init__()
        self._style, self._group, self._rank = style, group, rank

    @classmethod
    def kept(cls, style: LayerStyle, group: str = "", rank: int = 0) -> ResultPostProcessor:
        """Makes one that lives until its run has ended."""
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
        """Called by Processing on the main thread."""
        if not isinstance(layer, (QgsRasterLayer, QgsVectorLayer)) or not layer.isValid():
            return
        self._style.apply(layer)
        layer.triggerRepaint()
        layer.emitStyleChanged()
        project = context.project()
        if project is not None:
            self._move(layer, project.layerTreeRoot())

    def _move(self, layer: QgsMapLayer, root: QgsLayerTreeGroup) -> None:
        """Puts a layer into the group, which is made beside it when it is not there, and out of any other run's."""
        node = root.findLayer(layer.id())
        if node is None:
            return
        # From the root: QGIS may have added the layer inside the group, where the last one has gone.
        group = root.findGroup(self._group) if self._group else None
        parent, place = _beside(node)
        if group is None and self._group:
            group = parent.insertGroup(place, self._group)
            group.setCustomProperty(_RUN, True)
        if group is None and parent is node.parent():
            return
        moved = node.clone()
        moved.setCustomProperty(_RANK, self._rank)
        if group is None:
            parent.insertChildNode(place, moved)
        else:
            group.insertChildNode(_place(group, self._rank), moved)
        # After the copy is there, else the layer leaves the project.
        node.parent().removeChildNode(node)


def _beside(node: QgsLayerTreeNode) -> tuple[QgsLayerTreeGroup, int]:
    """Where a node lies, or the outermost group of other runs around it: QGIS adds layers where the chosen one is."""
    while node.parent().customProperty(_RUN):
        node = node.parent()
    return node.parent(), node.parent().children().index(node)


def _place(group: QgsLayerTreeGroup, rank: int) -> int:
    """Before the first layer that lies lower."""
    ranks = [int(child.customProperty(_RANK, -1)) for child in group.children()]
    return next((place for place, other in enumerate(ranks) if other > rank), len(ranks))
