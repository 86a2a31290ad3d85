"""An editable combo box of models, marked by how well they fit a raster; also accepts a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QEvent, QObject, Qt
from qgis.PyQt.QtGui import QPalette
from qgis.PyQt.QtWidgets import QComboBox, QSizePolicy

from ...i18n import localised, tr
from ...installed_model import InstalledModel
from ..describe import words

_ORDER = {verdict: place for place, verdict in enumerate(words.VERDICT_ICONS)}


class ModelCombo(QComboBox):
    """Lists models; those that do not fit are grey, with the reason as tooltip, but can still be chosen."""

    def __init__(self, endings: Sequence[str]) -> None:
        """Makes an empty list.

        Args:
            endings: Extensions of files that may be dropped, such as ".onnx".
        """
        super().__init__()
        self._endings = tuple(endings)
        self.setEditable(True)
        self.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumContentsLength(16)
        self.setAcceptDrops(True)
        self.lineEdit().installEventFilter(self)  # a file dropped on the text would insert its URL

    def add_models(
        self,
        models: Sequence[InstalledModel],
        value_of: Callable[[InstalledModel], str],
        comparison: dict[str, dict[str, Any]],
    ) -> None:
        """Adds models, the best first if they were compared with a raster.

        Args:
            models: The models, in the order to use without a comparison.
            value_of: Returns the parameter's value for a model.
            comparison: Comparison from the engine's verb `describe`, by path; empty if there is none.
        """
        places = {path: place for place, path in enumerate(comparison)}
        last = len(_ORDER)

        def rank(model: InstalledModel) -> tuple[int, int]:
            verdict = comparison.get(model.path, {}).get("verdict", "")
            return _ORDER.get(verdict, last), places.get(model.path, 0)

        for model in sorted(models, key=rank):
            compared = comparison.get(model.path)
            self.addItem(label(model, value_of(model)), value_of(model))
            index = self.count() - 1
            self.setItemData(index, describe(model, compared), Qt.ItemDataRole.ToolTipRole)
            if compared is not None:
                self.setItemIcon(
                    index, QgsApplication.getThemeIcon(words.VERDICT_ICONS[compared["verdict"]])
                )
                if compared["verdict"] == "unfit":
                    grey = self.palette().brush(
                        QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text
                    )
                    self.setItemData(index, grey, Qt.ItemDataRole.ForegroundRole)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Handles files that are dropped on the text."""
        if event.type() in (QEvent.Type.DragEnter, QEvent.Type.DragMove, QEvent.Type.Drop):
            return self._take(event)
        return False

    def dragEnterEvent(self, event: Any) -> None:  # noqa: N802
        """Accepts a model file."""
        self._take(event)

    def dropEvent(self, event: Any) -> None:  # noqa: N802
        """Shows the path of the file that was dropped."""
        self._take(event)

    def _take(self, event: Any) -> bool:
        path = dropped_file(event.mimeData(), self._endings)
        if not path:
            return False
        event.acceptProposedAction()
        if event.type() == QEvent.Type.Drop:
            self.setEditText(path)
        return True


def dropped_file(data: Any, endings: Sequence[str]) -> str:
    """The file that is dragged, if it is a single local file with one of these extensions; else empty."""
    files = [url.toLocalFile() for url in data.urls()] if data.hasUrls() else []
    if len(files) == 1 and files[0].lower().endswith(tuple(endings)):
        return str(files[0])
    return ""


def label(model: InstalledModel, value: str) -> str:
    """The text for a model in a list: its title, and its value in parameters."""
    return value if model.title == value else f"{model.title} ({value})"


def describe(model: InstalledModel, compared: dict[str, Any] | None = None) -> str:
    """A model in a few lines of HTML: whether it fits, its task, bands and classes."""
    classes = " ".join(
        f'<span style="color:{color}">■</span> {escape(title)}' for title, color in model.classes
    )
    verdict = ""
    if compared is not None:
        verdict = tr("{verdict}: {reason}").format(
            verdict=escape(words.verdict_words(compared)),
            reason=escape(words.reason_words(compared)),
        )
    lines = [
        f"<b>{escape(model.title)}</b> ({escape(model.name)})",
        verdict,
        escape(model.description),
        tr("Bands, in this order: {}").format(escape(", ".join(model.bands))),
        localised(tr("Pixel size in training: {:g} m").format(model.pixel_metres)),
        tr("Classes: {}").format(classes) if classes else "",
        tr("Licence: {}").format(escape(model.licence)) if model.licence else "",
    ]
    return "<br>".join(line for line in lines if line)
