"""Help buttons and F1: each opens the page of the guide that ships with the plugin."""

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
        Whether a browser took it.
    """
    return QDesktopServices.openUrl(QUrl(page_url(page)))


def help_button(parent: QWidget, page: str) -> QToolButton:
    """Makes a small button for a tool bar or a corner, where there is no row of buttons.

    Args:
        parent: The widget it stands on.
        page: What :func:`open_help` opens.
    """
    button = QToolButton(parent)
    button.setText(tr("Help"))
    button.setToolTip(tr("Opens the guide at the page about this window (F1)"))
    button.clicked.connect(lambda *_: open_help(page))
    return button


def add_help(widget: QWidget, page: str) -> None:
    """Has F1 open a page while the keyboard is anywhere in a window or a dock, and its Help button too.

    Args:
        widget: The window or dock; a QDialogButtonBox in it gets its Help button connected.
        page: What :func:`open_help` opens.
    """
    widget.installEventFilter(HelpKey(widget, page))
    for box in widget.findChildren(QDialogButtonBox):
        if box.button(QDialogButtonBox.StandardButton.Help) is not None:
            box.helpRequested.connect(lambda: open_help(page))


class HelpKey(QObject):
    """Takes F1 from QGIS's own help while the keyboard is in one of our windows.

    A shortcut would not do: in a dock it and QGIS's own F1 are ambiguous, and then Qt runs neither.
    """

    def __init__(self, widget: QWidget, page: str) -> None:
        """Belongs to the widget.

        Args:
            widget: Where F1 shall work; what its children do not use arrives here too.
            page: What :func:`open_help` opens.
        """
        super().__init__(widget)
        self._page = page

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Claims F1 before shortcuts see it, and opens the page when it is pressed."""
        kind = event.type()
        if kind not in (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress):
            return False
        if event.key() != Qt.Key.Key_F1 or event.modifiers() != Qt.KeyboardModifier.NoModifier:
            return False
        event.accept()
        if kind == QEvent.Type.KeyPress and not event.isAutoRepeat():
            open_help(self._page)
        return True
