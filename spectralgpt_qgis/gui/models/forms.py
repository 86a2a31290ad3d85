"""Small dialogs of the models window: for a name, an address, and folders."""

from __future__ import annotations

from html import escape
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from qgis.PyQt.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from ... import settings
from ...i18n import tr
from ...published_weights import published_weights
from ..help import add_help
from .details import size_text
from .entry import ModelEntry


class _Form(QDialog):
    """A non-modal dialog with a form above a button box."""

    def __init__(self, parent: QWidget | None, title: str, width: int) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setMinimumWidth(width)
        self.form = QFormLayout()
        self.form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok
            | QDialogButtonBox.StandardButton.Cancel
            | QDialogButtonBox.StandardButton.Help
        )
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addLayout(self.form)
        layout.addWidget(self.buttons)
        add_help(self, "models")

    @property
    def ok(self) -> QPushButton:
        """The OK button."""
        return self.buttons.button(QDialogButtonBox.StandardButton.Ok)


class RenameForm(_Form):
    """Asks for a title and a name."""

    def __init__(self, parent: QWidget | None, entry: ModelEntry) -> None:
        """Shows the current ones."""
        super().__init__(parent, tr("Rename Model"), 420)
        self.title = QLineEdit(entry.title)
        self.name = QLineEdit(entry.name)
        self.name.setToolTip(tr("Used in parameters, scripts and file names"))
        self.form.addRow(tr("&Title"), self.title)
        self.form.addRow(tr("File &name"), self.name)
        for field in (self.title, self.name):
            field.textChanged.connect(self._check)
        self.title.selectAll()
        self._check()

    def _check(self, *_: Any) -> None:
        self.ok.setEnabled(bool(self.title.text().strip() and self.name.text().strip()))


class DownloadForm(_Form):
    """Asks which weights to download, or from which address."""

    def __init__(self, parent: QWidget | None = None) -> None:
        """Lists the published weights."""
        super().__init__(parent, tr("Download Model"), 560)
        self._weights = published_weights()
        self.choice = QComboBox()
        for item in self._weights:
            self.choice.addItem(item.title)
        self.choice.addItem(tr("From another address"))
        self.about = QLabel()
        self.about.setWordWrap(True)
        self.about.setOpenExternalLinks(True)
        self.address = QLineEdit()
        self.address.setPlaceholderText("https://")
        self.checksum = QLineEdit()
        self.checksum.setPlaceholderText(
            tr("Not known: the file cannot be compared with the published one")
        )
        self.form.addRow(tr("&Model"), self.choice)
        self.form.addRow(self.about)
        self.form.addRow(tr("&Address"), self.address)
        self.form.addRow(tr("&SHA-256"), self.checksum)
        self.ok.setText(tr("Download"))
        self.choice.currentIndexChanged.connect(self._show)
        self.address.textChanged.connect(self._check)
        self.checksum.textChanged.connect(self._check)
        self._show()

    def order(self) -> tuple[str, str, str, int | None]:
        """Address, file name, SHA-256 (empty if not known) and size in bytes (None if not known)."""
        index, url = self.choice.currentIndex(), self.address.text().strip()
        known = index < len(self._weights) and url == self._weights[index].url
        size = self._weights[index].bytes if known else None
        return url, file_of(url), self.checksum.text().strip().lower(), size

    def _show(self, *_: Any) -> None:
        index = self.choice.currentIndex()
        published = index < len(self._weights)
        self.about.setVisible(published)
        if published:
            item = self._weights[index]
            size = (
                size_text(item.bytes) if item.bytes else tr("known only after the download starts")
            )
            self.about.setText(
                tr(
                    '{about}<br>Size: {size}<br>Licence: {licence}<br><a href="{page}">{page}</a>'
                ).format(
                    about=escape(item.about),
                    size=escape(size),
                    licence=escape(item.licence),
                    page=escape(item.page),
                )
            )
        self.address.setText(self._weights[index].url if published else "")
        self.checksum.setText(self._weights[index].sha256 if published else "")
        self._check()

    def _check(self, *_: Any) -> None:
        url, file, checksum, _size = self.order()
        right = url.startswith(("https://", "http://")) and bool(file)
        whole = not checksum or (
            len(checksum) == 64 and not set(checksum) - set("0123456789abcdef")
        )
        self.ok.setEnabled(right and whole)


class FoldersForm(_Form):
    """Asks for the folders of shared models."""

    def __init__(self, parent: QWidget | None = None) -> None:
        """Lists the stored folders."""
        super().__init__(parent, tr("Folders of Shared Models"), 520)
        text = QLabel(
            tr(
                "Models in these folders, for instance on a network drive, are also listed; nothing is written "
                "there. If several models have the same name, your own comes first, then the shared one, then the "
                "included one."
            )
        )
        text.setWordWrap(True)
        self.folders = QListWidget()
        self.folders.addItems(str(folder) for folder in settings.shared_models())
        self.folders.setMinimumHeight(120)
        self.add_button, self.remove_button = QPushButton(tr("&Add…")), QPushButton(tr("&Remove"))
        self.add_button.clicked.connect(self._add)
        self.remove_button.clicked.connect(self._remove)
        self.folders.currentRowChanged.connect(self._check)
        side = QVBoxLayout()
        for button in (self.add_button, self.remove_button):
            button.setAutoDefault(False)
            side.addWidget(button)
        side.addStretch(1)
        row = QHBoxLayout()
        row.addWidget(self.folders, 1)
        row.addLayout(side)
        self.form.addRow(text)
        self.form.addRow(row)
        self._check()

    def keep(self) -> None:
        """Stores the listed folders."""
        folders = [self.folders.item(row).text() for row in range(self.folders.count())]
        settings.set_value("shared_models", "\n".join(dict.fromkeys(folders)))

    def _add(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, tr("Choose a folder with models"))
        if folder:
            self.folders.addItem(folder)
            self.folders.setCurrentRow(self.folders.count() - 1)

    def _remove(self) -> None:
        self.folders.takeItem(self.folders.currentRow())

    def _check(self, *_: Any) -> None:
        self.remove_button.setEnabled(self.folders.currentRow() >= 0)


def file_of(url: str) -> str:
    """The file name in an address; empty if its extension is not that of a model."""
    name = PurePosixPath(unquote(urlsplit(url).path)).name
    return name if name.lower().endswith((".pth", ".onnx", ".safetensors")) else ""
