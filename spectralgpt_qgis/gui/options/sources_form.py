"""The form for package sources and folders of the engine: for companies, offline machines and full disks."""

from __future__ import annotations

import os
from pathlib import Path

from qgis.gui import QgsCollapsibleGroupBox, QgsFileWidget
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QFormLayout, QLineEdit

from ... import paths, settings
from ...i18n import tr


class SourcesForm(QgsCollapsibleGroupBox):
    """Shows the settings of the installation; `keep` stores them."""

    moved = pyqtSignal()  # the home folder, or the folder of wheels, was changed

    def __init__(self) -> None:
        """Shows the stored settings."""
        super().__init__(tr("Network and folders"))
        self._index = QLineEdit()
        self._index.setPlaceholderText("https://pypi.org/simple")
        self._proxy = QLineEdit()
        self._proxy.setPlaceholderText(
            settings.qgis_proxy() or tr("as in QGIS: none (http://user:password@host:port)")
        )
        self._authority = QgsFileWidget()
        self._wheels = QgsFileWidget()
        self._wheels.setStorageMode(QgsFileWidget.StorageMode.GetDirectory)
        self._home = QgsFileWidget()
        self._home.setStorageMode(QgsFileWidget.StorageMode.GetDirectory)
        self._home.lineEdit().setPlaceholderText(str(settings.home()))
        self.show_settings()
        if paths.HOME_VARIABLE in os.environ:
            self._home.setEnabled(False)
            self._home.setToolTip(
                tr("Taken from the environment variable {}.").format(paths.HOME_VARIABLE)
            )
        self._wheels.fileChanged.connect(lambda *_: self.moved.emit())
        self._home.fileChanged.connect(lambda *_: self.moved.emit())
        form = QFormLayout(self)
        form.addRow(tr("Package index"), self._index)
        form.addRow(tr("Proxy"), self._proxy)
        form.addRow(tr("Certificates (CA file)"), self._authority)
        form.addRow(tr("Offline: folder of wheels"), self._wheels)
        form.addRow(tr("Folder for the engine"), self._home)

    def show_settings(self) -> None:
        """Shows the stored settings."""
        self._index.setText(settings.value("index"))
        self._proxy.setText(settings.value("proxy"))
        self._authority.setFilePath(settings.value("ca_file"))
        self._wheels.setFilePath(settings.value("wheels"))
        self._home.setFilePath(settings.value("engine_home"))

    @property
    def offline(self) -> bool:
        """Whether packages come from a folder of wheels."""
        return bool(self._wheels.filePath().strip())

    @property
    def home(self) -> Path:
        """The engine's home folder according to the form."""
        return settings.home(self._home.filePath().strip())

    def keep(self) -> None:
        """Stores the settings as shown."""
        settings.set_value("index", self._index.text().strip())
        settings.set_value("proxy", self._proxy.text().strip())
        settings.set_value("ca_file", self._authority.filePath().strip())
        settings.set_value("wheels", self._wheels.filePath().strip())
        settings.set_value("engine_home", self._home.filePath().strip())
