"""Styles of result layers, built from the engine's list of classes.

A style is a plain value made in the worker thread; only `apply` touches a layer. The same style is applied in the
project (by a layer post-processor) and saved beside or inside the file, so that headless results open with it too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from qgis.core import (
    Qgis,
    QgsCategorizedSymbolRenderer,
    QgsColorRampShader,
    QgsContrastEnhancement,
    QgsEditorWidgetSetup,
    QgsFillSymbol,
    QgsMapLayer,
    QgsMarkerSymbol,
    QgsMultiBandColorRenderer,
    QgsPalettedRasterRenderer,
    QgsPalLayerSettings,
    QgsRaster,
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

# Viridis: perceptually uniform and safe for colour-blind readers; dark is uncertain, bright is certain.
CONFIDENCE_STOPS = (
    (0.0, "#440154"),
    (25.0, "#3b528b"),
    (50.0, "#21918c"),
    (75.0, "#5ec962"),
    (100.0, "#fde725"),
)
# Transparent where nothing has changed, so that the image below shows through.
PROBABILITY_STOPS = (
    (0.0, "#00fff5eb"),
    (0.25, "#60fdd0a2"),
    (0.5, "#c0fd8d3c"),
    (0.75, "#e0d94801"),
    (1.0, "#ff7f2704"),
)
_ALPHA = (  # a class of its own until QGIS 3.30
    Qgis.RasterColorInterpretation.AlphaBand
    if hasattr(Qgis, "RasterColorInterpretation")
    else QgsRaster.AlphaBand
)
POLYGON_OPACITY = 0.55
CLASS_FIELD = "class_value"  # in every polygon layer that the engine writes
# Display expression of places to label.
RANKED = '"rank" || \': \' || "first_class" || \' / \' || "second_class"'
REFERENCE_FIELD = "reference"  # field of a sample that the user fills in


class ClassStyle(NamedTuple):
    """One class of a map.

    Attributes:
        value: Value in the raster, and in the class field of polygons.
        title: Text in the legend.
        color: "#rrggbb".
    """

    value: int
    title: str
    color: str


def class_styles(classes: list, words: Callable[[str], str] = str) -> tuple[ClassStyle, ...]:
    """Reads the class list of an engine result: items with value, name, title and color.

    Args:
        classes: The items.
        words: Translates titles, unless the classes are the user's own.
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
    """A style that can be applied to a layer."""

    def apply(self, layer: QgsMapLayer) -> None:
        """Sets the layer's renderer."""
        raise NotImplementedError


@dataclass(frozen=True)
class ClassRasterStyle(LayerStyle):
    """A class raster, with a colour and a name for each value.

    Attributes:
        hidden: Values that are fully transparent, such as "unchanged".
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
class NaturalColours(LayerStyle):
    """An image in natural colours.

    Attributes:
        bands: Numbers of the bands that are shown red, green and blue.
        black: Value that is shown black, in all three.
        white: Value that is shown white.
    """

    bands: tuple[int, int, int]
    black: float
    white: float

    def apply(self, layer: QgsMapLayer) -> None:
        """Sets a three-band renderer; what the raster's mask leaves out is transparent."""
        provider = layer.dataProvider()
        renderer = QgsMultiBandColorRenderer(provider, *self.bands)
        setters = (
            renderer.setRedContrastEnhancement,
            renderer.setGreenContrastEnhancement,
            renderer.setBlueContrastEnhancement,
        )
        for band, set_contrast in zip(self.bands, setters):
            contrast = QgsContrastEnhancement(provider.dataType(band))
            contrast.setMinimumValue(self.black)
            contrast.setMaximumValue(self.white)
            contrast.setContrastEnhancementAlgorithm(
                QgsContrastEnhancement.ContrastEnhancementAlgorithm.StretchToMinimumMaximum
            )
            set_contrast(contrast)
        last = provider.bandCount()  # QGIS shows a mask as one more band
        if provider.colorInterpretation(last) == _ALPHA:
            renderer.setAlphaBand(last)
        layer.setRenderer(renderer)


@dataclass(frozen=True)
class PolygonStyle(LayerStyle):
    """Polygons coloured by class.

    Attributes:
        some_without: Whether some polygons may have no class, such as zones without data.
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
        # Zones may have a field of that name already; then the engine's field has a number and comes later.
        names = [field.name() for field in layer.fields()]
        own = [name for name in names if re.fullmatch(CLASS_FIELD + r"(_\d+)?", name)]
        layer.setRenderer(QgsCategorizedSymbolRenderer(own[-1] if own else CLASS_FIELD, categories))


@dataclass(frozen=True)
class SampleStyle(LayerStyle):
    """Sample points: the form lists the classes, and colours show which points remain to be done, not their class."""

    classes: tuple[ClassStyle, ...]

    def apply(self, layer: QgsMapLayer) -> None:
        """Sets the form widget of the reference field, and a renderer that tells done points from open ones."""
        index = layer.fields().lookupField(REFERENCE_FIELD)
        if index >= 0:
            entries = [{item.title: str(item.value)} for item in self.classes]
            layer.setEditorWidgetSetup(index, QgsEditorWidgetSetup("ValueMap", {"map": entries}))
        todo = QgsRendererCategory(1, _ring("#d94801"), tr("Not yet labelled"))
        done = QgsRendererCategory(0, _ring("#2f8f4e"), tr("Labelled"))
        layer.setRenderer(
            QgsCategorizedSymbolRenderer(f"coalesce(\"{REFERENCE_FIELD}\", '') = ''", [todo, done])
        )


@dataclass(frozen=True)
class PlacesStyle(LayerStyle):
    """Places to label: outlines, which hide nothing of the image, labelled with their rank."""

    def apply(self, layer: QgsMapLayer) -> None:
        """Sets the labels and bright outlines with a dark edge, which stand out on any image."""
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
    """Style of the confidence in percent: dark is uncertain, bright is certain."""
    return RampStyle(CONFIDENCE_STOPS, " %")


def probability_style() -> RampStyle:
    """Style of the probability of change, 0 to 1: transparent where it is 0, dark where it is 1."""
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
    """A hollow circle, which does not hide the place that it marks."""
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
    """Saves a style as the default with which QGIS opens a file.

    Rasters get a .qml file beside them; a GeoPackage stores its style inside.

    Args:
        path: An existing raster or GeoPackage.
        style: The style.

    Returns:
        A message if it failed, else an empty text; a style that cannot be saved never fails a run.
    """
    if Path(path).suffix.lower() == ".gpkg":
        return _save_inside(QgsVectorLayer(path, "style", "ogr"), path, style)
    statistics = Path(f"{path}.aux.xml")
    had_statistics = statistics.exists()
    problem = _save_beside(QgsRasterLayer(path, "style"), path, style)
    # QGIS computes statistics of every raster that it opens, which GDAL writes to this file.
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
