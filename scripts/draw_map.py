"""Draws a result over its image as a page with legend and scale bar; run it with QGIS's own Python.

    python3 scripts/draw_map.py --layer landcover.tif --image scene.tif --title "Land cover" --out landcover.png

The layer is drawn with the style file beside it (.qml), just as an analyst sees it in QGIS.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from qgis.core import (
    QgsApplication,
    QgsContrastEnhancement,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsLayoutExporter,
    QgsLayoutItemLabel,
    QgsLayoutItemLegend,
    QgsLayoutItemMap,
    QgsLayoutItemScaleBar,
    QgsLayoutPoint,
    QgsLayoutSize,
    QgsMapLayer,
    QgsMapLayerLegendUtils,
    QgsMultiBandColorRenderer,
    QgsPrintLayout,
    QgsProject,
    QgsRasterLayer,
    QgsRasterMinMaxOrigin,
    QgsUnitTypes,
    QgsVectorLayer,
)
from qgis.PyQt.QtGui import QFont

PAGE_WIDTH, PAGE_HEIGHT, MAP_SIDE, MARGIN = 200.0, 140.0, 118.0, 6.0


def main() -> int:
    """Draws the page; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layer", required=True)
    parser.add_argument("--image", required=True)
    parser.add_argument("--title", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--opacity", type=float, default=1.0)
    options = parser.parse_args()

    application = QgsApplication([], True)
    application.initQgis()
    project = QgsProject.instance()
    image = _image(options.image)
    result = _result(options.layer)
    result.setName(options.title.split(",")[0])
    result.setOpacity(options.opacity)
    project.addMapLayers([image, result])
    project.setCrs(_metric_crs(result))
    project.setEllipsoid("EPSG:7030")
    exported = _export(project, [result, image], result, options.title, options.out)
    project.clear()
    application.exitQgis()
    return 0 if exported else 1


def _image(path: str) -> QgsRasterLayer:
    """The scene in natural colours (bands described as B04, B03, B02), with a 2-98 % stretch."""
    layer = QgsRasterLayer(path, Path(path).stem)
    numbers = {
        layer.bandName(band).split(": ")[-1]: band for band in range(1, layer.bandCount() + 1)
    }
    red, green, blue = (numbers.get(name, 1) for name in ("B04", "B03", "B02"))
    layer.setRenderer(QgsMultiBandColorRenderer(layer.dataProvider(), red, green, blue))
    layer.setContrastEnhancement(
        QgsContrastEnhancement.ContrastEnhancementAlgorithm.StretchToMinimumMaximum,
        QgsRasterMinMaxOrigin.Limits.CumulativeCut,
    )
    return layer


def _result(path: str) -> QgsMapLayer:
    kind = QgsVectorLayer if Path(path).suffix == ".gpkg" else QgsRasterLayer
    layer = kind(path, Path(path).stem)
    if not layer.isValid():
        raise SystemExit(f"{path} is neither a raster nor a vector layer that QGIS can open.")
    layer.loadDefaultStyle()
    return layer


def _metric_crs(layer: QgsMapLayer) -> QgsCoordinateReferenceSystem:
    """The UTM zone at the layer's centre, so that north is up, squares are square and the scale bar is in metres."""
    wgs84 = QgsCoordinateReferenceSystem("EPSG:4326")
    centre = QgsCoordinateTransform(layer.crs(), wgs84, QgsProject.instance()).transform(
        layer.extent().center()
    )
    zone = int((centre.x() + 180) // 6) + 1
    return QgsCoordinateReferenceSystem(f"EPSG:{(32600 if centre.y() >= 0 else 32700) + zone}")


def _export(
    project: QgsProject, layers: list[QgsMapLayer], result: QgsMapLayer, title: str, out: str
) -> bool:
    layout = QgsPrintLayout(project)
    layout.initializeDefaults()
    millimetres = QgsUnitTypes.LayoutUnit.LayoutMillimeters
    layout.pageCollection().page(0).setPageSize(QgsLayoutSize(PAGE_WIDTH, PAGE_HEIGHT, millimetres))

    heading = QgsLayoutItemLabel(layout)
    heading.setText(title)
    font = QFont("DejaVu Sans", 15)
    heading.setFont(font)
    heading.attemptMove(QgsLayoutPoint(MARGIN, 3, millimetres))
    heading.attemptResize(QgsLayoutSize(PAGE_WIDTH - 2 * MARGIN, 10, millimetres))

    page_map = QgsLayoutItemMap(layout)
    layout.addLayoutItem(page_map)  # first: only an item in a layout can be zoomed to an extent
    page_map.setLayers(layers)
    to_page = QgsCoordinateTransform(result.crs(), project.crs(), project)
    extent = to_page.transformBoundingBox(result.extent())
    # Size before position: moving an item without a size makes its extent NaN (seen in QGIS 3.22).
    page_map.attemptResize(QgsLayoutSize(MAP_SIDE, MAP_SIDE, millimetres))
    page_map.attemptMove(QgsLayoutPoint(MARGIN, 14, millimetres))
    page_map.zoomToExtent(extent)
    page_map.setFrameEnabled(True)

    legend = QgsLayoutItemLegend(layout)
    legend.setLinkedMap(page_map)
    legend.setAutoUpdateModel(False)
    root = legend.model().rootGroup()
    root.clear()
    entry = root.addLayer(result)
    if isinstance(result, QgsRasterLayer):  # omit the first line, the name of the band
        count = len(legend.model().layerLegendNodes(entry))
        QgsMapLayerLegendUtils.setLegendNodeOrder(entry, list(range(1, count)))
        legend.model().refreshLayerLegend(entry)
    legend.attemptMove(QgsLayoutPoint(MARGIN + MAP_SIDE + 4, 14, millimetres))

    scale_bar = QgsLayoutItemScaleBar(layout)
    layout.addLayoutItem(scale_bar)
    scale_bar.setLinkedMap(page_map)
    scale_bar.setUnits(QgsUnitTypes.DistanceUnit.DistanceKilometers)
    scale_bar.setUnitLabel("km")
    scale_bar.setNumberOfSegmentsLeft(0)
    scale_bar.setNumberOfSegments(2)
    scale_bar.setUnitsPerSegment(0.5)
    scale_bar.attemptMove(QgsLayoutPoint(MARGIN + MAP_SIDE + 4, PAGE_HEIGHT - 22, millimetres))

    for item in (heading, legend):
        layout.addLayoutItem(item)
    legend.adjustBoxSize()
    settings = QgsLayoutExporter.ImageExportSettings()
    settings.dpi = 150
    settings.generateWorldFile = False
    return (
        QgsLayoutExporter(layout).exportToImage(out, settings)
        == QgsLayoutExporter.ExportResult.Success
    )


if __name__ == "__main__":
    sys.exit(main())
