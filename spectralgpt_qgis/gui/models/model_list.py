"""The list of models in the models window."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QPalette
from qgis.PyQt.QtWidgets import QHeaderView, QTreeWidget, QTreeWidgetItem

from ...i18n import tr
from ..describe import words
from ..plain_text import unmarked
from .details import size_text
from .entry import ModelEntry, origin_text, task_text

_TITLE, _FIT = 0, 1


class ModelList(QTreeWidget):
    """One row per model; models that do not fit the chosen raster are grey, with the reason as tooltip."""

    def __init__(self) -> None:
        """Makes an empty list."""
        super().__init__()
        self.setHeaderLabels([tr("Model"), tr("Layer"), tr("For"), tr("Origin"), tr("Size")])
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setAllColumnsShowFocus(True)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # names often differ at the end
        header = self.header()
        header.setStretchLastSection(False)
        for column in range(1, 5):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(_TITLE, QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(60)

    def show_entries(
        self, entries: Sequence[ModelEntry], compared: dict[str, dict[str, Any]]
    ) -> None:
        """Shows models and keeps the selection.

        Args:
            entries: The models, in order.
            compared: Their comparison with a raster, by path; empty if there is none.
        """
        chosen = self.entry()
        blocked = self.blockSignals(True)
        self.clear()
        self.setColumnHidden(_FIT, not compared)
        titles = Counter(entry.title for entry in entries)
        for entry in entries:
            alone = titles[entry.title] == 1
            title = entry.title if alone else f"{entry.title} ({entry.name})"
            self._add(entry, title, entry.comparison(compared))
        self.blockSignals(blocked)
        self.choose(chosen.key if chosen else "")

    def entry(self) -> ModelEntry | None:
        """The selected model."""
        item = self.currentItem()
        return item.data(0, Qt.ItemDataRole.UserRole) if item is not None else None

    def choose(self, key: str) -> None:
        """Selects the model with this key or name, else the first."""
        items = [self.topLevelItem(row) for row in range(self.topLevelItemCount())]
        for item in items:
            entry = item.data(0, Qt.ItemDataRole.UserRole)
            if key in (entry.key, entry.name):
                self.setCurrentItem(item)
                break
        else:
            self.setCurrentItem(items[0] if items else None)
        self.currentItemChanged.emit(self.currentItem(), None)

    def _add(self, entry: ModelEntry, title: str, compared: dict[str, Any] | None) -> None:
        verdict = words.verdict_words(compared) if compared else ""
        item = QTreeWidgetItem(
            [title, verdict, task_text(entry), origin_text(entry), size_text(entry.bytes)]
        )
        item.setData(0, Qt.ItemDataRole.UserRole, entry)
        item.setTextAlignment(4, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        item.setToolTip(_TITLE, unmarked(f"{entry.title}\n{entry.name}"))
        if compared:
            item.setIcon(
                _FIT, QgsApplication.getThemeIcon(words.VERDICT_ICONS[compared["verdict"]])
            )
            item.setToolTip(_FIT, words.reason_words(compared))
            if compared["verdict"] == "unfit":
                grey = self.palette().brush(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text)
                for column in range(self.columnCount()):
                    item.setForeground(column, grey)
        self.addTopLevelItem(item)
