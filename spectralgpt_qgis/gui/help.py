"""Help buttons and the F1 key, which open pages of the guide that ships with the plugin."""

from __future__ import annotations

from qgis.PyQt.QtCore import QEvent, QObject, Qt, QUrl
from qgis.PyQt.QtGui import QDesktopServices
from qgis.PyQt.QtWidgets import QDialogButtonBox, QToolButton, QWidget

from ..help_pages import page_url
from ..i18n import tr


def open_help(page: str) -> bool:
    """Opens a page of the guide in the user's browser.

    Args:
        page: A key of `help_pages.TOPICS`: the name of an algorithm or of a window.

    Returns:
        Whether a browser was opened.
    """
    return QDesktopServices.openUrl(QUrl(page_url(page)))


def help_button(parent: QWidget, page: str) -> QToolButton:
    """Makes a small help button for tool bars and other places without a button box.

    Args:
        parent: Parent widget.
        page: Page for :func:`open_help`.
    """
    button = QToolButton(parent)
    button.setText(tr("Help"))
    button.setToolTip(tr("Opens the guide page for this window (F1)"))
    button.clicked.connect(lambda *_: open_help(page))
    return button


def add_help(widget: QWidget, page: str) -> None:
    """Makes F1 open a page while the keyboard focus is in a window or dock, and connects its Help button.

    Args:
        widget: The window or dock; the Help button of a QDialogButtonBox in it is connected.
        page: Page for :func:`open_help`.
    """
    widget.installEventFilter(HelpKey(widget, page))
    for box in widget.findChildren(QDialogButtonBox):
        if box.button(QDialogButtonBox.StandardButton.Help) is not None:
            box.helpRequested.connect(lambda: open_help(page))


class HelpKey(QObject):
    """Handles F1 instead of QGIS's own help while the keyboard focus is in a window of the plugin.

    A shortcut would not work: in a dock it is ambiguous with QGIS's own F1, and then Qt runs neither.
    """

    def __init__(self, widget: QWidget, page: str) -> None:
        """Makes the event filter.

        Args:
            widget: Its parent, in which F1 shall work; it also receives key events that its children ignore.
            page: Page for :func:`open_help`.
        """
        super().__init__(widget)
        self._page = page

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Claims F1 before shortcuts get it, and opens the page when it is pressed."""
        kind = event.type()
        if kind not in (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress):
            return False
        if event.key() != Qt.Key.Key_F1 or event.modifiers() != Qt.KeyboardModifier.NoModifier:
            return False
        event.accept()
        if kind == QEvent.Type.KeyPress and not event.isAutoRepeat():
            open_help(self._page)
        return True
