"""How large a map unit is on the ground: in Web Mercator, for one, a unit is a metre only at the equator."""

from __future__ import annotations

import math

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransformContext,
    QgsCsException,
    QgsDistanceArea,
    QgsPointXY,
    QgsRectangle,
    QgsUnitTypes,
)

_TRUE = 0.02  # as large a share off is the scale of a projection that counts as true, such as UTM


def pixel_of(
    metres: float,
    extent: QgsRectangle,
    crs: QgsCoordinateReferenceSystem,
    transforms: QgsCoordinateTransformContext,
) -> tuple[float, float]:
    """The sides of a pixel in map units, across and down, which on the ground measure `metres` amid the extent."""
    unit = QgsUnitTypes.DistanceUnit
    nominal = metres * QgsUnitTypes.fromUnitToUnitFactor(unit.DistanceMeters, crs.mapUnits())
    measure = QgsDistanceArea()
    measure.setSourceCrs(crs, transforms)
    measure.setEllipsoid("EPSG:7030")  # WGS 84
    middle = extent.center()

    def side(across: float, down: float) -> float:
        end = QgsPointXY(middle.x() + across, middle.y() + down)
        try:
            ground = measure.measureLine(middle, end)
        except QgsCsException:
            return nominal
        if not math.isfinite(ground) or ground <= 0 or abs(ground / metres - 1) < _TRUE:
            return nominal
        return nominal * metres / ground

    return side(nominal, 0), side(0, nominal)
