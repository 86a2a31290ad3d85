"""The plugin class: adds the parts of the plugin to QGIS, and removes them again.

A part is a class with `__init__(iface)`, which changes nothing yet, `add()` and `remove()`. Parts do not know each
other: :func:`desktop_parts` hands one part the methods of another that it needs.
"""

from __future__ import annotations

from typing import Any

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QCoreApplication, QTranslator

from . import paths
from .i18n import language, tr
from .provider import SpectralGPTProvider
from .running_tools import stop_runs


def desktop_parts(iface: Any) -> list[Any]:
    """Makes the parts of the desktop, in the order in which they are added.

    Their modules are imported here, so that `qgis_process`, which has no desktop, never loads them.

    Args:
        iface: QGIS's interface.
    """
    from .gui.actions import MenuEntry
    from .gui.describe.part import DescribePart
    from .gui.engine_notice import EngineNotice
    from .gui.last_choices import LastChoices
    from .gui.layer_actions import LayerActions
    from .gui.model_use import tool_for
    from .gui.models.part import ModelsPart
    from .gui.options.page import EngineOptions
    from .gui.product_menu import ProductMenu
    from .gui.raster_menu import RasterMenu
    from .gui.result_messages import ResultMessages
    from .gui.tool_dialogs import ToolDialogs
    from .gui.training.part import TrainingPart

    choices = LastChoices(iface)
    dialogs = ToolDialogs(choices.recall)
    results = ResultMessages(iface)
    engine = EngineNotice(iface)
    training = TrainingPart(iface, engine.open_dialog)

    def use_model(layer: Any, model: Any) -> None:
        dialogs.open(*tool_for(layer, model))

    description = DescribePart(iface, use_model)
    models = ModelsPart(iface, dialogs.open)
    layers = LayerActions(iface, dialogs.open, training.open, description.open)
    products = ProductMenu(iface, dialogs.open)
    menu = RasterMenu(
        iface,
        [
            MenuEntry("product", tr("Open satellite product…"), products.open),
            MenuEntry("segment", tr("Land-cover map…"), layers.classify_land_cover),
            MenuEntry("classify", tr("Label scenes…"), layers.label_scenes),
            MenuEntry("change", tr("Detect change…"), layers.detect_change),
            MenuEntry("finetune", tr("Fine-tune…"), layers.fine_tune),
            MenuEntry("spectralgpt", tr("Describe layer for models…"), layers.describe),
            MenuEntry("models", tr("Models…"), models.open),
            MenuEntry("engine", tr("Engine…"), engine.open_dialog),
        ],
    )
    options = EngineOptions(iface, lambda: engine.work)
    return [
        choices,
        dialogs,
        results,
        description,
        models,
        layers,
        products,
        menu,
        engine,
        options,
        training,
    ]


class SpectralGPTPlugin:
    """The plugin, as QGIS loads it; with `initProcessing` alone it also serves `qgis_process`."""

    def __init__(self, iface: Any) -> None:
        """Adds nothing yet.

        Args:
            iface: QGIS's interface; None in `qgis_process`.
        """
        self._iface = iface
        self._provider: SpectralGPTProvider | None = None
        self._translator: QTranslator | None = None
        self._parts: list[Any] = []

    def initProcessing(self) -> None:  # noqa: N802
        """Adds the Processing provider."""
        self._translate()
        self._provider = SpectralGPTProvider()
        QgsApplication.processingRegistry().addProvider(self._provider)

    def initGui(self) -> None:  # noqa: N802
        """Adds the Processing provider and the parts of the desktop."""
        self.initProcessing()
        try:
            for part in desktop_parts(self._iface):
                self._parts.append(part)
                part.add()
        except Exception:
            self.unload()  # QGIS does not unload a plugin that failed to load
            raise

    def unload(self) -> None:
        """Removes what was added, in reverse order."""
        if self._provider is not None:
            stop_runs(algorithm.displayName() for algorithm in self._provider.algorithms())
        while self._parts:
            self._parts.pop().remove()
        if self._provider is not None:
            QgsApplication.processingRegistry().removeProvider(self._provider)
            self._provider = None
        if self._translator is not None:
            QCoreApplication.removeTranslator(self._translator)
            self._translator = None

    def _translate(self) -> None:
        """Loads the translation of the user's language if there is one; at most once."""
        if self._translator is not None:
            return
        # QGIS says zh-Hans where Qt says zh_CN. Qt drops what follows a _ until it finds a file.
        translator = QTranslator()
        shown = language().replace("-", "_")
        if translator.load(f"spectralgpt_{shown}", str(paths.TRANSLATIONS)):
            QCoreApplication.installTranslator(translator)
            self._translator = translator
