"""The two tables of the window: the layer's bands, and the models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QItemSelectionModel, Qt
from qgis.PyQt.QtWidgets import QHeaderView, QPushButton, QTreeWidget, QTreeWidgetItem, QWidget

from ...i18n import tr, translated
from . import words


class _Table(QTreeWidget):
    """A flat table; one of its columns is stretched to the width of the window."""

    def __init__(self, titles: Sequence[str], stretched: int) -> None:
        super().__init__()
        self.setHeaderLabels(list(titles))
        self.setRootIsDecorated(False)
        self.setAllColumnsShowFocus(True)
        self.setUniformRowHeights(True)
        header = self.header()
        header.setStretchLastSection(False)
        for column in range(len(titles)):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(stretched, QHeaderView.ResizeMode.Stretch)

    def _begin_at_first(self) -> None:
        """Makes the first row current for the keyboard, without selecting it."""
        keep = QItemSelectionModel.SelectionFlag.NoUpdate
        self.setCurrentItem(self.topLevelItem(0), 0, keep)


class BandTable(_Table):
    """The layer's bands, and as what they were recognised."""

    def __init__(self) -> None:
        """Shows nothing yet."""
        super().__init__([tr("Band"), tr("Name"), tr("Recognised as"), tr("Wavelength")], 2)

    def show_bands(self, bands: Sequence[dict[str, Any]]) -> None:
        """Shows the bands from the engine's answer."""
        self.clear()
        for band in bands:
            item = QTreeWidgetItem(
                [
                    str(band["number"]),
                    band["name"] or "–",
                    words.band_words(band),
                    words.wavelength_words(band),
                ]
            )
            self.addTopLevelItem(item)
        self._begin_at_first()


class ModelTable(_Table):
    """The models, the best first, each with a button to use it unless it does not fit."""

    _REASON, _USE = 3, 4
    _LONGEST_NAME = 45  # characters

    def __init__(self, use: Callable[[dict[str, Any]], Any]) -> None:
        """Shows nothing yet.

        Args:
            use: Called with the model whose button was pressed, or whose row was double-clicked.
        """
        super().__init__(
            [tr("Model"), tr("For"), tr("Verdict"), tr("Reason"), ""],
            self._REASON,
        )
        self.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
        self._use = use
        self.itemActivated.connect(self._activate)

    def show_models(self, models: Sequence[dict[str, Any]]) -> None:
        """Shows the models from the engine's answer; Tab moves from the table through their buttons."""
        self.clear()
        last: QWidget = self
        for model in models:
            reason = words.reason_words(model)
            item = QTreeWidgetItem(
                [
                    translated(model["title"]),
                    words.task_words(model),
                    words.verdict_words(model),
                    reason,
                ]
            )
            item.setIcon(2, QgsApplication.getThemeIcon(words.VERDICT_ICONS[model["verdict"]]))
            item.setToolTip(0, f"{item.text(0)}\n{model['path']}")
            for column in (2, self._REASON):
                item.setToolTip(column, f"{reason}\n{words.match_words(model) or model['reason']}")
            item.setData(0, Qt.ItemDataRole.UserRole, model)
            self.addTopLevelItem(item)
            if model["verdict"] != "unfit":
                button = QPushButton(tr("Use…"))
                button.setToolTip(tr("Opens the tool with this layer and this model"))
                button.setAutoDefault(False)
                button.clicked.connect(partial(self._use_item, item))
                self.setItemWidget(item, self._USE, button)
                QWidget.setTabOrder(last, button)
                last = button
        # Long names must not push the reasons out of view; the tooltip has the whole name.
        widest = self._LONGEST_NAME * self.fontMetrics().averageCharWidth()
        self.header().resizeSection(0, min(self.sizeHintForColumn(0), widest))
        self._begin_at_first()  # so that Enter uses the best model
        self.setColumnHidden(self._USE, not any(m["verdict"] != "unfit" for m in models))

    def _activate(self, item: QTreeWidgetItem, *_: Any) -> None:
        if self.itemWidget(item, self._USE) is not None:
            self._use_item(item)

    def _use_item(self, item: QTreeWidgetItem, *_: Any) -> None:
        self._use(item.data(0, Qt.ItemDataRole.UserRole))
