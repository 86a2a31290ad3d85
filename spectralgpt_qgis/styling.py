"""How results look: every style is built from what the engine says about the classes.

A style is a plain value made in the worker thread; only `apply` touches a layer. The same style goes into the project
(through a layer post-processor) and into a sidecar, so that headless results open with their colours too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsColorRampShader,
    QgsEditorWidgetSetup,
    QgsFillSymbol,
    QgsMapLayer,
    QgsMarkerSymbol,
    QgsPalettedRasterRenderer,
    QgsPalLayerSettings,
    QgsRasterLayer,
    QgsRasterShader,
    QgsRendererCategory,
    QgsSingleBandPseudoColorRenderer,
    QgsSingleSymbolRenderer,
    QgsTextBufferSettings,
    QgsTextFormat,
    QgsVectorLayer,
    QgsVectorLayerSimpleLabeling,
)
from qgis.PyQt.QtGui import QColor

from .i18n import tr

# Perceptually even and readable with every kind of colour vision: dark is unsure, bright is sure.
CONFIDENCE_STOPS = (
    (0.0, "#440154"),
    (25.0, "#3b528b"),
    (50.0, "#21918c"),
    (75.0, "#5ec962"),
    (100.0, "#fde725"),
)
# What has not changed lets the image below show through.
PROBABILITY_STOPS = (
    (0.0, "#00fff5eb"),
    (0.25, "#60fdd0a2"),
    (0.5, "#c0fd8d3c"),
    (0.75, "#e0d94801"),
    (1.0, "#ff7f2704"),
)
POLYGON_OPACITY = 0.55
CLASS_FIELD = "class_value"  # of every polygon layer the engine writes
# What a list of places to label calls each of them.
RANKED = '"rank" || \': \' || "first_class" || \' / \' || "second_class"'
REFERENCE_FIELD = "reference"  # of a sample, filled in by the user


class ClassStyle(NamedTuple):
    """One class of a map.

    Attributes:
        value: Value in the raster, and in the attribute of polygons.
        title: What the legend says.
        color: "#rrggbb".
    """

    value: int
    title: str
    color: str


def class_styles(classes: list, words: Callable[[str], str] = str) -> tuple[ClassStyle, ...]:
    """Reads the class list of an engine result: items with value, name, title and color.

    Args:
        classes: The items.
        words: Translates titles, where they are not the user's own.
    """
    return tuple(
        ClassStyle(
            value=int(item["value"]),
            title=words(str(item.get("title") or item.get("name") or item["value"])),
            color=str(item.get("color") or "#808080"),
        )
        for item in classes
    )


class LayerStyle:
    """A style that waits for its layer."""

    def apply(self, layer: QgsMapLayer) -> None:
        """Gives the layer its renderer."""
        raise NotImplementedError


@dataclass(frozen=True)
class ClassRasterStyle(LayerStyle):
    """A class raster: one colour and one name a value.

    Attributes:
        hidden: Values drawn fully transparent, such as "unchanged".
    """

    classes: tuple[ClassStyle, ...]
    hidden: tuple[int, ...] = ()

    def apply(self, layer: QgsMapLayer) -> None:
        """Sets a paletted renderer on band 1."""
        entries = []
        for item in self.classes:
            color = QColor(item.color)
            if item.value in self.hidden:
                color.setAlpha(0)
            entries.append(QgsPalettedRasterRenderer.Class(item.value, color, item.title))
        layer.setRenderer(QgsPalettedRasterRenderer(layer.dataProvider(), 1, entries))


@dataclass(frozen=True)
class RampStyle(LayerStyle):
    """A continuous raster, such as confidence in percent or the probability of change."""

    stops: tuple[tuple[float, str], ...]
    suffix: str = ""

    def apply(self, layer: QgsMapLayer) -> None:
        """Sets a linear colour ramp on band 1."""
        low, high = self.stops[0][0], self.stops[-1][0]
        ramp = QgsColorRampShader(low, high)
        ramp.setColorRampType(QgsColorRampShader.Type.Interpolated)
        ramp.setColorRampItemList(
            [
                QgsColorRampShader.ColorRampItem(value, QColor(color), f"{value:g}{self.suffix}")
                for value, color in self.stops
            ]
        )
        shader = QgsRasterShader(low, high)
        shader.setRasterShaderFunction(ramp)
        renderer = QgsSingleBandPseudoColorRenderer(layer.dataProvider(), 1, shader)
        renderer.setClassificationMin(low)
        renderer.setClassificationMax(high)
        layer.setRenderer(renderer)


@dataclass(frozen=True)
class PolygonStyle(LayerStyle):
    """Polygons coloured by their class.

    Attributes:
        some_without: Whether there may be polygons without a class, such as zones without data.
    """

    classes: tuple[ClassStyle, ...]
    some_without: bool = False

    def apply(self, layer: QgsMapLayer) -> None:
        """Sets a categorised renderer."""
        categories = [
            QgsRendererCategory(item.value, _fill(item.color), item.title) for item in self.classes
        ]
        if self.some_without:
            categories.append(QgsRendererCategory(None, _fill("#bdbdbd"), tr("No class")))
        # Labelled zones may bring a field of that name: then the engine's has a number and comes later.
        names = [field.name() for field in layer.fields()]
        own = [name for name in names if re.fullmatch(CLASS_FIELD + r"(_\d+)?", name)]
        layer.setRenderer(QgsCategorizedSymbolRenderer(own[-1] if own else CLASS_FIELD, categories))


@dataclass(frozen=True)
class SampleStyle(LayerStyle):
    """Points to be judged: the form lists the classes, the map shows what is left to do, not what the map says."""

    classes: tuple[ClassStyle, ...]

    def apply(self, layer: QgsMapLayer) -> None:
        """Sets the form of the reference field and a renderer that tells done from to do."""
        index = layer.fields().lookupField(REFERENCE_FIELD)
        if index >= 0:
            entries = [{item.title: str(item.value)} for item in self.classes]
            layer.setEditorWidgetSetup(index, QgsEditorWidgetSetup("ValueMap", {"map": entries}))
        todo = QgsRendererCategory(1, _ring("#d94801"), tr("To be judged"))
        done = QgsRendererCategory(0, _ring("#2f8f4e"), tr("Judged"))
        layer.setRenderer(
            QgsCategorizedSymbolRenderer(f"coalesce(\"{REFERENCE_FIELD}\", '') = ''", [todo, done])
        )


@dataclass(frozen=True)
class PlacesStyle(LayerStyle):
    """Places to look at: outlines that hide nothing, each with its rank."""

    def apply(self, layer: QgsMapLayer) -> None:
        """Sets outlines, dark under bright so that they stand out on any image, and the labels."""
        frame = QgsFillSymbol.createSimple(_outline("#202020", "1.0"))
        bright = QgsFillSymbol.createSimple(_outline("#ffd400", "0.5"))
        frame.appendSymbolLayer(bright.symbolLayer(0).clone())
        layer.setRenderer(QgsSingleSymbolRenderer(frame))
        text = QgsTextFormat()
        text.setSize(10)
        text.setColor(QColor("#ffd400"))
        halo = QgsTextBufferSettings()
        halo.setEnabled(True)
        halo.setSize(0.8)
        halo.setColor(QColor("#202020"))
        text.setBuffer(halo)
        labels = QgsPalLayerSettings()
        labels.fieldName = "rank"
        labels.placement = QgsPalLayerSettings.Placement.OverPoint
        labels.setFormat(text)
        layer.setLabeling(QgsVectorLayerSimpleLabeling(labels))
        layer.setLabelsEnabled(True)
        layer.setDisplayExpression(RANKED)


def confidence_style() -> RampStyle:
    """Confidence in percent: dark is unsure, bright is sure."""
    return RampStyle(CONFIDENCE_STOPS, " %")


def probability_style() -> RampStyle:
    """Probability of change, 0 to 1: clear where nothing changed, dark where it surely did."""
    return RampStyle(PROBABILITY_STOPS)


def _fill(color: str) -> QgsFillSymbol:
    fill = QColor(color)
    outline = fill.darker(150)
    fill.setAlphaF(POLYGON_OPACITY)
    return QgsFillSymbol.createSimple(
        {
            "color": _rgba(fill),
            "outline_color": _rgba(outline),
            "outline_width": "0.2",
            "outline_style": "solid",
        }
    )


def _outline(color: str, width: str) -> dict[str, str]:
    return {
        "style": "no",
        "outline_color": _rgba(QColor(color)),
        "outline_width": width,
        "joinstyle": "miter",
    }


def _ring(color: str) -> QgsMarkerSymbol:
    """A circle that hides nothing of the place it marks."""
    return QgsMarkerSymbol.createSimple(
        {
            "name": "circle",
            "color": "0,0,0,0",
            "outline_color": _rgba(QColor(color)),
            "outline_width": "0.7",
            "size": "3.5",
        }
    )


def _rgba(color: QColor) -> str:
    return ",".join(str(part) for part in (color.red(), color.green(), color.blue(), color.alpha()))


def save_default_style(path: str, style: LayerStyle) -> str:
    """Makes QGIS open a file with this style from now on.

    Rasters get a .qml beside them; a GeoPackage carries its style inside.

    Args:
        path: A raster or a GeoPackage that exists.
        style: What it shall look like.

    Returns:
        What went wrong, in words; empty when it worked. A style that cannot be saved never fails a run.
    """
    if Path(path).suffix.lower() == ".gpkg":
        return _save_inside(QgsVectorLayer(path, "style", "ogr"), path, style)
    statistics = Path(f"{path}.aux.xml")
    had_statistics = statistics.exists()
    problem = _save_beside(QgsRasterLayer(path, "style"), path, style)
    # QGIS looks at the values of every raster it opens, and GDAL keeps what it saw.
    if not had_statistics:
        statistics.unlink(missing_ok=True)
    return problem


def _save_inside(layer: QgsVectorLayer, path: str, style: LayerStyle) -> str:
    if not layer.isValid():
        return _not_saved(path)
    style.apply(layer)
    return str(layer.saveStyleToDatabase("spectralgpt", "", True, "") or "")


def _save_beside(layer: QgsRasterLayer, path: str, style: LayerStyle) -> str:
    if not layer.isValid():
        return _not_saved(path)
    style.apply(layer)
    sidecar = str(Path(path).with_suffix(".qml"))
    message, saved = layer.saveNamedStyle(sidecar, QgsMapLayer.StyleCategory.Symbology)
    return "" if saved else str(message)


def _not_saved(path: str) -> str:
    return tr("The style of {} was not saved: the file cannot be opened.").format(path)
