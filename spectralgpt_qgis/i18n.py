"""Translation of the texts shown to the user.

Pass :func:`tr` a literal and call ``.format()`` on its result: a formatted text would not be found in the translations.
"""

from __future__ import annotations

import re

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QCoreApplication, QLocale

_CONTEXT = "SpectralGPT"
_DECIMALS = re.compile(r"(?<=[0-9])\.(?=[0-9])")


def tr(text: str) -> str:
    """Return the text in the language of the user."""
    return QCoreApplication.translate(_CONTEXT, text)


def translated(text: str) -> str:
    """Same as `tr`, for a text that is not a literal in this package, such as a message of the engine."""
    return QCoreApplication.translate(_CONTEXT, text)


def language() -> str:
    """Return the language of QGIS's interface, such as "de", "pt_BR" or "zh-Hans"."""
    application = QgsApplication.instance()
    return str(application.translation() or application.locale())


def speaks_english() -> bool:
    """Whether no translation is loaded."""
    return tr("SpectralGPT speaks English") == "SpectralGPT speaks English"


def localised(text: str) -> str:
    """Return the text with the user's decimal separator in its numbers; not for names, which may contain points."""
    return _DECIMALS.sub(QLocale().decimalPoint(), text)


def time_left(seconds: float | None) -> str:
    """Return a text such as "about 2 min left"; empty if no time is left, or it is not known."""
    if not seconds:
        return ""
    if seconds < 60:
        return tr("about {seconds} s left").format(seconds=max(1, round(seconds)))
    if seconds < 3600:
        return tr("about {minutes} min left").format(minutes=round(seconds / 60))
    hours, minutes = divmod(round(seconds / 60), 60)
    return tr("about {hours} h {minutes} min left").format(hours=hours, minutes=minutes)
